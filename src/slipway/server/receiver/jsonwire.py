"""OTLP in JSON: messages with the names and shapes that the protobuf ones have, so that one conversion reads both.

Ids are hexadecimal, 64-bit integers are numbers or text, enumerations are numbers (their names are taken too: some senders
write what protobuf's own JSON has), fields that are unknown are skipped, and those that are null have their default.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Integer = int | str | float | None
Real = float | str | None
SALVAGED = 4 << 20  # bytes of a body that msgspec does not take and Python's reader may (lone surrogates, NaN)


class Message(msgspec.Struct, rename="camel", gc=False):
    """One message."""


class Value(Message):
    """AnyValue. None in all fields is null."""

    string_value: str | None = None
    int_value: Integer = None
    double_value: Real = None
    bool_value: bool | None = None
    array_value: Array | None = None
    kvlist_value: Array | None = None
    bytes_value: str | None = None


class Pair(Message):
    """KeyValue."""

    key: str | None = ""
    value: Value | None = None


class Array(Message):
    """ArrayValue, and KeyValueList: what has a key there has none here."""

    values: list[Member] | None = None


class Member(Value):
    """An element of either."""

    key: str | None = ""
    value: Value | None = None


class Resource(Message):
    """Where telemetry comes from."""

    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0


class Scope(Message):
    """The library that made it."""

    name: str | None = ""
    version: str | None = ""
    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0


class Event(Message):
    """Span.Event."""

    name: str | None = ""
    time_unix_nano: Integer = 0
    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0


class Link(Message):
    """Span.Link."""

    trace_id: str | None = ""
    span_id: str | None = ""
    trace_state: str | None = ""
    flags: Integer = 0
    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0


class Status(Message):
    """Status of a span."""

    code: Integer = 0
    message: str | None = ""


class Span(Message):
    """Span."""

    trace_id: str | None = ""
    span_id: str | None = ""
    parent_span_id: str | None = ""
    trace_state: str | None = ""
    flags: Integer = 0
    name: str | None = ""
    kind: Integer = 0
    start_time_unix_nano: Integer = 0
    end_time_unix_nano: Integer = 0
    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0
    events: list[Event] | None = None
    dropped_events_count: Integer = 0
    links: list[Link] | None = None
    dropped_links_count: Integer = 0
    status: Status | None = None


class ScopeSpans(Message):
    """Spans of one library."""

    scope: Scope | None = None
    spans: list[Span] | None = None
    schema_url: str | None = ""


class ResourceSpans(Message):
    """Spans of one source."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None
    schema_url: str | None = ""


class Traces(Message):
    """ExportTraceServiceRequest."""

    resource_spans: list[ResourceSpans] | None = None


class Log(Message):
    """LogRecord."""

    time_unix_nano: Integer = 0
    observed_time_unix_nano: Integer = 0
    severity_number: Integer = 0
    severity_text: str | None = ""
    body: Value | None = None
    attributes: list[Pair] | None = None
    dropped_attributes_count: Integer = 0
    flags: Integer = 0
    trace_id: str | None = ""
    span_id: str | None = ""
    event_name: str | None = ""


class ScopeLogs(Message):
    """Log records of one library."""

    scope: Scope | None = None
    log_records: list[Log] | None = None
    schema_url: str | None = ""


class ResourceLogs(Message):
    """Log records of one source."""

    resource: Resource | None = None
    scope_logs: list[ScopeLogs] | None = None
    schema_url: str | None = ""


class Logs(Message):
    """ExportLogsServiceRequest."""

    resource_logs: list[ResourceLogs] | None = None


class Buckets(Message):
    """Half of an exponential histogram."""

    offset: Integer = 0
    bucket_counts: list[Integer] | None = None


class Quantile(Message):
    """ValueAtQuantile."""

    quantile: Real = 0.0
    value: Real = 0.0


class Point(Message):
    """A data point of any form."""

    attributes: list[Pair] | None = None
    time_unix_nano: Integer = 0
    flags: Integer = 0
    as_double: Real = None
    as_int: Integer = None
    count: Integer = 0
    sum: Real = None
    min: Real = None
    max: Real = None
    bucket_counts: list[Integer] | None = None
    explicit_bounds: list[Real] | None = None
    scale: Integer = 0
    zero_count: Integer = 0
    positive: Buckets | None = None
    negative: Buckets | None = None
    quantile_values: list[Quantile] | None = None


class Points(Message):
    """Gauge, Sum, Histogram, ExponentialHistogram, Summary."""

    data_points: list[Point] | None = None


class Metric(Message):
    """Metric."""

    name: str | None = ""
    gauge: Points | None = None
    sum: Points | None = None
    histogram: Points | None = None
    exponential_histogram: Points | None = None
    summary: Points | None = None


class ScopeMetrics(Message):
    """Metrics of one library."""

    metrics: list[Metric] | None = None


class ResourceMetrics(Message):
    """Metrics of one source."""

    resource: Resource | None = None
    scope_metrics: list[ScopeMetrics] | None = None


class Metrics(Message):
    """ExportMetricsServiceRequest."""

    resource_metrics: list[ResourceMetrics] | None = None


def decoded(body: bytes | bytearray, kind: type[T]) -> T:
    """``body`` as a message. Raises `ValueError` or `RecursionError`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A browser writes a lone surrogate as it is; Python writes NaN.
        if len(body) > SALVAGED:
            raise
        return msgspec.convert(json.loads(body), kind)


def pairs(found: Sequence[Any] | None) -> dict[str, Any]:
    """Attributes as a dict."""
    return {pair.key or "": None if pair.value is None else any_value(pair.value) for pair in found or ()}


def any_value(value: Value) -> Any:
    """What an AnyValue holds, as JSON types. Raises `ValueError`."""
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return float(value.double_value)
    if value.array_value is not None:
        return [any_value(member) for member in value.array_value.values or ()]
    if value.kvlist_value is not None:
        return pairs(value.kvlist_value.values)
    if value.bytes_value is not None:
        return {"$bytes": _bytes(value.bytes_value)}
    return None


def _bytes(text: str) -> str:
    """Base64 in the one form we keep; OTLP takes either alphabet, padded or not."""
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64encode(base64.b64decode(padded.translate({45: 43, 95: 47}), validate=True)).decode()
    except (binascii.Error, ValueError):
        raise ValueError("bytesValue is not base64") from None


def identity(text: str | None) -> str:
    """An id as lower-case hexadecimal text. Raises `ValueError`."""
    if not text:
        return ""
    bytes.fromhex(text)
    return text.lower().replace(" ", "")
