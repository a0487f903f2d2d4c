"""A variant: one frozen configuration of the task under test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data.canonical import content_hash


@dataclass(frozen=True, slots=True)
class Variant:
    """``config`` holds what decides the output: prompt version, model, decoding, adapter, code hash.

    ``parent`` is the *name* of the variant it was made from, ``note`` what changed, in one sentence.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    note: str = ""
    task: str = ""
    created_ns: int = 0
    project: str = "default"
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", content_hash({"name": self.name, "task": self.task, "config": self.config}))
