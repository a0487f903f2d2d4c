"""From an open span's pictures to a `Span` record: clean, redact, cut. Runs on the writer's thread."""

from __future__ import annotations

import datetime
import linecache
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from slipway.data import RECORDS, Event, Span
from slipway.track.live import LiveSpan, Problem
from slipway.track.payloads import Payloads, named_as_blob
from slipway.track.prices import priced
from slipway.track.redact import Redactor, sensitive
from slipway.track.spanrow import LAST_NS, Row, RowMaker
from slipway.track.wrappers import __file__ as WRAPPERS  # noqa: N812

HIDDEN = "[redacted by name]"
MOST_ATTRIBUTE_KEYS = 10_000
BESIDE = 65_536
"""Bytes that a span may hold besides its input and output: of its attributes, of its events, of its error."""


class Converter:
    """Makes records of open spans. ``redactor`` None: nothing is taken out."""

    def __init__(
        self,
        *,
        project: str,
        max_bytes: int,
        redactor: Callable[[], Redactor] | None,
        resource: Mapping[str, Any],
        environment_id: Callable[[], str | None] = lambda: None,
        inline_bytes: int | None = None,
        payload_cut: Callable[[], None] = lambda: None,
        prices: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        self.prices = prices or {}
        self.project, self.max_bytes, self.resource = project, min(max_bytes, BESIDE), resource
        self.payloads = Payloads(inline_bytes=inline_bytes, max_bytes=max_bytes, cut=cut, count=payload_cut)
        self.environment_id = environment_id
        self._make_redactor = redactor
        self._redactor: Redactor | None = None
        self._rows: RowMaker | None = None

    def redactor(self) -> Redactor | None:
        """Compiled at the first span, not when the application starts."""
        if self._redactor is None and self._make_redactor is not None:
            self._redactor = self._make_redactor()
        return self._redactor

    def span(self, live: LiveSpan) -> Span:
        """The record of a finished span."""
        hide = self._make_redactor is not None
        given = live.inputs
        output = _joined(live.stream) if live.stream is not None else live.output
        attributes = clean(priced(live.kind, live.attributes, self.prices), hide) if live.attributes else {}
        if live.stream_count:
            attributes["slipway.stream.chunks"] = live.stream_count
        if live.cut:
            self.payloads.count()
        if live.attributes_dropped or live.events_dropped:
            self.payloads.count()
            attributes["slipway.attributes_dropped"] = live.attributes_dropped
            attributes["slipway.events_dropped"] = live.events_dropped
        problem = live.problem
        events = self._events(live, hide) if problem is not None or live.events else None
        error = None
        if problem is not None:
            error = text(f"{_short(problem.type)}: {problem.message}" if problem.message else _short(problem.type))
        parts = [
            clean(given, hide) if given is not None else None,
            clean(output, hide) if output is not None else None,
            attributes,
            events,
            error,
            text(live.name) if type(live.name) is str else "span",
        ]
        given, output, attributes, events, error, name = self._redacted(parts, streamed=live.stream is not None)
        fit, inline = self.payloads.fit, self.payloads.inline
        # An ordinary span is far below: not weighed again.
        if live.size * 6 > inline or live.stream is not None or named_as_blob(given) or named_as_blob(output):
            given, output = fit(given), fit(output)
        status = live.status_set or ("error" if problem is not None else "ok")
        bound = live.bound
        return Span(
            trace_id=f"{live.trace_id_number:032x}",
            span_id=f"{live.span_id_number:016x}",
            name=name[:1_024],
            started_ns=nanoseconds(live.started + live.offset),
            duration_ns=max(0, live.ended - live.started),
            parent_id=f"{live.parent_id:016x}" if live.parent_id else None,
            project=self.project,
            kind=live.kind,
            status=status,
            error=self._beside(error) if error else None,
            first_token_ns=max(0, live.first - live.started) if live.first >= 0 else None,
            input=given,
            output=output,
            attributes=self._beside(attributes) if attributes else attributes,
            events=self._records(events) if events else (),
            links=live.links,
            resource=self.resource,
            scope=live.scope,
            session_id=bound.session_id,
            user_id=bound.user_id,
            run_id=bound.run_id,
            environment_id=self.environment_id(),
            sequence=live.sequence,
        )

    def row(self, live: LiveSpan) -> Row | Span:
        """The store's row of a finished span, for a sink that takes rows; the record of one that is out of the ordinary."""
        if self._rows is None:
            self._rows = RowMaker(self, clean)
        return self._rows.row(live) or self.span(live)

    def record(self, record: Any) -> Any:
        """A ready-made record: a span is cleaned, redacted and cut; another kind passes as it is. Raises for what is none."""
        if not isinstance(record, Span):
            return readable(record)
        hide = self._make_redactor is not None
        parts = [
            clean(record.input, hide),
            clean(record.output, hide),
            clean(dict(record.attributes), hide),
            [[text(event.name), event.time_ns, clean(dict(event.attributes), hide)] for event in record.events],
            text(record.error) if record.error else None,
            text(record.name),
            [
                clean(dict(record.otlp or {}), hide),
                [clean(dict(link.get("attributes", {})), hide) for link in record.links],
            ],
        ]
        given, output, attributes, events, error, name, (otlp, of_links) = self._redacted(parts, streamed=False)
        return replace(
            record,
            name=name[:1_024],
            started_ns=nanoseconds(record.started_ns),
            duration_ns=nanoseconds(record.duration_ns),
            input=self.payloads.fit(given),
            output=self.payloads.fit(output),
            attributes=self._beside(attributes),
            events=_with_dropped(self._records(events), record.events),
            links=tuple(
                {**link, "attributes": self._beside(kept)} if kept else link
                for link, kept in zip(record.links, of_links, strict=True)
            ),
            otlp=self._beside(otlp) or None,
            error=self._beside(error) if error else None,
            resource=record.resource or self.resource,
            environment_id=record.environment_id or self.environment_id(),
        )

    def _beside(self, value: Any) -> Any:
        """An error or attributes, cut to what fits on a span; counted when that took something away."""
        kept = cut(value, self.max_bytes)
        if kept is not value:
            self.payloads.count()
        return kept

    def _records(self, rows: list[list[Any]]) -> tuple[Event, ...]:
        left = [self.max_bytes]
        if _weight([row[2] for row in rows], self.max_bytes) > self.max_bytes:
            self.payloads.count()
        return tuple(
            Event(name[:1_024], nanoseconds(at), _cut_value(attributes, left)) for name, at, attributes in rows
        )

    def _redacted(self, parts: list[Any], *, streamed: bool) -> list[Any]:
        redactor = self.redactor()
        if redactor is None:
            return parts
        if streamed and isinstance(parts[1], list):
            parts[1] = redactor.chunks(parts[1])
        events = parts[3]
        if events and len(events) > 1:
            # A secret may be spread over events that each carry one chunk.
            seen = redactor.chunks([{event[0]: event[2]} for event in events])
            parts[3] = [[event[0], event[1], next(iter(row.values()))] for event, row in zip(events, seen, strict=True)]
        found: list[Any] = redactor.value(parts)
        return found

    def _events(self, live: LiveSpan, hide: bool) -> list[list[Any]]:
        events = [
            [text(str(name)), nanoseconds(at + live.offset), clean(attributes, hide)]
            for name, at, attributes in live.events or ()
        ]
        if live.problem is not None:
            problem = live.problem
            stack: dict[str, Any] = {
                "exception.type": problem.type,
                "exception.message": problem.message,
                "exception.stacktrace": _stack(problem),
            }
            if problem.causes:
                stack["exception.causes"] = list(problem.causes)
            events.append(["exception", nanoseconds(live.ended + live.offset), clean(stack, hide)])
        return events


def _with_dropped(events: tuple[Event, ...], before: Sequence[Event]) -> tuple[Event, ...]:
    if not any(event.dropped_attributes_count for event in before):
        return events
    counts = [event.dropped_attributes_count for event in before]
    return tuple(replace(event, dropped_attributes_count=n) for event, n in zip(events, counts, strict=True))


def readable(record: Any) -> Any:
    """``record``, of a kind that is kept, with text that can be written. Raises `TypeError` for anything else."""
    if type(record) not in RECORDS:
        raise TypeError(f"{type(record).__name__} is no record")
    try:
        msgspec.json.encode(record)
    except UnicodeEncodeError:  # an argument or a folder whose bytes are no text
        return msgspec.convert(clean(msgspec.to_builtins(record), False), type(record), strict=False)
    return record


def clean(value: Any, hide: bool) -> Any:
    """JSON types only: readable UTF-8, finite numbers, integers of 64 bits; what a sensitive name holds is hidden."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else text(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -LAST_NS <= value <= LAST_NS else _big(value)
    if kind is float:
        return value if math.isfinite(value) else _odd(value)
    if kind is dict:
        return {
            (key if key.isascii() else text(key)): HIDDEN
            if hide and item is not None and type(item) is not bool and sensitive(key)
            else clean(item, hide)
            for key, item in value.items()
        }
    if kind is list or kind is tuple:
        return [clean(item, hide) for item in value]
    if kind is bytes:
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return clean({str(key): item for key, item in value.items()}, hide)
    if kind is datetime.datetime:
        return value.isoformat()
    return text(str(value))


def text(value: str) -> str:
    """``value`` as it can be stored: a lone surrogate is kept visible as ``\\udc80``."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


def nanoseconds(value: int) -> int:
    """Into what a 64-bit column takes: year 1970 to 2262."""
    return min(max(int(value), 0), LAST_NS)


def cut(value: Any, limit: int) -> Any:
    """``value`` with at most ``limit`` bytes of text; what was left out is said where it was."""
    if isinstance(value, str):
        return value if len(value) * 4 <= limit else _cut_text(value, [limit])
    if value is None or _weight(value, limit) <= limit:
        return value
    return _cut_value(value, [limit])


def _weight(value: Any, limit: int) -> int:
    """Bytes of text in ``value``, counted until they exceed ``limit``."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    if isinstance(value, dict):
        total = 0
        for key, item in value.items():
            total += len(key) + _weight(item, limit - total)
            if total > limit:
                break
        return total
    if isinstance(value, list):
        total = 0
        for item in value:
            total += _weight(item, limit - total)
            if total > limit:
                break
        return total
    return 8


def _cut_value(value: Any, left: list[int]) -> Any:
    if isinstance(value, str):
        return _cut_text(value, left)
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for index, (key, item) in enumerate(value.items()):
            if left[0] <= 0:
                kept["..."] = f"[{len(value) - index} more]"
                break
            left[0] -= len(key)
            kept[key] = _cut_value(item, left)
        return kept
    if isinstance(value, list):
        rows: list[Any] = []
        for index, item in enumerate(value):
            if left[0] <= 0:
                rows.append(f"...[{len(value) - index} more]")
                break
            rows.append(_cut_value(item, left))
        return rows
    left[0] -= 8
    return value


def _cut_text(value: str, left: list[int]) -> str:
    data = value.encode()
    if len(data) <= left[0]:
        left[0] -= len(data)
        return value
    kept = data[: max(left[0], 0)].decode("utf-8", "ignore")
    left[0] = 0
    return f"{kept}...[{len(data) - len(kept.encode())} bytes more]"


def _joined(stream: list[Any]) -> Any:
    return "".join(stream) if stream and all(type(chunk) is str for chunk in stream) else stream


def _short(name: str) -> str:
    return name.removeprefix("builtins.")


def _odd(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _big(value: int) -> str:
    # str() of a huge integer takes quadratic time (and Python refuses beyond 4,300 digits).
    bits = value.bit_length()
    return str(value) if bits <= 1_024 else f"<int of {bits} bits>"


def _stack(problem: Problem) -> str:
    lines = ["Traceback (most recent call last):"]
    for code, line in problem.frames:
        if code.co_filename == WRAPPERS:
            continue
        lines.append(f'  File "{code.co_filename}", line {line}, in {code.co_qualname}')
        source = linecache.getline(code.co_filename, line).strip()
        if source:
            lines.append(f"    {source[:256]}")
    lines.append(f"{_short(problem.type)}: {problem.message}" if problem.message else _short(problem.type))
    return "\n".join(lines)
