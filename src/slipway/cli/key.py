"""``slipway key``: keys of the server, made beside its store, so that it works before the first start."""

from __future__ import annotations

import getpass
import re
import time
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import family
from slipway.data.access import EVERYWHERE, ROLES, SCOPES

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.data.access import ApiKey

SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@family("key")
def command() -> None:
    """Make, list and revoke the keys of the server."""


@command.command("create", short_help="Make a key and print it, once.")
@click.option(
    "--role", required=True, type=click.Choice(list(ROLES)), help="What it may do: read, also write, also manage."
)
@click.option("--member", metavar="NAME", help="Whose it is: a person or a service.  [default: your user name]")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)), help="Only for this; may be repeated."
)
@click.option("--everywhere", is_flag=True, help="For every project; an admin's is, unless --project is given.")
@click.option("--expires", metavar="TIME", help="How long it is valid: 30m, 12h, 90d, 4w.  [default: until revoked]")
@click.option("--note", metavar="TEXT", default="", help="What it is for.")
@click.pass_obj
def create(call: Invocation, /, role: str, member: str | None, everywhere: bool, **options: Any) -> None:
    """Make a key and print it. It is kept as a hash and never shown again. The member gets the role in the key's projects."""
    from slipway.server.keys import issue

    anywhere = everywhere or (role == "admin" and not call.overrides.get("project"))
    key, text = issue(
        call.store,
        member=member or getpass.getuser(),
        role=role,
        projects=[EVERYWHERE if anywhere else call.project],
        scopes=options["scopes"],
        expires_ns=_expires(options["expires"]),
        note=options["note"],
        created_by=getpass.getuser(),
    )

    def render(out: Console) -> None:
        out.print(text, soft_wrap=True)
        call.note(f"Key {key.id} of {key.member}: {_allows(key)}. This is the only time that it is shown.")

    call.emit({"key": text, **_payload(key, None)}, render)


@command.command("ls", short_help="List keys.")
@click.pass_obj
def ls(call: Invocation) -> None:
    """List keys: whose, what they allow, when they were last used. What was revoked or has expired stays in the list."""
    from slipway.data.access import ApiKey, KeyUse

    used = {use.key_id: use.used_ns for use in call.store.find(KeyUse)}
    found = list(call.store.find(ApiKey))
    call.emit([_payload(key, used.get(key.id)) for key in found], lambda out: _list(out, found, used))


@command.command("revoke", short_help="Revoke a key: it fails within a second.")
@click.argument("key_id", help="Its id, as `slipway key ls` shows it: the middle part of the key.")
@click.pass_obj
def revoke(call: Invocation, key_id: str) -> None:
    """Revoke a key. Every server of the store refuses it within a second."""
    from slipway.server.keys import revoke as end

    key = end(call.store, key_id)
    call.emit(_payload(key, None), lambda out: out.print(f"revoked {key.id} of {key.member}"))


def _expires(given: str | None) -> int | None:
    if given is None:
        return None
    form = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", given)
    if form is None:
        raise click.BadParameter(f"{given!r} is no time; write 30m, 12h, 90d or 4w", param_hint="--expires")
    return time.time_ns() + int(form[1]) * SECONDS[form[2]] * 1_000_000_000


def _allows(key: ApiKey) -> str:
    where = "every project" if EVERYWHERE in key.projects else ", ".join(key.projects)
    return f"{key.role} in {where}, for {', '.join(key.scopes)}"


def _payload(key: ApiKey, used_ns: int | None) -> dict[str, Any]:
    names = ("id", "member", "role", "projects", "scopes", "note", "created_ns", "expires_ns", "revoked_ns")
    return {**{name: getattr(key, name) for name in names}, "used_ns": used_ns}


def _list(out: Console, found: list[ApiKey], used: dict[str, int]) -> None:
    from slipway.cli.draw import rows, table, whole
    from slipway.data.text import moment

    if not found:
        out.print("No key yet. Make the first one: slipway key create --role admin")
        return
    now = time.time_ns()
    made = table(whole("KEY"), "MEMBER", "ALLOWS", "NOTE", whole("MADE"), whole("LAST USED"), whole("STATE"))
    lines = []
    for key in found:
        state = "revoked" if key.revoked_ns is not None else "valid" if key.valid(now) else "expired"
        last = moment(used[key.id], brief=True) if key.id in used else "never"
        lines.append((key.id, key.member, _allows(key), key.note, moment(key.created_ns, brief=True), last, state))
    out.print(rows(made, lines))
