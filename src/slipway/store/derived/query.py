"""Query: every question about traces that the API asks. All are bound to one project, and all lists are paged by cursor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import and_, exists, func, or_, select, tuple_

from slipway.store.derived import totals
from slipway.store.derived.answers import Node, Page, SessionRow, SpanRow, Summary, TraceRow
from slipway.store.derived.compiling import SPANS, TRACES
from slipway.store.derived.scanning import cursors, read_cursor, scan
from slipway.store.derived.tables import traces
from slipway.store.derived.tree import Trees
from slipway.store.rows import safe, unsafe

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
        self._trees = Trees(derived)

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
        with self._derived.reading() as connection:
            rows, after, complete = scan(
                self._derived,
                connection,
                TRACES,
                safe(project),
                condition,
                cursor=cursor,
                limit=limit,
                budget_s=budget_s,
            )
        return Page([_trace(row) for row in rows], after, complete)

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
        with self._derived.reading() as connection:
            rows, after, complete = scan(
                self._derived,
                connection,
                SPANS,
                safe(project),
                condition,
                cursor=cursor,
                limit=limit,
                budget_s=budget_s,
            )
        return Page([_span(row) for row in rows], after, complete)

    def trace(self, project: str, trace_id: str) -> TraceRow | None:
        """One trace, or None."""
        query = select(traces).where(traces.c.project == safe(project), traces.c.trace_id == safe(trace_id))
        with self._derived.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _trace(row)

    def children(
        self, project: str, trace_id: str, parent: str | None = None, *, cursor: str | None = None, limit: int = PAGE
    ) -> Page[Node]:
        """The spans below ``parent``, earliest first; without one, where the tree begins: roots, spans whose parent is not
        there, and one span of each circle of parents. Every span of a trace is reached so, once."""
        project, trace_id = safe(project), safe(trace_id)
        with self._derived.reading() as connection:
            below = None if parent is None else safe(parent)
            rows, after, known = self._trees.level(connection, project, trace_id, below, cursor, limit)
            ids = [row["span_id"] for row in rows]
            counts = self._trees.children_of(connection, project, trace_id, ids, known)
        nodes = [
            Node(
                _span(row),
                counts.get(row["span_id"], 0),
                orphan=row["position"] in known.orphans,
                cyclic=row["position"] in known.cyclic,
            )
            for row in rows
        ]
        return Page(nodes, after)

    def ancestors(self, project: str, trace_id: str, span_id: str) -> Sequence[SpanRow]:
        """From where the tree begins down to the span itself: what to open to see it. Empty when it is not there."""
        with self._derived.reading() as connection:
            rows = self._trees.ancestors(connection, safe(project), safe(trace_id), safe(span_id))
        return [_span(row) for row in rows]

    def projects(self) -> Sequence[str]:
        """Every project that has traces, sorted: one step in an index for each, however many traces they have."""
        found: list[str] = []
        with self._derived.reading() as connection:
            query = select(func.min(traces.c.project))
            name = connection.execute(query).scalar()
            while name is not None:
                found.append(unsafe(name))
                name = connection.execute(query.where(traces.c.project > name)).scalar()
        return sorted(found)

    def sessions(self, project: str, *, cursor: str | None = None, limit: int = PAGE) -> Page[SessionRow]:
        """Sessions, the one with the newest trace first."""
        limit = max(1, min(limit, 1000))
        after = read_cursor(cursor, str)
        project = safe(project)
        newer = traces.alias()
        t = traces.c
        later = or_(newer.c.started_ns > t.started_ns, and_(newer.c.started_ns == t.started_ns, newer.c.id > t.id))
        is_newer = and_(newer.c.project == project, newer.c.session_id == t.session_id, later)
        query = select(t.started_ns, t.trace_id, t.session_id).where(t.project == project, t.session_id.is_not(None))
        query = query.where(~exists().where(is_newer).correlate(traces))
        if after is not None:
            query = query.where(tuple_(t.started_ns, t.trace_id) < tuple_(*after))
        with self._derived.reading() as connection:
            query = query.order_by(t.started_ns.desc(), t.trace_id.desc()).limit(limit + 1)
            newest = connection.execute(query).mappings().all()
            found, after_this = cursors(newest, limit, "trace_id")
            names = [row["session_id"] for row in found]
            summed = {row["session_id"]: row for row in self._sessions(connection, project, names)}
        return Page([_session(summed[name]) for name in names if name in summed], after_this)

    def session(self, project: str, session_id: str) -> SessionRow | None:
        """One session, or None."""
        with self._derived.reading() as connection:
            rows = self._sessions(connection, safe(project), [safe(session_id)])
        return _session(rows[0]) if rows else None

    def _sessions(self, connection: Any, project: str, names: Sequence[str]) -> Sequence[Any]:
        t = traces.c
        sums = ("spans", "errors", "calls", "unknown_cost", "input_tokens", "output_tokens", "cost_usd")
        first = traces.alias()
        name = (
            select(first.c.name)
            .where(first.c.project == project, first.c.session_id == t.session_id)
            .order_by(first.c.started_ns)
            .limit(1)
            .correlate(traces)
            .scalar_subquery()
        )
        query = select(
            t.session_id,
            name.label("name"),
            func.max(t.user_id).label("user_id"),
            func.min(t.started_ns).label("started_ns"),
            func.max(t.ended_ns).label("ended_ns"),
            func.count().label("traces"),
            *[func.sum(t[name]).label(name) for name in sums],
        )
        query = query.where(t.project == project, self._derived.among(t.session_id, names)).group_by(t.session_id)
        found: Sequence[Any] = connection.execute(query).mappings().all()
        return found

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
        wanted = totals.Wanted(safe(project), from_ns, to_ns, bucket_s, by, kind, model, name, roots)
        with self._derived.reading() as connection:
            return totals.summary(connection, wanted)


def _plain(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: unsafe(value) if isinstance(value := row[name], str) else value for name in names}


_SPAN = tuple(SpanRow.__dataclass_fields__)
_TRACE = tuple(
    name for name in TraceRow.__dataclass_fields__ if name not in ("models", "cost_usd", "unknown_cost", "rooted")
)


def _span(row: Any) -> SpanRow:
    return SpanRow(**_plain(row, _SPAN))


def _trace(row: Any) -> TraceRow:
    return TraceRow(
        **_plain(row, _TRACE),
        models=[unsafe(model) for model in json.loads(row["models"])],
        rooted=bool(row["rooted"]),
        cost_usd=row["cost_usd"] if row["calls"] > row["unknown_cost"] else None,
        unknown_cost=row["unknown_cost"],
    )


def _session(row: Any) -> SessionRow:
    return SessionRow(
        session_id=unsafe(row["session_id"]),
        name=unsafe(row["name"]),
        user_id=None if row["user_id"] is None else unsafe(row["user_id"]),
        started_ns=row["started_ns"],
        ended_ns=row["ended_ns"],
        traces=row["traces"],
        spans=int(row["spans"]),
        errors=int(row["errors"]),
        input_tokens=int(row["input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        cost_usd=row["cost_usd"] if row["calls"] > row["unknown_cost"] else None,
        unknown_cost=int(row["unknown_cost"]),
    )
