"""Datasets: examples, and the versions that freeze them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data.canonical import content_hash


@dataclass(frozen=True, slots=True)
class Example:
    """One row of a dataset version. ``cluster`` names rows that are not independent (one template, one user)."""

    id: str
    input: Any
    expected: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    cluster: str | None = None

    @property
    def hash(self) -> str:
        """Content hash over every field."""
        return content_hash(self)


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A named, frozen list of examples; ``id`` is the content hash of the name and of all of them, in order. Each project that
    saves the same content has a record of its own, with the one blob of rows that they share.

    The rows are a blob (JSON lines) at ``rows_blob``; ``sealed`` rows are encrypted there.
    """

    id: str
    name: str
    size: int
    rows_blob: str
    created_ns: int
    source: str = ""
    parent_id: str | None = None
    slices: tuple[str, ...] = ()
    sealed: bool = False
    project: str = "default"
    provenance: Mapping[str, Any] = field(default_factory=dict)
