"""Recent: what became searchable behind a position, for those who are told of it as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, func, select

from slipway.store.derived.tables import span_facts, state
from slipway.store.rows import safe, unsafe

if TYPE_CHECKING:
    from slipway.store.derived.database import Derived

_f = span_facts.c


class Grown(NamedTuple):
    """A trace that got ``spans`` more, ``errors`` of them failed. ``position`` is that of the last one."""

    position: int
    project: str
    trace_id: str
    spans: int
    errors: int


class Recent:
    """Asks a `Derived`. Safe to share between threads."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived

    def reached(self) -> int:
        """The position up to which spans are searchable."""
        with self._derived.reading() as connection:
            found = connection.execute(select(state.c.position).where(state.c.source == "spans")).scalar()
        return found or 0

    def grown(self, after: int, upto: int, project: str | None = None) -> list[Grown]:
        """Traces with spans behind ``after``, up to ``upto``, by the position of their last one."""
        last = func.max(_f.position)
        failed = func.sum(case((_f.status == "error", 1), else_=0))
        query = select(last, _f.project, _f.trace_id, func.count(), failed)
        query = query.where(_f.position > after, _f.position <= upto).group_by(_f.project, _f.trace_id).order_by(last)
        if project is not None:
            query = query.where(_f.project == safe(project))
        with self._derived.reading() as connection:
            rows = connection.execute(query).all()
        return [Grown(row[0], unsafe(row[1]), unsafe(row[2]), row[3], int(row[4])) for row in rows]
