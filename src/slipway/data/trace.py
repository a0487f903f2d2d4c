"""A span as stored: append-only, immutable. A trace is all spans of one trace id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one instant inside a span."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)
    dropped_attributes_count: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """One timed operation.

    ``started_ns`` is Unix time in nanoseconds; ``duration_ns`` is measured on the monotonic clock, so it is >= 0 whatever
    the wall clock does. ``first_token_ns`` is how many nanoseconds after the start the first part of a streamed answer came.
    ``sequence`` orders spans of one process that share a ``started_ns``. ``input`` and ``output``
    are JSON values, cut to the capture limits, or ``{"$blob": digest, "bytes": n, "preview": text}`` when they are big:
    ``slipway.store.whole(store, span.output)`` fetches them.
    ``otlp`` has what OpenTelemetry says beside all this (docs/reference/otlp.md), None for spans that `slipway.trace` made.
    ``session_id``, ``user_id`` and ``run_id`` (the eval run) are copied onto each span so that nothing is merged at read.
    """

    trace_id: str
    span_id: str
    name: str
    started_ns: int
    duration_ns: int = 0
    parent_id: str | None = None
    project: str = "default"
    kind: str = "internal"
    status: str = "unset"
    error: str | None = None
    first_token_ns: int | None = None
    input: Any = None
    output: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    session_id: str | None = None
    user_id: str | None = None
    run_id: str | None = None
    environment_id: str | None = None
    sequence: int = 0
    otlp: Mapping[str, Any] | None = None
