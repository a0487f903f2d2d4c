"""Spans: from OTLP to `Span`, the same that the bridge in `slipway.track.otel` makes of the same span in its own process.

docs/reference/otlp.md says how a span of Slipway itself travels; such a one arrives exactly as it was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.data import Event, Span
from slipway.errors import SlipwayError
from slipway.server.receiver import besides
from slipway.server.receiver.batch import LAST_NS, LONGEST_ID, MALFORMED, MALFORMED_ID, Batch, Malformed, moment
from slipway.server.receiver.wire import Form
from slipway.store.jsontext import Decoder, encode
from slipway.store.kinds import Form as Kept
from slipway.store.kinds import kind_of
from slipway.store.payloads import carries
from slipway.store.rows import plain, rows_of, safe
from slipway.track.dialects import describe

Row = tuple[Any, ...]
KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16
OURS = "slipway.span."
VERSION = OURS + "version"
PROJECT = "slipway.project"
FIRST_TOKEN = ("First Token Stream Event", "gen_ai.first_token")  # as in slipway.track.otel
_DECODERS = {column.name: Decoder(column.type) for column in kind_of(Span).columns if column.form is Kept.JSON}
_TEXTS = ("parent_id", "kind", "status", "error", "session_id", "user_id", "run_id", "environment_id")


@dataclass(frozen=True, slots=True)
class Source:
    """What the spans of one library of one resource share."""

    resource: Mapping[str, Any]
    resource_json: str
    scope: str
    project: str
    besides: Mapping[str, Any]


def convert(request: Any, form: Form, batch: Batch) -> None:
    """Add the rows of the spans that ``request`` holds to ``batch``."""
    for of_resource in request.resource_spans or ():
        resource = form.pairs(of_resource.resource.attributes) if of_resource.resource is not None else {}
        project, text = batch.project(resource), encode(resource)
        for of_scope in of_resource.scope_spans or ():
            scope = (of_scope.scope.name or "") if of_scope.scope is not None else ""
            source = Source(resource, text, scope, project, besides.of_source(of_resource, of_scope, form))
            for span in of_scope.spans or ():
                try:
                    batch.records.append(row(span, form, source))
                except (ValueError, OverflowError, TypeError, RecursionError, SlipwayError) as error:
                    batch.reject(error, project)


def row(span: Any, form: Form, source: Source) -> Row | Span:
    """The store's row of one span; the span itself when it brings a payload for a blob. Raises what `convert` counts."""
    attributes = form.pairs(span.attributes)
    if VERSION in attributes:
        ours = _ours(_fields(span, form, source), attributes)
        made = rows_of(Span).row(ours)
        return ours if carries(ours) else made
    return _described(span, form, source, attributes)


def _fields(span: Any, form: Form, source: Source) -> dict[str, Any]:
    """What has a place of its own in OTLP."""
    started = int(span.start_time_unix_nano or 0)
    trace_id, span_id = _ids(span, form)
    status = _named(span.status.code, STATUSES, "STATUS_CODE_") if span.status is not None else STATUSES[0]
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "name": span.name or "",
        "started_ns": moment(started),
        "duration_ns": min(max(0, int(span.end_time_unix_nano or 0) - started), LAST_NS),
        "parent_id": _parent(span, form),
        "project": source.project,
        "kind": _named(span.kind, KINDS, "SPAN_KIND_"),
        "status": status,
        "error": (span.status.message or None) if status == "error" else None,
        "events": tuple(_event(event, form) for event in span.events) if span.events else (),
        "links": tuple(_link(link, form) for link in span.links) if span.links else (),
        "resource": source.resource,
        "scope": source.scope,
        "otlp": besides.of_span(span, status, source.besides),
    }


def _named(value: Any, names: tuple[str, ...], prefix: str) -> str:
    """The name of an enumeration's number, the first for one that is unknown. Some write the name itself into JSON."""
    if isinstance(value, str) and not value.isdecimal():
        name = value.removeprefix(prefix).lower()
        return name if name in names else names[0]
    number = int(value or 0)
    return names[number] if 0 <= number < len(names) else names[0]


def _ids(span: Any, form: Form) -> tuple[str, str]:
    trace_id, span_id = form.identity(span.trace_id), form.identity(span.span_id)
    if len(trace_id) != 32 or len(span_id) != 16 or trace_id == NO_TRACE or span_id == NO_SPAN:
        raise Malformed(MALFORMED_ID)
    return trace_id, span_id


def _parent(span: Any, form: Form) -> str | None:
    try:
        parent = form.identity(span.parent_span_id)
    except ValueError:
        return None
    return parent if len(parent) == 16 and parent != NO_SPAN else None


def _event(event: Any, form: Form) -> Event:
    dropped = int(event.dropped_attributes_count or 0)
    return Event(event.name or "", moment(event.time_unix_nano), form.pairs(event.attributes), dropped)


def _link(link: Any, form: Form) -> dict[str, Any]:
    kept: dict[str, Any] = {"trace_id": form.identity(link.trace_id), "span_id": form.identity(link.span_id)}
    if link.trace_state:
        kept["trace_state"] = link.trace_state
    if link.attributes:
        kept["attributes"] = form.pairs(link.attributes)
    if link.flags:
        kept["flags"] = int(link.flags)
    if link.dropped_attributes_count:
        kept["dropped_attributes_count"] = int(link.dropped_attributes_count)
    return kept


def _described(span: Any, form: Form, source: Source, attributes: dict[str, Any]) -> Row:
    """A span of somebody else: conventions say what its attributes mean.

    The row is made here, without a `Span` in between, since this is done for every span that comes; a test holds it to
    what the `Span` would have given.
    """
    given = _fields(span, form, source)
    for what in ("attributes", "events", "links"):
        dropped = getattr(span, f"dropped_{what}_count")
        if dropped:  # by the sender
            attributes[f"otel.dropped_{what}_count"] = int(dropped)
    seen = describe(attributes)
    kind = seen.kind or given["kind"]
    name, error, started, events = given["name"], given["error"], given["started_ns"], given["events"]
    session_id, user_id = _text(attributes.get("session.id")), _text(attributes.get("user.id"))
    first = next((event.time_ns for event in events if event.name in FIRST_TOKEN), None) if events else None
    attributes.update(seen.attributes)
    made = (
        given["trace_id"],
        given["span_id"],
        name,
        started,
        given["duration_ns"],
        given["parent_id"],
        given["project"],
        kind,
        given["status"],
        error,
        max(0, first - started) if first is not None else None,
        None if seen.input is None else encode(seen.input),
        None if seen.output is None else encode(seen.output),
        encode(attributes),
        encode(events) if events else "[]",
        encode(given["links"]) if given["links"] else "[]",
        source.resource_json,
        source.scope,
        session_id,
        user_id,
        None,
        None,
        0,
        None if given["otlp"] is None else encode(given["otlp"]),
    )
    texts = "".join((name, kind, error or "", session_id or "", user_id or "", source.scope, source.project))
    return made if plain(texts) else tuple(safe(each) if type(each) is str else each for each in made)


def _text(value: Any) -> str | None:
    return value[:LONGEST_ID] if isinstance(value, str) and value else None


def _ours(fields: dict[str, Any], attributes: dict[str, Any]) -> Span:
    """A span of Slipway: its fields are as they were recorded, and nothing is derived."""
    own = {name[len(OURS) :]: attributes.pop(name) for name in list(attributes) if name.startswith(OURS)}
    fields["attributes"] = attributes
    if PROJECT in fields["resource"]:
        fields["resource"] = {name: value for name, value in fields["resource"].items() if name != PROJECT}
    for name, decode in _DECODERS.items():
        if name in own:
            fields[name] = decode(_expect(own[name], str))
    for name in _TEXTS:
        if name in own:
            fields[name] = _expect(own[name], str)
    for name in ("session_id", "user_id", "run_id"):
        if name in own:
            fields[name] = fields[name][:LONGEST_ID]
    for name in ("first_token_ns", "sequence"):
        if name in own:
            fields[name] = moment(_expect(own[name], int))
    return Span(**fields)


def _expect(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise Malformed(MALFORMED)
    return value
