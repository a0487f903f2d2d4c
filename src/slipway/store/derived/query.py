"""Query: every question about traces that the API asks. All are bound to one project, and all lists are paged by cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from slipway.store.derived.answers import Node, Page, SessionRow, SpanRow, Summary, TraceRow

if TYPE_CHECKING:
    from slipway.store.derived.conditions import Condition
    from slipway.store.derived.database import Derived

By = Literal["model", "name", "kind"]
BUDGET_S = 1.0
PAGE = 50


class Query:
    """Asks a `Derived`. Safe to share between threads. Answers are as new as the indexer is (see `Derived.lag`)."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived

    def traces(
        self,
        project: str,
        condition: Condition | None = None,
        *,
        cursor: str | None = None,
        limit: int = PAGE,
        budget_s: float = BUDGET_S,
    ) -> Page[TraceRow]:
        """Traces that satisfy the condition, those that started last first.

        ``cost``, ``duration``, ``tokens``, ``status``, ``name``, ``time``, ``session``, ``user`` and ``run`` are those of the
        whole trace; all other fields ask whether some span of it has such a value.
        Raises `DataError` for a cursor that is none or a pattern that is no regular expression.
        """
        raise NotImplementedError

    def spans(
        self,
        project: str,
        condition: Condition | None = None,
        *,
        cursor: str | None = None,
        limit: int = PAGE,
        budget_s: float = BUDGET_S,
    ) -> Page[SpanRow]:
        """Spans that satisfy the condition, those that started last first."""
        raise NotImplementedError

    def trace(self, project: str, trace_id: str) -> TraceRow | None:
        """One trace, or None."""
        raise NotImplementedError

    def children(
        self, project: str, trace_id: str, parent: str | None = None, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Node]:
        """The spans below ``parent``, earliest first; without one, where the tree begins: roots, spans whose parent is not
        there, and one span of each circle of parents. Every span of a trace is reached so, once."""
        raise NotImplementedError

    def ancestors(self, project: str, trace_id: str, span_id: str) -> Sequence[SpanRow]:
        """From where the tree begins down to the span itself: what to open to see it. Empty when it is not there."""
        raise NotImplementedError

    def sessions(self, project: str, *, cursor: str | None = None, limit: int = PAGE) -> Page[SessionRow]:
        """Sessions, the one with the newest trace first."""
        raise NotImplementedError

    def summary(
        self,
        project: str,
        from_ns: int,
        to_ns: int,
        *,
        bucket_s: int | None = None,
        by: By | None = None,
        kind: str | None = None,
        model: str | None = None,
        name: str | None = None,
        roots: bool = False,
    ) -> Sequence[Summary]:
        """Counts, errors, tokens, cost and latency by bucket of time, from the hourly rollups.

        Hours count wholly: ``from_ns`` is taken back to the beginning of its hour, ``to_ns`` forward to the end. ``bucket_s`` is
        rounded up to hours; None gives one bucket. ``roots`` counts only root spans, one for each trace. Empty buckets are left
        out. Of more than `slipway.store.derived.rollups.MOST_KEYS` names and models in an hour the rest are ``(other)``.
        """
        raise NotImplementedError
