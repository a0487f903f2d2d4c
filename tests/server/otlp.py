"""OTLP requests for tests: messages from short descriptions, and sending them."""

from __future__ import annotations

from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from server import web

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
STARTED = 1_700_000_000_000_000_000


def any_value(value: Any) -> AnyValue:
    if value is None:
        return AnyValue()
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, dict):
        found = AnyValue(kvlist_value={})
        found.kvlist_value.values.extend(pairs(value))
        return found
    if isinstance(value, list | tuple):
        found = AnyValue(array_value={})
        found.array_value.values.extend(any_value(member) for member in value)
        return found
    return AnyValue(string_value=value)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=name, value=any_value(value)) for name, value in attributes.items()]


def batch(*spans: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "test") -> bytes:
    """An ExportTraceServiceRequest. Each span is a dict of proto fields; ``attributes`` is a plain dict."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(pairs(resource or {}))
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = scope
    for span in spans:
        fields = dict(span)
        attributes = fields.pop("attributes", {})
        made = of_scope.spans.add(**fields)
        made.attributes.extend(pairs(attributes))
    return bytes(request.SerializeToString())


def span(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A span that is in order; the trace is 1."""
    return {
        "trace_id": (1).to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "name": f"span {number}",
        "kind": 3,
        "start_time_unix_nano": STARTED,
        "end_time_unix_nano": STARTED + 1_000,
        **fields,
    }


def post(served: Any, body: bytes, path: str = "traces", **headers: str) -> httpx.Response:
    """Send a protobuf batch; ``content_encoding="gzip"`` and the like become headers."""
    given = PROTOBUF | {name.replace("_", "-"): value for name, value in headers.items()}
    return web.post(f"{served.url}/v1/{path}", content=body, headers=given)
