"""Database: where derived data are. Beside SQLite's file in one of its own, in PostgreSQL among the other tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from slipway.errors import ConfigError, StoreError
from slipway.store.protocol import Store

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from slipway.store.sql import SqlStore


class Place(Protocol):
    """What differs between SQLite and PostgreSQL: connections, and the full text."""

    def prepare(self) -> None:
        """Make the tables, or drop those of another version and make them again."""
        ...

    def reader(self) -> Connection:
        """A connection, in autocommit mode, that sees derived data and rows."""
        ...

    def writer(self) -> Connection:
        """A connection that writes derived data."""
        ...

    def begin(self, connection: Connection) -> None:
        """Begin the one transaction that writes."""
        ...

    def add_text(self, connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
        """Index the text of spans, (position, text)."""
        ...

    def drop_text(self, connection: Connection, positions: Sequence[int]) -> None:
        """Take it from the index."""
        ...

    def drop_all_text(self, connection: Connection) -> None:
        """Empty the index."""
        ...

    def matches(self, connection: Connection, words: Sequence[str], most: int) -> list[int]:
        """Positions of spans with these words beside each other, ``most`` at most."""
        ...

    def matching(self, position: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[bool]:
        """The condition that the span at ``position`` is one of them."""
        ...


class Derived:
    """The derived data of ``store``. Opens itself on first use. Close it before the store.

    In SQLite they have a file of their own: building them never makes an acknowledged commit wait for the one writer of the
    other file, and no backup needs it.
    """

    def __init__(self, store: Store) -> None:
        from slipway.store.sql import SqlStore

        if not isinstance(store, SqlStore):
            raise ConfigError("only SQLite and PostgreSQL can be searched", mend="name one of them as the store")
        self.store: SqlStore = store
        self._lock = threading.Lock()
        self._place: Place | None = None
        self._readers: list[Connection] = []
        self._writer: Connection | None = None
        self._closed = False

    @property
    def place(self) -> Place:
        """The database, prepared. Raises `StoreError`."""
        with self._lock:
            if self._closed:
                raise StoreError("the derived data are closed", mend="open the store again")
            if self._place is None:
                place = _place(self.store)
                place.prepare()
                self._place = place
            return self._place

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in autocommit mode for a while; driver errors inside become `StoreError`."""
        place = self.place
        try:
            connection = self._readers.pop()
        except IndexError:
            connection = place.reader()
        try:
            yield connection
        except BaseException as error:
            _close(connection)
            self._explained(error)
            raise
        if self._closed:
            _close(connection)
        else:
            self._readers.append(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that nobody else writes in meanwhile; committed at the end, rolled back on an error."""
        place = self.place
        with self._lock:
            connection = self._writer or place.writer()
            self._writer = None
        try:
            place.begin(connection)
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException as error:
            with suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            _close(connection)
            self._explained(error)
            raise
        if self._closed:
            _close(connection)
        else:
            self._writer = connection

    def _explained(self, error: BaseException) -> None:
        from sqlalchemy.exc import DBAPIError

        if isinstance(error, DBAPIError) or self.store.backend.is_error(error):
            raise self.store.backend.explain(error) from error

    def among(self, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """``column IN values``, however many they are."""
        return self.store.backend.among(column, values)

    def lag(self) -> int:
        """How many positions the rows are ahead of what is searchable. Deleted rows may be counted."""
        newest, reached = self.positions()
        return max(0, newest - reached)

    def positions(self) -> tuple[int, int]:
        """The position of the newest row, and that up to which rows are searchable."""
        from sqlalchemy import func, select

        from slipway.data import Span
        from slipway.store.derived.tables import state
        from slipway.store.tables import tables

        newest = select(func.max(tables[Span].c.position)).scalar_subquery()
        reached = select(state.c.position).where(state.c.source == "spans").scalar_subquery()
        with self.reading() as connection:
            last, at = connection.execute(select(newest, reached)).one()
        return last or 0, at or 0

    def close(self) -> None:
        """Release the files. Closing again does nothing."""
        self._closed = True
        while self._readers:
            _close(self._readers.pop())
        writer, self._writer = self._writer, None
        if writer is not None:
            _close(writer)


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except Exception:  # it is of no use any more, and what broke it is being reported
        connection.invalidate()


def _place(store: SqlStore) -> Place:
    from slipway.store.sqlite import SqliteBackend

    if isinstance(store.backend, SqliteBackend):
        from slipway.store.derived.sqlite import SqlitePlace

        return SqlitePlace(store.backend)
    from slipway.store.derived.postgresql import PostgresqlPlace

    return PostgresqlPlace(store.backend)
