"""A prompt version: a template, addressed by its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Prompt:
    """``id`` is the content hash of name, template and config; ``version`` counts from 1 for each name."""

    id: str
    name: str
    version: int
    template: str
    created_ns: int
    config: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    project: str = "default"
