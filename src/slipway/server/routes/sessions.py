"""Sessions: traces that say they belong together, such as the turns of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from slipway.errors import NotFound
from slipway.server.pages import Cursor, Limit
from slipway.server.routing import Call, route
from slipway.server.views import TraceShown, shown
from slipway.store.derived.answers import SessionRow
from slipway.store.derived.conditions import Compare, Field


class SessionList(msgspec.Struct):
    """Sessions, the one with the newest trace first. ``behind`` stored spans cannot be found yet."""

    sessions: Sequence[SessionRow]
    next: str | None
    behind: int


class SessionDetail(msgspec.Struct):
    """A session and its traces, the newest first. ``behind`` stored spans cannot be found yet."""

    session: SessionRow
    traces: list[TraceShown]
    next: str | None
    behind: int


class PageQuery(msgspec.Struct):
    """Which page."""

    limit: Limit = 50
    cursor: Cursor = ""


@route("GET", "/api/v1/sessions", needs="viewer")
def list_sessions(call: Call, query: PageQuery) -> SessionList:
    """Sessions of the project."""
    behind = call.state.indexer.prompt()
    page = call.state.query.sessions(call.project, cursor=query.cursor or None, limit=query.limit)
    return SessionList(page.items, page.cursor, behind)


@route("GET", "/api/v1/sessions/{session_id:path}", needs="viewer")
def get_session(call: Call, session_id: str, query: PageQuery) -> SessionDetail:
    """One session with its traces. An id may have slashes in it."""
    behind = call.state.indexer.prompt()
    found = call.state.query.session(call.project, session_id)
    if found is None:
        later = f"; {behind:,} spans cannot be found yet, ask again" if behind else ""
        raise NotFound(f"no session {session_id!r:.80}", mend=f"GET /api/v1/sessions lists them{later}")
    same = Compare(Field("session"), "=", (session_id,))
    page = call.state.query.traces(call.project, same, cursor=query.cursor or None, limit=query.limit)
    return SessionDetail(found, [shown(row, TraceShown) for row in page.items], page.cursor, behind)
