"""Answers: what a `Query` gives. Frozen, and written as JSON as they are, with these words as their description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some of the answer. ``cursor`` goes on behind it; None at the end.

    ``complete`` is False where the time for one page ended before it was full: there may be more, and the cursor finds it.
    """

    items: Sequence[R]
    cursor: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One trace in a list. Times are Unix nanoseconds.

    ``name``, ``input`` and ``output`` (cut to a preview) are those of the root. While no root has come ``rooted`` is False, the
    name is that of the earliest span, and there is no preview. ``spans`` counts all of them, ``errors`` those that failed. Tokens
    and ``cost_usd`` are summed over model calls; ``cost_usd`` is None when no call has a known cost, ``unknown_cost`` how many
    calls have none.
    """

    trace_id: str
    name: str
    started_ns: int
    ended_ns: int
    spans: int
    errors: int
    rooted: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    unknown_cost: int
    models: Sequence[str]
    session_id: str | None
    user_id: str | None
    run_id: str | None
    input: str | None
    output: str | None

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end."""
        return self.ended_ns - self.started_ns


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A span without its input, output and attributes. Tokens and cost are null where the span does not say."""

    trace_id: str
    span_id: str
    parent_id: str | None
    started_ns: int
    duration_ns: int
    name: str
    kind: str
    status: str
    model: str | None
    provider: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost_usd: float | None
    session_id: str | None
    user_id: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A span of a tree and how many spans are right below it. ``orphan``: its parent has not come, or never will. ``cyclic``:
    its parents form a circle, which is cut here so that the tree ends."""

    span: SpanRow
    children: int
    orphan: bool = False
    cyclic: bool = False


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session: what the traces that say they belong together come to. ``name`` is that of the first one. ``cost_usd`` is
    null when no cost is known, ``unknown_cost`` counts the calls whose cost is not."""

    session_id: str
    name: str
    user_id: str | None
    started_ns: int
    ended_ns: int
    traces: int
    spans: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    unknown_cost: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One bucket of time, from ``started_ns`` on, under one ``key`` (null without ``by``). Durations are of spans, in
    nanoseconds, within 1 % of the exact quantile."""

    started_ns: int
    key: str | None
    count: int
    errors: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    unknown_cost: int
    p50_ns: float
    p90_ns: float
    p95_ns: float
    p99_ns: float
