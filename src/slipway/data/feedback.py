"""What a person (or another system) said about a trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Feedback:
    """``kind`` says what ``value`` is: a thumb (0/1), a number, a label, a text or a correction (what the answer should have
    been, any JSON); empty where nobody said. ``name`` says what it is about: "helpful", "correction"."""

    id: str
    trace_id: str
    name: str
    value: Any
    created_ns: int
    who: str = ""
    comment: str = ""
    span_id: str | None = None
    project: str = "default"
    kind: str = ""
