"""What a store must be able to do: twelve methods, one contract test (tests/store/test_contract.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

R = TypeVar("R")

Where = Mapping[str, Any]
"""Conditions, all of which hold: ``{"run_id": "..", "started_ns__ge": 5, "name__in": [..], "id__prefix": "3f"}``.
Suffixes: none (equal; None means absent), ``__ne``, ``__ge``, ``__gt``, ``__le``, ``__lt``, ``__in``, ``__prefix``."""


@dataclass(frozen=True, slots=True)
class LastValue:
    """The newest value of one metric in one run."""

    run_id: str
    name: str
    value: float
    step: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class Health:
    """What ``slipway doctor`` prints: rows by kind (-1: unreadable), drops as "where: reason", bytes on disk,
    problems in plain words."""

    counts: Mapping[str, int]
    drops: Mapping[str, int]
    size_bytes: int
    schema: str
    problems: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class Store(Protocol):
    """Keeps records. Durable when `write` returns; every write is idempotent by the record's key.

    Keys: Span (trace_id, span_id); Sample (run_id, example_id, repeat); Look (suite, number); Response key;
    MetricPoint (run_id, name, step); Drop (process, where, reason); all others ``id``. Writing a key again changes nothing,
    except EvalRun, Environment and MetricPoint, where the newest wins, and Drop, where the largest count wins.

    A record that cannot be kept is refused with `DataError` by `write` and `submit` before anything of the call is stored: text
    that is no text, times outside 1970 to 2262, integers beyond 64 bits, span ids of zeros. JSON fields take anything.
    """

    url: str

    def write(self, records: Sequence[Any]) -> int:
        """Store records of any kinds, synced to disk on return. Returns how many were new. Raises `StoreError`."""
        ...

    def submit(self, records: Sequence[Any]) -> Future[int]:
        """As `write`, without waiting: commits are grouped over all callers, the future resolves once they are on disk."""
        ...

    def get(self, kind: type[R], *key: Any) -> R | None:
        """The record with that key, or None."""
        ...

    def find(
        self,
        kind: type[R],
        where: Where | None = None,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        after: int | None = None,
    ) -> Iterator[R]:
        """Records in the order of arrival, streamed in pages: no lock is held between them, and what arrives meanwhile is
        seen. ``after`` goes on behind a position, a number that `columns` gives as the field ``position``."""
        ...

    def columns(
        self,
        kind: type[Any],
        names: Sequence[str],
        where: Where | None = None,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        after: int | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """As `find`, but only the fields ``names`` of each record, as tuples: many times cheaper. ``position`` is one."""
        ...

    def count(self, kind: type[Any], where: Where | None = None) -> int:
        """How many records satisfy ``where``."""
        ...

    def put_blob(self, data: bytes) -> str:
        """Keep bytes under their SHA-256; returns it. Durable on return."""
        ...

    def get_blob(self, digest: str) -> bytes:
        """The bytes, verified. Raises `StoreError` when they are missing or damaged."""
        ...

    def metric_names(
        self,
        pattern: str,
        *,
        runs: Sequence[str] | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[str]:
        """Metric names that a regular expression (RE2 syntax, searched anywhere in the name) finds, sorted. No pattern can
        take more than linear time. Raises `DataError` for a pattern that is none."""
        ...

    def last_values(
        self,
        pattern: str,
        *,
        runs: Sequence[str] | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[LastValue]:
        """The last value of every matching metric in every run (or in ``runs``), by name and run. The last value is that
        of the highest step; within a step, the one written last. A step that goes back does not change it."""
        ...

    def health(self, *, deep: bool = False) -> Health:
        """Counts and problems; ``deep`` also checks every page and blob."""
        ...

    def close(self) -> None:
        """Commit what was submitted, and release the files."""
        ...
