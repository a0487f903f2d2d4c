"""A span as the store's row, made without a `Span` in between: the way of an ordinary span, which is almost every one.

A span costs most in being carried from one form to the next: pictures, JSON to search for secrets, a record of 24 fields,
JSON again for the columns, checks of each. Here the JSON that was searched is the JSON that is stored, and the row is made once.
What is not ordinary (an exception, a stream, something to redact or cut, a value that needs an escape) goes the long way,
`Converter.span`. A row is a bare tuple in the order of `COLUMNS`; a sink that takes them has the attribute ``takes_rows``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.data import Span
from slipway.track.prices import priced

if TYPE_CHECKING:
    from slipway.track.convert import Converter
    from slipway.track.live import LiveSpan

Row = tuple[Any, ...]
COLUMNS = tuple(field.name for field in fields(Span))
JSON = frozenset(("input", "output", "attributes", "events", "links", "resource", "otlp"))
LAST_NS = (1 << 63) - 1
_encode = msgspec.json.Encoder().encode


class RowMaker:
    """Makes rows of the open spans that ``converter`` would make records of; the same bytes end up in the store."""

    def __init__(self, converter: Converter, clean: Callable[[Any, bool], Any]) -> None:
        # Not at import: the store's tables are known in the writer's thread first.
        from slipway.store.rows import plain

        self._converter, self._clean, self._plain = converter, clean, plain
        redactor = converter.redactor()
        self._hide = redactor is not None
        self._harmless = redactor.harmless if redactor is not None else None
        self._resource: Any = None
        self._resource_json = ""

    def row(self, live: LiveSpan) -> Row | None:
        """The row; None for a span that has to go the long way."""
        converter = self._converter
        if _unusual(live) or live.size * 6 > converter.payloads.inline:
            return None
        clean, hide, bound = self._clean, self._hide, live.bound
        given, output, attributes = live.inputs, live.output, live.attributes
        if attributes and converter.prices:
            attributes = dict(priced(live.kind, attributes, converter.prices))
        name, kind, scope = live.name, live.kind, live.scope
        started = live.started + live.offset
        if self._resource is not converter.resource:
            self._resource_json, self._resource = _encode(converter.resource).decode(), converter.resource
        try:
            given_json = _encode(clean(given, hide)) if given is not None else b"null"
            output_json = _encode(clean(output, hide)) if output is not None else b"null"
            attributes_json = _encode(clean(attributes, hide)) if attributes else b"{}"
            searched = b",".join((given_json, output_json, attributes_json, _encode(name)))
            texts = "".join((name, kind, scope, bound.session_id or "", bound.user_id or "", bound.run_id or ""))
        except (TypeError, ValueError, OverflowError, RecursionError):  # the long way knows what to do with it
            return None
        if (
            not self._plain(texts)
            or not 0 <= started <= LAST_NS
            or not live.trace_id_number
            or b"$blob" in searched
            or len(attributes_json) > converter.max_bytes
            or (self._harmless is not None and not self._harmless(searched))
        ):
            return None
        return (
            f"{live.trace_id_number:032x}",
            f"{live.span_id_number:016x}",
            name[:1_024],
            started,
            max(0, live.ended - live.started),
            f"{live.parent_id:016x}" if live.parent_id else None,
            converter.project,
            kind,
            live.status_set or "ok",
            None,
            max(0, live.first - live.started) if live.first >= 0 else None,
            given_json.decode() if given is not None else None,
            output_json.decode() if output is not None else None,
            attributes_json.decode(),
            "[]",
            "[]",
            self._resource_json,
            scope,
            bound.session_id,
            bound.user_id,
            bound.run_id,
            converter.environment_id(),
            live.sequence,
            None,
        )


def _unusual(live: LiveSpan) -> bool:
    """Has it what a row is not made of here?"""
    return (
        live.problem is not None
        or live.cut
        or live.stream_count > 0
        or live.stream is not None
        or live.events is not None
        or bool(live.links)
        or live.attributes_dropped > 0
        or live.events_dropped > 0
        or type(live.name) is not str
    )


def fields_of(row: Row) -> dict[str, Any]:
    """What `Span` would be written as in JSON: the columns that hold JSON are taken as they are."""
    found = dict(zip(COLUMNS, row, strict=True))
    for name in JSON:
        if (value := found[name]) is not None:
            found[name] = msgspec.Raw(value)
    return found
