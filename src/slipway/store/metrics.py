"""Metrics: points by the column, names kept once, the last value of each (name, run) kept up to date.

The last value is the one of the highest step; within a step, the one written last. A step that goes back (a run resumed from
a checkpoint) is kept as a point, replaces the point that had that step, and does not change the last value.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Dialect, bindparam, func, select

from slipway.data import MetricPoint
from slipway.store.kinds import Again
from slipway.store.rows import rows_of, safe
from slipway.store.statements import sql
from slipway.store.tables import metric_last, metric_names, metric_points, metric_runs

_fields = attrgetter("run_id", "name", "value", "step", "time_ns", "project")
Row = tuple[Any, ...]
REMEMBERED = 200_000  # names and runs of which the number is kept in memory


def rows(points: Sequence[MetricPoint]) -> list[Row]:
    """(run, name, value, step, time, project) of each. Raises `DataError` naming the point that cannot be kept."""
    runs, names, values, steps, times, projects = zip(*map(_fields, points), strict=True)
    try:
        # Each of these checks a whole column at the speed of C: text, 64-bit integers, floats.
        texts = "".join({*runs, *names, *projects})
        whole = array("q", steps).tolist()
        when = array("q", times).tolist()
        numbers = array("d", values).tolist()
        if min(whole) < 0 or min(when) < 0:
            raise OverflowError
    except (TypeError, OverflowError, ValueError):
        for point in points:  # finds the culprit and says what is wrong with it
            rows_of(MetricPoint).row(point)
        raise
    kept = [number + 0.0 if number == number else None for number in numbers]  # NaN is NULL; -0.0 is 0.0
    if texts != safe(texts):
        runs, names, projects = (tuple(map(safe, column)) for column in (runs, names, projects))
    return list(zip(runs, names, kept, whole, when, projects, strict=True))


class Points:
    """Inserts points through a driver cursor."""

    def __init__(self, dialect: Dialect) -> None:
        def text(statement: Any) -> str:
            return str(statement.compile(dialect=dialect))

        self._known: dict[Row, int] = {}  # (project, name) or (run_id,) -> number
        self._learned: list[Row] = []  # since the last commit
        columns = ("run", "name", "step", "value", "time_ns")
        key = ("run", "name", "step")
        self._keep = sql(metric_points, columns, dialect, key, Again.KEEP)
        self._replace = sql(metric_points, columns, dialect, key, Again.REPLACE)
        columns = ("name", "run", "step", "value", "time_ns")
        self._last = sql(metric_last, columns, dialect, ("name", "run"), Again.LATER)
        names, runs = metric_names.c, metric_runs.c
        self._name = sql(metric_names, ("project", "name"), dialect, ("project", "name"), Again.KEEP)
        self._run = sql(metric_runs, ("run_id",), dialect, ("run_id",), Again.KEEP)
        mine = (names.project == bindparam("project"), names.name == bindparam("name"))
        self._name_id = text(select(names.id).where(*mine))
        self._run_id = text(select(runs.id).where(runs.run_id == bindparam("run_id")))
        after: Any = bindparam("after")
        self._new_names = (
            text(select(func.max(names.id))),
            text(select(names.id, names.project, names.name).where(names.id > after)),
        )
        self._new_runs = (text(select(func.max(runs.id))), text(select(runs.id, runs.run_id).where(runs.id > after)))

    def insert(self, cursor: Any, points: Sequence[Row]) -> int:
        """Write ``points`` (see `rows`); how many were new."""
        self._learn(cursor, {(point[5], point[1]) for point in points}, self._name_id, self._name, self._new_names)
        self._learn(cursor, {(point[0],) for point in points}, self._run_id, self._run, self._new_runs)
        known = self._known
        numbered = [
            (known[run,], known[project, name], step, value, time_ns)
            for run, name, value, step, time_ns, project in points
        ]
        cursor.executemany(self._keep, numbered)
        new = int(cursor.rowcount)
        if new < len(numbered):
            cursor.executemany(self._replace, numbered)
        newest: dict[tuple[int, int], Row] = {}
        for run, name, step, value, time_ns in numbered:
            key = name, run
            before = newest.get(key)
            if before is None or step >= before[2]:
                newest[key] = (name, run, step, value, time_ns)
        # In the order of the index, so that neighbours share a page.
        cursor.executemany(self._last, [newest[key] for key in sorted(newest)])
        return new

    def _learn(self, cursor: Any, keys: set[Row], find: str, add: str, fresh: tuple[str, str]) -> None:
        """Make sure that the number of each key is in ``_known``; adds the ones that the database has not."""
        missing = sorted(keys - self._known.keys())
        if not missing:
            return
        newest, since = fresh
        before = cursor.execute(newest).fetchone()[0] or 0
        cursor.executemany(add, missing)
        found = {tuple(row[1:]): row[0] for row in cursor.execute(since, (before,)).fetchall()}
        for key in missing:
            if key not in found:  # another process added it
                found[key] = cursor.execute(find, key).fetchone()[0]
        self._known.update(found)
        self._learned.extend(found)

    def committed(self) -> None:
        """What `insert` learned is on disk."""
        self._learned.clear()
        if len(self._known) > REMEMBERED:
            self._known.clear()

    def forget(self) -> None:
        """What `insert` learned may have been rolled back."""
        for key in self._learned:
            self._known.pop(key, None)
        self._learned.clear()
