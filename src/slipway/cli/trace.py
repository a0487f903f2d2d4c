"""``slipway trace``: list traces, show one."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_trace, short
from slipway.cli.verbs import family
from slipway.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.cli.spans import Summary

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@family("trace")
def command() -> None:
    """List traces, show one as a tree of spans."""


@command.command("ls", short_help="List the newest traces.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True, help="How many to list.")
@click.option("--name", metavar="TEXT", help="Only traces whose first span's name contains this (in any case).")
@click.option("--error", is_flag=True, help="Only traces with a span that failed.")
@click.option("--since", metavar="WHEN", help="Not older than: 30m, 2h, 7d, or a date such as 2026-11-21.")
@click.pass_obj
def ls(call: Invocation, limit: int, name: str | None, error: bool, since: str | None) -> None:
    """List the newest traces of the project: id, when, name, duration, spans, failures."""
    from slipway.cli.spans import recent

    call.gather()
    where: dict[str, Any] = {"project": call.project}
    if error:
        where["status"] = "error"
    if since:
        where["started_ns__ge"] = moment_ns(since)
    found = recent(call.store, where, limit=limit, name=name)
    call.emit(found, lambda out: _list(out, found, call.project))


def _list(out: Console, found: list[Summary], project: str) -> None:
    from slipway.cli.draw import cell, right, rows, table, whole
    from slipway.data.text import duration, moment

    if not found:
        out.print(f"No such trace in project {project}. Record one: slipway run SCRIPT")
        return
    made = table(whole("TRACE"), whole("STARTED"), "NAME", right("TOOK"), right("SPANS"), "STATUS")
    lines = [
        (
            short(t.trace_id),
            moment(t.started_ns),
            t.name,
            duration(t.duration_ms),
            f"{t.spans:,}",
            cell(f"{t.errors} failed", "red") if t.errors else cell("ok"),
        )
        for t in found
    ]
    out.print(rows(made, lines))
    out.print(f"\nOne of them: slipway trace show {short(found[0].trace_id)}", style="dim")


@command.command("show", short_help="Show one trace as a tree of spans.")
@click.argument("trace", shell_complete=completes("trace"), help="A trace's id, the first digits of it, or @latest.")
@click.option("--full", is_flag=True, help="Whole inputs, outputs, attributes and events.")
@click.option(
    "--spans", metavar="N", type=click.IntRange(0), default=200, show_default=True, help="At most so many; 0: all."
)
@click.pass_obj
def show(call: Invocation, trace: str, full: bool, spans: int) -> None:
    """Show one trace as a tree of spans with durations, inputs and outputs."""
    from slipway.cli.spans import draw, load

    call.gather()
    found = load(call.store, find_trace(call.store, trace, project=call.project), blobs=full)
    call.emit(found, lambda out: draw(out, found, full=full, most=spans))


def moment_ns(text: str, *, now: float | None = None) -> int:
    """Unix nanoseconds of ``2h`` (ago) or of an ISO date. Raises `UsageError`."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if ago:
        return int(((time.time() if now is None else now) - float(ago[1]) * UNITS[ago[2]]) * 1e9)
    try:
        return int(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1e9)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a moment", mend="write it as 30m, 2h, 7d or 2026-11-21T08:00") from None
