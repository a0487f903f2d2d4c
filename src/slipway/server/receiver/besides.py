"""Besides: what OTLP says of spans and log records beside the fields that have a column, kept so that nothing is lost.

It is a part of the message by the message's own names, without what is empty: {"trace_state": .., "flags": .., "scope":
{"version": .., "attributes": ..}}. docs/reference/otlp.md has all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.server.receiver.wire import Form


def of_source(resource: Any, scope: Any, form: Form) -> dict[str, Any]:
    """What the records of one library of one resource share. ``resource`` and ``scope`` are the messages around both."""
    found: dict[str, Any] = {}
    for name, around in (("resource", resource), ("scope", scope)):
        inner = getattr(around, name)
        said: dict[str, Any] = {}
        if name == "scope" and inner is not None:
            said = {"version": inner.version or "", "attributes": form.pairs(inner.attributes)}
        if inner is not None:
            said["dropped_attributes_count"] = int(inner.dropped_attributes_count or 0)
        said["schema_url"] = around.schema_url or ""
        said = {key: value for key, value in said.items() if value}
        if said:
            found[name] = said
    return found


def of_span(span: Any, status: str, shared: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a span says besides; None for nothing."""
    found: dict[str, Any] = {}
    if span.trace_state:
        found["trace_state"] = span.trace_state
    if span.flags:
        found["flags"] = int(span.flags)
    if status != "error" and span.status is not None and span.status.message:
        found["status_message"] = span.status.message  # of an error it is the span's error
    if shared:
        found.update(shared)
    return found or None


def of_log(log: Any, time_ns: int, observed_ns: int, shared: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a log record says besides; None for nothing."""
    found: dict[str, Any] = {"observed_ns": observed_ns} if observed_ns and observed_ns != time_ns else {}
    if log.flags:
        found["flags"] = int(log.flags)
    if log.dropped_attributes_count:
        found["dropped_attributes_count"] = int(log.dropped_attributes_count)
    found.update(shared)
    return found or None
