"""A log record as stored: append-only, immutable, with the span it belongs to when there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One thing that was logged. ``id`` is a hash of the content, so that the same record sent twice is kept once.

    ``time_ns`` is when it happened, or else when it was noticed. ``severity`` is OpenTelemetry's number, 1 (trace) to 24
    (fatal), 0 where none was given. ``event`` is the name that instrumentations give to messages of a conversation. ``otlp`` has
    what OpenTelemetry says beside all this, and is no part of what is hashed.
    """

    id: str
    time_ns: int
    body: Any = None
    event: str = ""
    severity: int = 0
    severity_text: str = ""
    trace_id: str | None = None
    span_id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    project: str = "default"
    otlp: Mapping[str, Any] | None = None
