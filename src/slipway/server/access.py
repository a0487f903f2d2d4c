"""Who may do what. On loopback without keys whoever reaches the port is admin, as with any local program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request

from slipway.errors import UsageError
from slipway.server.routing import Role
from slipway.server.state import Identity

if TYPE_CHECKING:
    from slipway.server.state import State

LOCAL = Identity("local", {"*": "admin"})
NOBODY = Identity("nobody")


class Refused(UsageError):
    """A request that is refused before its route sees it; ``status`` is the HTTP status."""

    page = "reference/errors.md"

    def __init__(self, status: int, message: str, *, mend: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, mend=mend)
        self.status = status
        self.headers = headers or {}


async def identify(request: Request, state: State, needs: Role | None) -> tuple[Identity, str]:
    """(who asks, project). Raises `Refused`: 401 without a key, 403 with a role that is too small."""
    project = request.query_params.get("project") or request.headers.get("x-slipway-project") or state.config.project
    who = LOCAL
    if needs is not None and not who.may(needs, project):
        raise Refused(403, f"{who.name} may not do that in {project!r}", mend=f"it needs the role {needs}")
    return who, project
