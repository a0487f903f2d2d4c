"""Feedback: what people say about a trace. Writing takes the scope ``feedback``, so that a key in a web page can do only that."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from importlib import resources
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from slipway.data import Feedback
from slipway.data.feedback import FeedbackKind, make_feedback
from slipway.server.access import Refused
from slipway.server.routing import Call, route
from slipway.server.views import FeedbackShown, shown

SNIPPET = resources.files("slipway.server").joinpath("feedback.js").read_bytes()
FIELDS = ("position", *(field.name for field in fields(Feedback)))


class NewFeedback(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody says. ``kind`` follows from the value unless it is given: true or false is a thumb, a number a number,
    text a text, anything else a correction. ``key`` (or the header Idempotency-Key) makes sending it again harmless."""

    trace_id: Annotated[str, msgspec.Meta(max_length=32)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Any
    kind: FeedbackKind | None = None
    who: Annotated[str, msgspec.Meta(max_length=200)] = ""
    comment: Annotated[str, msgspec.Meta(max_length=10_000)] = ""
    span_id: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class FeedbackQuery(msgspec.Struct):
    """Of one trace, or the newest of the project. ``after`` is the ``next`` of the page before."""

    trace_id: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None


class FeedbackPage(msgspec.Struct):
    """Newest first. ``next`` is None at the end."""

    feedback: list[FeedbackShown]
    next: int | None


@route("POST", "/api/v1/feedback", needs="writer", scope="feedback", status=201)
def give_feedback(call: Call, body: NewFeedback) -> FeedbackShown:
    """Keep what somebody said about a trace of this project. The trace may arrive later. 409 when the key was used for
    something else."""
    given = make_feedback(
        body.trace_id,
        body.name,
        body.value,
        created_ns=time.time_ns(),
        kind=body.kind,
        who=body.who or (call.who.name if call.who.key_id else ""),
        comment=body.comment,
        span_id=body.span_id,
        project=call.project,
        key=body.key or call.request.headers.get("idempotency-key") or None,
    )
    if call.state.store.write([given]) == 0:
        kept = call.state.store.get(Feedback, given.id)
        if kept is None or replace(kept, created_ns=0) != replace(given, created_ns=0):
            raise Refused(
                409, "that key was used for other feedback", mend="give each feedback a key of its own", reason="key"
            )
        given = kept
    call.state.counts["feedback"] += 1
    return shown(given, FeedbackShown)


@route("GET", "/api/v1/feedback", needs="viewer")
def list_feedback(call: Call, query: FeedbackQuery) -> FeedbackPage:
    """Feedback of this project, newest first."""
    where: dict[str, Any] = {"project": call.project}
    if query.trace_id:
        where["trace_id"] = query.trace_id.lower()
    store = call.state.store
    found = list(store.columns(Feedback, FIELDS, where, newest_first=True, limit=query.limit + 1, after=query.after))
    page = found[: query.limit]
    more = page[-1][0] if len(found) > query.limit else None
    return FeedbackPage([shown(Feedback(*row), FeedbackShown) for _, *row in page], more)


@route("GET", "/api/v1/feedback/{feedback_id}", needs="viewer")
def one_feedback(call: Call, feedback_id: str) -> FeedbackShown:
    """One of them."""
    found = call.state.store.get(Feedback, feedback_id)
    if found is None or found.project != call.project:
        raise Refused(
            404, f"no feedback {feedback_id!r:.80}", mend="GET /api/v1/feedback lists it", reason="no such id"
        )
    return shown(found, FeedbackShown)


@route("GET", "/feedback.js", needs=None, media="text/javascript")
async def feedback_js(call: Call) -> Response:
    """The script for web pages that gives feedback: no eval, nothing inline, so that any Content-Security-Policy can allow it."""
    headers = {"cross-origin-resource-policy": "cross-origin", "cache-control": "public, max-age=3600"}
    return Response(SNIPPET, media_type="text/javascript", headers=headers)
