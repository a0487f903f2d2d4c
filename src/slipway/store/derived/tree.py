"""Tree: the spans of a trace, level by level, however many they are and whatever their parents say (T33).

Where a tree begins is found once for each trace and state of it: roots, spans whose parent is not there, and one span of each
circle of parents. It takes the ids of all its spans, 0.2 s for 100,000; everything else reads one page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_

from slipway.store.derived.scanning import cursors, read_cursor
from slipway.store.derived.tables import span_facts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

KEPT = 8
DEEPEST = 10_000
_f = span_facts.c


@dataclass(frozen=True)
class Beginnings:
    """Positions where a tree begins, in order of time; ``cyclic`` those that cut a circle, ``orphans`` those without parent."""

    positions: tuple[int, ...]
    orphans: frozenset[int]
    cyclic: frozenset[int]


class Trees:
    """Reads the trees of one `Derived`, and remembers where the last few began."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived
        self._known: OrderedDict[tuple[str, str, int], Beginnings] = OrderedDict()
        self._lock = threading.Lock()

    def beginnings(self, connection: Connection, project: str, trace_id: str) -> Beginnings:
        """Where the tree of a trace begins."""
        mine = (_f.project == project, _f.trace_id == trace_id)
        size = connection.execute(select(func.count()).select_from(span_facts).where(*mine)).scalar_one()
        key = (project, trace_id, size)  # spans are never changed, so as many are the same ones
        with self._lock:
            known = self._known.get(key)
        if known is None:
            query = select(_f.position, _f.span_id, _f.parent_id).where(*mine).order_by(_f.started_ns, _f.position)
            known = begin([tuple(row) for row in connection.execute(query)])
            with self._lock:
                self._known[key] = known
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return known

    def level(
        self, connection: Connection, project: str, trace_id: str, parent: str | None, cursor: str | None, limit: int
    ) -> tuple[list[Any], str | None, Beginnings]:
        """(rows, cursor, beginnings): one page of the spans below ``parent``, or of those where the tree begins."""
        limit = max(1, min(limit, 1000))
        after = read_cursor(cursor, int)
        known = self.beginnings(connection, project, trace_id)
        query = select(span_facts).where(_f.project == project, _f.trace_id == trace_id)
        query = query.order_by(_f.started_ns, _f.position)
        if parent is None:
            return *self._first_level(connection, query, known, after, limit), known
        query = query.where(_f.parent_id == parent)
        if known.cyclic:
            query = query.where(_f.position.not_in(known.cyclic))
        if after is not None:
            query = query.where(tuple_(_f.started_ns, _f.position) > tuple_(*after))
        rows = connection.execute(query.limit(limit + 1)).mappings().all()
        return *cursors(rows, limit, "position"), known

    def _first_level(
        self, connection: Connection, query: Any, known: Beginnings, after: Any, limit: int
    ) -> tuple[list[Any], str | None]:
        # By their place in the list, so that a hundred thousand orphans are not sorted again for each page.
        start = known.positions.index(after[1]) + 1 if after is not None and after[1] in known.positions else 0
        wanted = known.positions[start : start + limit + 1]
        rows = connection.execute(query.where(self._derived.among(_f.position, wanted))).mappings().all()
        return cursors(rows, limit, "position")

    def children_of(
        self, connection: Connection, project: str, trace_id: str, spans: Sequence[str], known: Beginnings
    ) -> dict[str, int]:
        """How many children each of these spans has."""
        query = select(_f.parent_id, func.count()).where(
            _f.project == project, _f.trace_id == trace_id, self._derived.among(_f.parent_id, spans)
        )
        if known.cyclic:
            query = query.where(_f.position.not_in(known.cyclic))
        return {row[0]: row[1] for row in connection.execute(query.group_by(_f.parent_id))}

    def ancestors(self, connection: Connection, project: str, trace_id: str, span_id: str) -> list[Any]:
        """From the beginning down to the span; empty when it is not there."""
        known = self.beginnings(connection, project, trace_id)
        starts = set(known.positions)
        found: list[Any] = []
        wanted: str | None = span_id
        while wanted is not None and len(found) < DEEPEST:
            query = select(span_facts).where(_f.trace_id == trace_id, _f.span_id == wanted, _f.project == project)
            row = connection.execute(query).mappings().first()
            if row is None:
                break
            found.append(row)
            wanted = None if row["position"] in starts else row["parent_id"]
        return found[::-1]


def begin(spans: Sequence[tuple[Any, ...]]) -> Beginnings:
    """Where a tree begins, of (position, span_id, parent_id) in order of time."""
    parent_of = {span_id: parent for _, span_id, parent in spans}
    at = {span_id: position for position, span_id, _ in spans}
    orphans = {position for position, _, parent in spans if parent is not None and parent not in at}
    starts = {at[span_id] for span_id, parent in parent_of.items() if parent is None or parent not in at}
    reached: set[str] = {span_id for span_id, position in at.items() if position in starts}
    cyclic = set()
    for _, span_id, _ in spans:
        walked: list[str] = []
        onward = set()
        while span_id not in reached and span_id not in onward:
            walked.append(span_id)
            onward.add(span_id)
            span_id = parent_of[span_id]
        if span_id in onward:  # a circle: cut at its earliest span, which is where this loop met it or before
            circle = walked[walked.index(span_id) :]
            cyclic.add(min(at[name] for name in circle))
        reached |= onward
    both = starts | cyclic
    return Beginnings(
        tuple(position for position, _, _ in spans if position in both), frozenset(orphans), frozenset(cyclic)
    )
