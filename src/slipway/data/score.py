"""A score: what one scorer says of one output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Score:
    """``value`` is a number (0/1 for right and wrong), or None when the scorer could not score; ``explanation`` says why.

    ``better`` tells which way is better: "higher", "lower" or "none".
    """

    name: str
    value: float | None
    explanation: str = ""
    scorer: str = ""
    scorer_version: str = ""
    better: str = "higher"
    metadata: Mapping[str, Any] = field(default_factory=dict)
