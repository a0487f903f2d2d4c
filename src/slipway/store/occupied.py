"""Occupied: the bytes that rows take, of what is deleted with traces and of the rest, to know when enough was deleted.

SQLite counts its free pages. PostgreSQL's files do not shrink when rows are deleted, and it does not say how much of them is
free: that is estimated from the number of rows and the size of some of them. Payloads in blobs are not counted: they stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from slipway.data import LogRecord, Span
from slipway.store.tables import metadata, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

SAMPLE = 2_000  # rows that are measured, of the oldest and of the newest
DENSE = 0.85  # the part of a full table that is rows: the rest is what each page and each row takes besides
WITH_SPANS = ("spans", "span_facts", "span_text", "traces")
"""Tables of which rows go with the spans of a trace."""


class Occupied:
    """What is occupied now. ``most``: nobody asks how much it is as long as it is no more."""

    def __init__(self, connection: Connection, most: int) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._counts = {Span: 1, LogRecord: 1}
        self._going = {Span: 0, LogRecord: 0}
        self._staying = _pages(connection) if self._sqlite else _files(connection)
        if self._staying > most:
            self._measure()

    def _measure(self) -> None:
        for kind in self._counts:
            count = self._connection.execute(select(func.count()).select_from(tables[kind])).scalar_one()
            self._counts[kind] = max(int(count), 1)
        if self._sqlite:
            self._going[Span], self._staying = self._staying, 0
            return
        for kind, names in ((Span, WITH_SPANS), (LogRecord, ("logs",))):
            size = sum(_size(self._connection, name) for name in names)
            self._going[kind] = int(size * self._share(kind))
            self._staying -= size

    def _share(self, kind: type) -> float:
        """The part of a table's file that rows fill."""
        table = tables[kind]
        columns = " + ".join(f'coalesce(pg_column_size("{column.name}"), 0)' for column in table.columns)
        sample = " UNION ALL ".join(
            f"(SELECT {columns} AS bytes FROM {table.name} ORDER BY position {order} LIMIT {SAMPLE})"
            for order in ("ASC", "DESC")
        )
        average = self._connection.exec_driver_sql(f"SELECT avg(bytes) FROM ({sample}) AS sample").scalar_one() or 0
        size = int(self._connection.exec_driver_sql(f"SELECT pg_table_size('{table.name}')").scalar_one())
        return min(1.0, float(average) * self._counts[kind] / DENSE / max(size, 1))

    def without(self, spans: int, log_records: int) -> int:
        """How many bytes there are when so many of the rows that were there are not."""
        gone = {Span: spans, LogRecord: log_records}
        return self._staying + sum(
            self._going[kind] - self._going[kind] * gone[kind] // count for kind, count in self._counts.items()
        )

    def now(self, spans: int, log_records: int) -> int:
        """The same, when they were deleted: it is looked at where that can be done."""
        return _pages(self._connection) if self._sqlite else self.without(spans, log_records)


def _pages(connection: Connection) -> int:
    """Bytes of pages in use. Those that were freed stay in the file and are filled first."""
    pages, free, size = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _files(connection: Connection) -> int:
    """Bytes of our tables and their indexes; the database may have others besides."""
    ours = {table.name for table in metadata.sorted_tables} - {"blobs"}
    return sum(_size(connection, name) for name in sorted(ours | set(WITH_SPANS)))


def _size(connection: Connection, name: str) -> int:
    size = connection.exec_driver_sql(f"SELECT pg_total_relation_size(to_regclass('{name}'))").scalar_one()
    return int(size or 0)
