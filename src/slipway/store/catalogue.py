"""Catalogue: the metric names of a store, searched by regular expression, and their last values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from slipway.errors import DataError
from slipway.store.protocol import LastValue
from slipway.store.rows import safe, unsafe
from slipway.store.search import Lines
from slipway.store.statements import fetched
from slipway.store.tables import metric_last, metric_names, metric_runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.backend import Backend

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of one project (or all) as they were when ``newest`` was the last."""

    newest: int
    lines: Lines
    ids: dict[str, int]
    more: dict[str, list[int]]  # further numbers of a name that several projects have

    def numbers(self, found: Sequence[str]) -> dict[int, str]:
        """The numbers of these names."""
        numbers = {self.ids[name]: name for name in found}
        if self.more:
            numbers |= {id_: name for name in found for id_ in self.more.get(name, ())}
        return numbers


class Catalogue:
    """Answers `metric_names` and `last_values`. Names are never removed, so what was read stays true and only grows."""

    def __init__(self, backend: Backend) -> None:
        self._among = backend.among
        self._read: dict[str | None, _Names] = {}

    def names(self, connection: Connection, pattern: str, runs: Sequence[str] | None, project: str | None) -> list[str]:
        """Names that ``pattern`` finds, sorted."""
        names = self._names(connection, project)
        found = names.lines.search(_text(pattern))
        if runs is None:
            return list(found)
        ids = names.numbers(found)
        chosen = [id_ for id_, _ in self._runs(connection, runs)]
        query = select(metric_last.c.name).where(self._among(metric_last.c.run, chosen)).distinct()
        if len(found) < len(names.ids) or project is not None:
            query = query.where(self._among(metric_last.c.name, list(ids)))
        there = connection.execute(query).scalars().all()
        return sorted({ids[id_] for id_ in there if id_ in ids})

    def last_values(
        self, connection: Connection, pattern: str, runs: Sequence[str] | None, project: str | None, limit: int | None
    ) -> list[LastValue]:
        """Their last values, by name and run."""
        names = self._names(connection, project)
        found = names.lines.search(_text(pattern))
        called = names.numbers(found)
        run_ids = dict(self._runs(connection, runs))
        last = metric_last.c
        query = select(last.name, last.run, last.value, last.step, last.time_ns)
        if runs is not None:
            query = query.where(self._among(last.run, list(run_ids)))
        if len(found) < len(names.ids) or project is not None:
            query = query.where(self._among(last.name, list(called)))
        values = [
            LastValue(run_ids[run], called[name], NAN if value is None else value, step, time_ns)
            for name, run, value, step, time_ns in fetched(connection, query)
            if run in run_ids and name in called  # both may have been added since
        ]
        values.sort(key=lambda value: (value.name, value.run_id))
        return values[:limit]

    def _names(self, connection: Connection, project: str | None) -> _Names:
        known = self._read.get(project)
        newest = connection.execute(select(func.max(metric_names.c.id))).scalar() or 0
        if known is not None and known.newest == newest:
            return known
        query = select(metric_names.c.name, metric_names.c.id).where(metric_names.c.id > (known.newest if known else 0))
        if project is not None:
            query = query.where(metric_names.c.project == safe(project))
        rows = fetched(connection, query.where(metric_names.c.id <= newest))
        ids: dict[str, int] = dict(known.ids) if known else {}
        more = {name: list(ids) for name, ids in known.more.items()} if known else {}
        fresh = {unsafe(name): id_ for name, id_ in rows}
        if len(fresh) == len(rows) and ids.keys().isdisjoint(fresh):
            ids |= fresh
        else:
            for name, id_ in rows:
                if ids.setdefault(unsafe(name), id_) != id_:
                    more.setdefault(unsafe(name), []).append(id_)
        if len(self._read) > 8:
            self._read.clear()
        self._read[project] = _Names(newest, Lines(ids), ids, more)
        return self._read[project]

    def _runs(self, connection: Connection, runs: Sequence[str] | None) -> list[tuple[int, str]]:
        query = select(metric_runs.c.id, metric_runs.c.run_id)
        if runs is not None:
            query = query.where(self._among(metric_runs.c.run_id, [safe(run) for run in runs]))
        return [(id_, unsafe(run)) for id_, run in connection.execute(query).all()]


def _text(pattern: Any) -> str:
    if not isinstance(pattern, str):
        raise DataError(f"the pattern is {type(pattern).__name__}, not text", mend="give a regular expression")
    return pattern
