"""Spans as OTLP/HTTP JSON, the way that docs/reference/otlp.md says: what arrives is exactly what was recorded.

A span comes as a `Span` or as the store's row (spanrow.py), whose JSON columns are sent as the text they already are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from slipway.data import Span
from slipway.store.rows import rows_of, unsafe
from slipway.track.convert import text

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
STATUSES = {"unset": 0, "ok": 1, "error": 2}
OURS = "slipway.span."
LARGEST = 2**63
_id = re.compile("[0-9a-f]{16}")
_encode = msgspec.json.Encoder().encode
# fmt: off
(TRACE, SPAN, NAME, STARTED, DURATION, PARENT, PROJECT, KIND, STATUS, ERROR, FIRST, INPUT, OUTPUT, ATTRIBUTES, EVENTS, LINKS,
 RESOURCE, SCOPE, SESSION, USER, RUN, ENVIRONMENT, SEQUENCE, OTLP) = range(24)
# fmt: on
_TEXTS = (TRACE, SPAN, NAME, PARENT, PROJECT, KIND, STATUS, ERROR, SCOPE, SESSION, USER, RUN, ENVIRONMENT)
_OWN = (
    *((SESSION, "session_id"), (USER, "user_id"), (RUN, "run_id"), (ENVIRONMENT, "environment_id")),
    *((INPUT, "input"), (OUTPUT, "output"), (ERROR, "error"), (OTLP, "otlp")),
)


class Parcel(NamedTuple):
    """One record in the form it is sent in, with what it is sent under."""

    data: bytes
    project: str
    resource: str
    scope: str


def parcel(span: Any) -> Parcel:
    """A `Span` or a row. Raises `DataError` for a span that no store keeps."""
    row = span if span.__class__ is tuple else _row(span)
    own: list[dict[str, Any]] = [_integer("version", 1), *_fields(row)]
    made: dict[str, Any] = {
        "traceId": row[TRACE],
        "spanId": row[SPAN],
        "name": row[NAME],
        "startTimeUnixNano": str(row[STARTED]),
        "endTimeUnixNano": str(row[STARTED] + row[DURATION]),
        "attributes": own,
    }
    parent, kind, status = row[PARENT], row[KIND], row[STATUS]
    if parent is not None:
        if _id.fullmatch(parent) and parent.strip("0"):
            made["parentSpanId"] = parent
        else:
            own.append(_text("parent_id", parent))
    if kind in KINDS:
        made["kind"] = KINDS[kind]
    else:
        own.append(_text("kind", kind))
    if status in STATUSES:
        made["status"] = {"code": STATUSES[status]}
    else:
        own.append(_text("status", status))
    return Parcel(_encode(made), row[PROJECT], row[RESOURCE], row[SCOPE])


def _fields(row: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """What OTLP has no place for."""
    for place, name in _OWN:
        if row[place] is not None:
            yield _text(name, row[place])
    if row[FIRST] is not None:
        yield _integer("first_token_ns", row[FIRST])
    if row[SEQUENCE]:
        yield _integer("sequence", row[SEQUENCE])
    for place, name, empty in ((ATTRIBUTES, "attributes", "{}"), (EVENTS, "events", "[]"), (LINKS, "links", "[]")):
        if row[place] != empty:
            yield _text(name, row[place])
    if _resource(row[RESOURCE]) is None:
        yield _text("resource", row[RESOURCE])


def _row(span: Span) -> list[Any]:
    """The columns, with text as it was: rows escape what a database cannot hold, and JSON can."""
    row = list(rows_of(Span).row(span))
    for place in _TEXTS:
        if row[place] is not None:
            row[place] = text(unsafe(row[place]))
    return row


def _text(name: str, value: str) -> dict[str, Any]:
    return {"key": OURS + name, "value": {"stringValue": value}}


def _integer(name: str, value: int) -> dict[str, Any]:
    return {"key": OURS + name, "value": {"intValue": str(value)}}


@lru_cache(maxsize=64)
def _resource(column: str) -> list[dict[str, Any]] | None:
    """Its attributes where OTLP has them; None when one of them has no form there."""
    found = []
    try:
        given: dict[str, Any] = msgspec.json.decode(column)
    except (msgspec.DecodeError, UnicodeDecodeError):  # what only Python's own reader reads
        return None
    for key, value in given.items():
        if value.__class__ is str:
            said: dict[str, Any] = {"stringValue": value}
        elif value.__class__ is bool:
            said = {"boolValue": value}
        elif value.__class__ is int and -LARGEST <= value < LARGEST:
            said = {"intValue": str(value)}
        else:
            return None
        if key == "slipway.project" or key.startswith(OURS):
            return None
        found.append({"key": key, "value": said})
    return found


def request(parcels: Iterable[Parcel]) -> bytes:
    """An ExportTraceServiceRequest of all of them."""
    under: dict[tuple[str, str], dict[str, list[bytes]]] = {}
    for each in parcels:
        under.setdefault((each.project, each.resource), {}).setdefault(each.scope, []).append(each.data)
    resources = [
        b'{"resource":%b,"scopeSpans":[%b]}' % (_header(*key), b",".join(_scope(*item) for item in scopes.items()))
        for key, scopes in under.items()
    ]
    return b'{"resourceSpans":[%b]}' % b",".join(resources)


def _header(project: str, resource: str) -> bytes:
    own = {"key": "slipway.project", "value": {"stringValue": project}}
    return _encode({"attributes": [*(_resource(resource) or ()), own]})


def _scope(name: str, spans: Sequence[bytes]) -> bytes:
    return b'{"scope":%b,"spans":[%b]}' % (_encode({"name": name}), b",".join(spans))
