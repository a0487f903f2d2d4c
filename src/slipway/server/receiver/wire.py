"""OTLP on the wire: a request's messages out of bytes, an answer or a status into bytes, in protobuf and in JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

from slipway.server.access import Refused
from slipway.server.receiver import jsonwire

PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass(frozen=True, slots=True)
class Signal:
    """One of the three things that OTLP carries."""

    name: str
    request: Any
    response: Any
    json: Any
    rejected: str
    blocks: bool = False  # its conversion may ask the store


TRACES = Signal(
    "spans", traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse, jsonwire.Traces, "rejectedSpans"
)
LOGS = Signal(
    "log records", logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse, jsonwire.Logs, "rejectedLogRecords"
)
METRICS = Signal(
    "data points",
    metrics.ExportMetricsServiceRequest,
    metrics.ExportMetricsServiceResponse,
    jsonwire.Metrics,
    "rejectedDataPoints",
    blocks=True,
)


@dataclass(frozen=True, slots=True)
class Form:
    """How one of the two encodings is read: attributes to a dict, a value, an id to text."""

    media: str
    pairs: Callable[[Any], dict[str, Any]]
    value: Callable[[Any], Any]
    identity: Callable[[Any], str]

    def decode(self, signal: Signal, body: bytes | bytearray) -> Any:
        """The request. Raises `Refused` (400)."""
        try:
            if self.media == JSON:
                return jsonwire.decoded(body, signal.json)
            return signal.request.FromString(bytes(body) if isinstance(body, bytearray) else body)
        except (DecodeError, ValueError, RecursionError) as error:
            why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)[:300]
            raise Refused(
                400,
                f"the body is not OTLP in {self.media}: {why}",
                mend="see its Content-Type, and docs/reference/otlp.md",
            ) from None

    def answer(self, signal: Signal, rejected: int, why: str) -> bytes:
        """The response; a partial success where something was rejected."""
        if self.media == JSON:
            partial = {"partialSuccess": {signal.rejected: str(rejected), "errorMessage": why}} if rejected else {}
            return msgspec.json.encode(partial)
        if not rejected:
            return b""
        response = signal.response()
        name = next(field.name for field in response.partial_success.DESCRIPTOR.fields if field.number == 1)
        setattr(response.partial_success, name, rejected)
        response.partial_success.error_message = why
        return bytes(response.SerializeToString())

    def status(self, code: int, message: str) -> bytes:
        """A google.rpc.Status."""
        if self.media == JSON:
            return msgspec.json.encode({"code": code, "message": message})
        text = message.encode("utf-8", "replace")
        return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _pairs(found: Iterable[Any]) -> dict[str, Any]:
    # The order of the branches is that of how often they are met. Text that is not empty is the one value that is set.
    kept = {}
    for pair in found:
        value = pair.value
        if text := value.string_value:
            kept[pair.key] = text
            continue
        which = value.WhichOneof("value")
        if which == "string_value":
            kept[pair.key] = ""
        elif which == "int_value":
            kept[pair.key] = value.int_value
        else:
            kept[pair.key] = _value(value)
    return kept


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_value(member) for member in value.array_value.values]
    if which == "kvlist_value":
        return _pairs(value.kvlist_value.values)
    if which == "bytes_value":
        return {"$bytes": base64.b64encode(value.bytes_value).decode()}
    return None if which is None else getattr(value, which)


FORMS = {
    PROTOBUF: Form(PROTOBUF, _pairs, _value, bytes.hex),
    JSON: Form(
        JSON, jsonwire.pairs, lambda value: None if value is None else jsonwire.any_value(value), jsonwire.identity
    ),
}


def form_of(content_type: str) -> Form:
    """The encoding of a request. Raises `Refused` (415)."""
    media = content_type.split(";", 1)[0].strip().lower()
    form = FORMS.get("application/x-protobuf" if media == "application/protobuf" else media)
    if form is None:
        raise Refused(415, f"unknown content type {media[:100]!r}", mend=f"use {PROTOBUF} or {JSON}")
    return form
