"""Traces: found by filter, opened level by level, each span whole."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from slipway.data import Event, Feedback, LogRecord, Span
from slipway.errors import NotFound
from slipway.server.access import Refused
from slipway.server.filters import parse
from slipway.server.pages import Cursor, From, Limit, To
from slipway.server.routing import JSON, Call, encoded, route
from slipway.server.views import FeedbackShown, TraceList, TraceShown, shown
from slipway.store.derived.answers import Node, SpanRow, TraceRow
from slipway.store.derived.conditions import And, Compare, Condition, Field
from slipway.store.payloads import refers, whole
from slipway.track import dialects
from slipway.track.dialects import Derived

MOST_BESIDE = 1_000  # log records, and pieces of feedback, in the answer about one span
LARGEST_PAYLOAD = 64 << 20


class TraceQuery(msgspec.Struct):
    """Which traces, newest first."""

    filter: Annotated[
        str, Meta(max_length=10_000, description="A condition in the filter language, docs/reference/filters.md.")
    ] = ""
    from_ns: From = msgspec.field(name="from", default=None)
    to_ns: To = msgspec.field(name="to", default=None)
    limit: Limit = 50
    cursor: Cursor = ""


class SpanPage(msgspec.Struct):
    """Spans of one level, the earliest first."""

    spans: Sequence[Node]
    next: str | None


class TraceDetail(msgspec.Struct):
    """A trace and its first level: roots, and spans whose parent is not there."""

    trace: TraceShown
    spans: Sequence[Node]
    next: str | None


class LevelQuery(msgspec.Struct):
    """Which level of the tree."""

    parent: Annotated[
        str, Meta(max_length=64, description="The span whose children to give; nothing: the first level.")
    ] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class LogShown(msgspec.Struct):
    """A log record of a span."""

    id: str
    time_ns: int
    event: str
    severity: int
    severity_text: str
    body: Any
    attributes: Mapping[str, Any]
    otlp: Mapping[str, Any] | None


class SpanDetail(msgspec.Struct):
    """Everything of one span. ``attributes``, ``resource``, ``scope`` and ``otlp`` are as they came. ``input`` or
    ``output`` that is big is ``{"$blob", "bytes", "preview"}``; .../payload has it. ``path`` leads from the first level of
    the trace to the span."""

    span: SpanRow
    error: str | None
    first_token_ns: int | None
    input: Any
    output: Any
    attributes: Mapping[str, Any]
    events: Sequence[Event]
    links: Sequence[Mapping[str, Any]]
    resource: Mapping[str, Any]
    scope: str
    otlp: Mapping[str, Any] | None
    environment_id: str | None
    derived: Derived
    logs: list[LogShown]
    feedback: list[FeedbackShown]
    path: list[str]


class PayloadQuery(msgspec.Struct):
    """Which of the two, and how large it may be."""

    which: Annotated[Literal["input", "output"], Meta(description="The span's input or its output.")] = "input"
    max_bytes: Annotated[int, Meta(ge=1, le=LARGEST_PAYLOAD, description="413 when it is larger than that.")] = 8 << 20


def condition_of(filter_: str, from_ns: int | None, to_ns: int | None) -> Condition | None:
    """What a filter and two times ask for. Raises `DataError`."""
    said = parse(filter_, now_ns=time.time_ns())
    parts: list[Condition] = list(said.parts) if isinstance(said, And) else [said] if said is not None else []
    if from_ns is not None:
        parts.append(Compare(Field("time"), ">=", (from_ns,)))
    if to_ns is not None:
        parts.append(Compare(Field("time"), "<", (to_ns,)))
    return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


@route("GET", "/api/v1/traces", needs="viewer")
def list_traces(call: Call, query: TraceQuery) -> TraceList:
    """Traces of the project, those that started last first. The filter also searches full text (text "words") and regular
    expressions (name ~ "pattern")."""
    condition = condition_of(query.filter, query.from_ns, query.to_ns)
    behind = call.state.indexer.prompt()
    page = call.state.query.traces(call.project, condition, cursor=query.cursor or None, limit=query.limit)
    return TraceList([shown(row, TraceShown) for row in page.items], page.cursor, page.complete, behind)


@route("GET", "/api/v1/traces/{trace_id}", needs="viewer")
def get_trace(call: Call, trace_id: str) -> TraceDetail:
    """One trace, with its first level."""
    found = trace_of(call, trace_id)
    page = call.state.query.children(call.project, found.trace_id, limit=100)
    return TraceDetail(shown(found, TraceShown), page.items, page.cursor)


@route("GET", "/api/v1/traces/{trace_id}/spans", needs="viewer")
def list_spans(call: Call, trace_id: str, query: LevelQuery) -> SpanPage:
    """The spans right below one span, or those of the first level. Every span of a trace is reached so, however many."""
    found = trace_of(call, trace_id)
    parent = query.parent.lower() or None
    if parent is not None:
        span_of(call, found.trace_id, parent)
    page = call.state.query.children(
        call.project, found.trace_id, parent, cursor=query.cursor or None, limit=query.limit
    )
    return SpanPage(page.items, page.cursor)


@route("GET", "/api/v1/traces/{trace_id}/spans/{span_id}", needs="viewer")
def get_span(call: Call, trace_id: str, span_id: str) -> SpanDetail:
    """Everything of one span: as it came, and what is derived from it."""
    span = span_of(call, trace_id, span_id)
    where = {"trace_id": span.trace_id, "project": call.project}
    logs = list(call.state.store.find(LogRecord, {**where, "span_id": span.span_id}, limit=MOST_BESIDE))
    derived = dialects.derive(span, _spoken(call, span), prices=call.state.config.prices)
    said = call.state.store.find(Feedback, {**where, "span_id__in": [span.span_id, None]}, limit=MOST_BESIDE)
    above = call.state.query.ancestors(call.project, span.trace_id, span.span_id)
    return SpanDetail(
        span=_summary(span, derived),
        error=span.error,
        first_token_ns=span.first_token_ns,
        input=span.input,
        output=span.output,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        resource=span.resource,
        scope=span.scope,
        otlp=span.otlp,
        environment_id=span.environment_id,
        derived=derived,
        logs=[shown(record, LogShown) for record in logs],
        feedback=[shown(each, FeedbackShown) for each in said],
        path=[row.span_id for row in above],
    )


@route("GET", "/api/v1/traces/{trace_id}/spans/{span_id}/payload", needs="viewer")
def get_payload(call: Call, trace_id: str, span_id: str, query: PayloadQuery) -> Response:
    """The whole input or output of a span as JSON, also where it is too big to stand in the span."""
    span = span_of(call, trace_id, span_id)
    value = getattr(span, query.which)
    if refers(value):
        _check_size(int(value["bytes"]), query.max_bytes)
        value = whole(call.state.store, value)
    elif value is None:
        value = getattr(dialects.derive(span, _spoken(call, span)), query.which)
    text = encoded(value)
    _check_size(len(text), query.max_bytes)
    return Response(text, media_type=JSON)


def _spoken(call: Call, span: Span) -> list[LogRecord]:
    """The log records that a dialect reads, also among thousands that the application wrote."""
    where = {"trace_id": span.trace_id, "span_id": span.span_id, "project": call.project, "event__prefix": "gen_ai."}
    return list(call.state.store.find(LogRecord, where, limit=MOST_BESIDE))


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise Refused(413, f"the payload has {size:,} bytes", mend=f"ask with max_bytes={size}", reason="payload")


def trace_of(call: Call, trace_id: str) -> TraceRow:
    """The trace of this project. Raises `NotFound`."""
    trace_id = trace_id.lower()
    found = call.state.query.trace(call.project, trace_id)
    if found is None and call.state.indexer.prompt() == 0:
        found = call.state.query.trace(call.project, trace_id)
    if found is not None:
        return found
    where = {"trace_id": trace_id, "project": call.project}
    arrived = next(call.state.store.columns(Span, ["span_id"], where, limit=1), None) is not None
    mend = "it has just arrived and is being indexed: ask again" if arrived else "GET /api/v1/traces lists them"
    raise NotFound(f"no trace {trace_id!r:.80}{' yet' if arrived else ''}", mend=mend)


def span_of(call: Call, trace_id: str, span_id: str) -> Span:
    """The span of this project. Raises `NotFound`."""
    found = call.state.store.get(Span, trace_id.lower(), span_id.lower())
    if found is None or found.project != call.project:
        raise NotFound(f"no span {span_id!r:.80} in trace {trace_id!r:.80}", mend="GET the trace's spans")
    return found


def _summary(span: Span, derived: Derived) -> SpanRow:
    mine = ("trace_id", "span_id", "parent_id", "started_ns", "duration_ns", "name", "status", "run_id")
    names = [field.name for field in fields(SpanRow)]
    return SpanRow(**{name: getattr(span if name in mine else derived, name) for name in names})
