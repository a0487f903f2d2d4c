"""Who may do what: the key of a request, the project it is about, and the role and scope that the route found needs.

On loopback without keys whoever reaches the port is admin, as with any local program. A key is needed everywhere else, as
soon as an admin key was made, when ``server.auth`` says so, and of every page that a browser loaded from another site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.requests import Request

from slipway.data.access import EVERYWHERE
from slipway.errors import ConfigError, UsageError
from slipway.server.keys import FORM, Identity, Keys

if TYPE_CHECKING:
    from slipway.config import Server
    from slipway.server.routing import Route
    from slipway.server.state import State

LOCAL = Identity("local", {EVERYWHERE: "admin"})
NOBODY = Identity("nobody")
CREATE = "slipway key create --role admin"


class Refused(UsageError):
    """A request that is refused before its route sees it. ``status`` is the HTTP status, ``reason`` what is counted."""

    page = "guides/access.md"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        mend: str,
        reason: str = "other",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, mend=mend)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def refuse_open_bind(server: Server, keys: Keys) -> None:
    """Raises `ConfigError` for settings under which strangers could come in (T45)."""
    if server.auth not in ("auto", "required"):
        raise ConfigError(f"server.auth = {server.auth!r} is unknown", mend='write "auto" or "required"')
    for origin in server.origins:
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or not rest or "*" in rest or "/" in rest:
            raise ConfigError(
                f"server.origins has {origin!r}, which names no site", mend="write https://app.example, without a path"
            )
    if (server.auth == "required" or not is_loopback(server.host)) and not keys.configured():
        raise ConfigError(
            f"{server.host} would let anybody in: no admin key was made", mend=f"run: {CREATE}; or listen on 127.0.0.1"
        )


async def identify(request: Request, state: State, found: Route) -> tuple[Identity, str]:
    """(who asks, project). Raises `Refused`: 401 without a valid key, 403 when its role or scope is too small, 404 for a
    project it does not know. The decision hangs on the route that was found, never on the text of the path."""
    if found.needs is None:
        return NOBODY, state.config.project
    who = await _who(request, state)
    project = _project(request, state, who)
    if who.role(project) is None:
        raise Refused(404, f"no project {project!r:.80}", mend="name a project of this key", reason="project")
    if not who.may(found.needs, project, found.scope):
        raise Refused(
            403,
            f"{who.name} may not do that in {project!r:.80}",
            mend=f"it needs the role {found.needs} and the scope {found.scope}",
            reason="role",
        )
    if who.key_id is not None:
        state.keys.note_use(who.key_id)
    return who, project


async def _who(request: Request, state: State) -> Identity:
    presented = _presented(request)
    if presented and (FORM.fullmatch(presented) or await _needed(request, state)):
        known, who = state.keys.remembered(presented)
        if not known:
            who = await anyio.to_thread.run_sync(state.keys.identity, presented)
        if who is None:
            raise _unauthorized("this key is not valid (any more)", "unknown key", ', error="invalid_token"')
        return who
    if await _needed(request, state):
        raise _unauthorized("this needs a key", "no key")
    return LOCAL


async def _needed(request: Request, state: State) -> bool:
    server = state.config.server
    if server.auth == "required" or not is_loopback(server.host) or foreign_page(request):
        return True
    known = state.keys.configured_now
    return known if known is not None else await anyio.to_thread.run_sync(state.keys.configured)


def _unauthorized(message: str, reason: str, more: str = "") -> Refused:
    return Refused(
        401,
        message,
        mend=f"send the header 'Authorization: Bearer slw_...'; {CREATE} makes one",
        reason=reason,
        headers={"WWW-Authenticate": f'Bearer realm="slipway"{more}'},
    )


def _presented(request: Request) -> str:
    """The key in ``Authorization: Bearer KEY`` or ``x-api-key: KEY``. Raises `Refused` for two that differ."""
    found = set(request.headers.getlist("x-api-key"))
    for value in request.headers.getlist("authorization"):
        scheme, _, rest = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.add(rest.strip())
        elif FORM.fullmatch(value.strip()):  # what an exporter sends whose settings cannot hold a space
            found.add(value.strip())
    found.discard("")
    if len(found) > 1:
        raise _unauthorized("the request has two different keys", "two keys", ', error="invalid_request"')
    return found.pop() if found else ""


def _project(request: Request, state: State, who: Identity) -> str:
    named = request.query_params.get("project") or request.headers.get("x-slipway-project")
    if named:
        return named
    usual = state.config.project
    if who.role(usual) is None and len(who.projects) == 1:
        return next(iter(who.projects))
    return usual


def foreign_page(request: Request) -> bool:
    """Whether a browser sends this for a page of another site. Programs that are no browsers send none of these headers."""
    origin = request.headers.get("origin")
    if origin is not None and origin.split("://", 1)[-1].lower() != request.headers.get("host", "").lower():
        return True
    crossing = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return crossing and request.headers.get("sec-fetch-mode") != "navigate"
