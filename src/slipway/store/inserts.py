"""Inserts: statements compiled once per kind and run by the driver's executemany, which costs a third of SQLAlchemy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect

from slipway.data import MetricPoint
from slipway.store.kinds import KINDS, Again
from slipway.store.metrics import Points
from slipway.store.statements import sql
from slipway.store.tables import tables
from slipway.store.writer import Work


class Inserts:
    """Writes rows of every kind through a driver cursor, and counts the new ones."""

    def __init__(self, dialect: Dialect) -> None:
        self._first: dict[type[Any], str] = {}
        self._again: dict[type[Any], str] = {}
        for record, table in tables.items():
            kind = KINDS[record]
            names = [column.name for column in kind.columns]
            self._first[record] = sql(table, names, dialect, kind.key, Again.KEEP)
            if kind.again is not Again.KEEP:
                self._again[record] = sql(table, names, dialect, kind.key, kind.again)
        self._points = Points(dialect)

    def run(self, cursor: Any, works: Sequence[Work]) -> int:
        """Insert the rows of all ``works``, in order; how many were new."""
        new = 0
        for record in dict.fromkeys(record for work in works for record in work):
            rows = [row for work in works for row in work.get(record, ())]
            new += self._insert(cursor, record, rows)
        return new

    def committed(self) -> None:
        """What was inserted is on disk."""
        self._points.committed()

    def forget(self) -> None:
        """What was inserted was rolled back."""
        self._points.forget()

    def _insert(self, cursor: Any, record: type[Any], rows: list[tuple[Any, ...]]) -> int:
        if record is MetricPoint:
            return self._points.insert(cursor, rows)
        cursor.executemany(self._first[record], rows)
        new = int(cursor.rowcount)
        if new < len(rows) and record in self._again:
            cursor.executemany(self._again[record], rows)
        return new
