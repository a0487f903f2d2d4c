"""SQLite: derived data in a file beside the store's, with FTS5 for the full text.

A crash of the machine may lose its last commits (synchronous=NORMAL), each of them whole: the position goes back with them, and
they are derived again.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, column, create_engine, literal, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from slipway.store import files
from slipway.store.derived.tables import VERSION, metadata, version

if TYPE_CHECKING:
    from slipway.store.sqlite import SqliteBackend

_TEXT = (
    # Contentless: the index alone. The words are kept packed, since taking a document out needs exactly what was put in.
    "CREATE VIRTUAL TABLE text_index USING fts5(words, content='', tokenize='unicode61 remove_diacritics 0')",
    "CREATE TABLE span_text (position INTEGER PRIMARY KEY, packed BLOB NOT NULL)",
)
# What ANALYZE would find in a store of some size, from the first row on: without statistics SQLite may walk through everything
# in order of time to find the spans of one trace. Rows, and how many share the first columns of the index.
_STATISTICS = (
    ("span_facts", "sqlite_autoindex_span_facts_1", "2000000 8 1"),
    ("span_facts", "span_facts_tree", "2000000 8 8 3 1"),
    ("span_facts", "span_facts_time", "2000000 700000 1 1"),
    ("traces", "sqlite_autoindex_traces_1", "400000 1 1"),
    ("traces", "traces_time", "400000 150000 1 1"),
    ("traces", "traces_session", "200000 70000 4 1"),
    ("rollups", "sqlite_autoindex_rollups_1", "100000 30000 20 10 5 1 1"),
)
# KiB of pages that a connection keeps: what was written last is what the next batch changes. The system caches the files, too.
_WRITER_KIB, _READER_KIB = 8_000, 4_000
_DAMAGED = ("malformed", "not a database", "corrupt")


class SqlitePlace:
    """See `slipway.store.derived.database.Place`."""

    def __init__(self, backend: SqliteBackend) -> None:
        self._rows = backend.path
        self.path = derived_path(backend.path)
        self._backend = backend
        self._reading = create_engine(
            "sqlite://", creator=self._connect_reader, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._writing = create_engine(
            "sqlite://", creator=self._connect, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )

    def prepare(self) -> None:
        """Make the file. One that is damaged or of another version is deleted first: all of it can be derived again."""
        try:
            with files.locked(self.path.with_name(f".{self.path.name}.lock")):
                if not self._current():
                    self._make()
        except (DBAPIError, sqlite3.Error) as error:
            raise self._backend.explain(error) from error

    def _current(self) -> bool:
        if not self.path.exists() or not self.path.stat().st_size:
            return False
        try:
            with self._writing.connect() as connection:
                found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'derived_version'")
                return found.first() is not None and connection.execute(version.select()).all() == [(VERSION,)]
        except (DBAPIError, sqlite3.DatabaseError) as error:
            if any(word in str(error).lower() for word in _DAMAGED):
                return False
            raise

    def _make(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        os.close(files.open_own(self.path))
        with self._writing.connect() as connection:
            connection.exec_driver_sql("PRAGMA page_size=8192")
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            metadata.create_all(connection)
            for statement in _TEXT:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("ANALYZE")
            connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", list(_STATISTICS))
            connection.execute(version.insert().values(version=VERSION))
            connection.exec_driver_sql("COMMIT")

    def _connect(self, kib: int = _WRITER_KIB) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60.0, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA cache_size=-{kib}")
        return connection

    def _connect_reader(self) -> sqlite3.Connection:
        connection = self._connect(_READER_KIB)
        connection.execute("ATTACH DATABASE ? AS store", (str(self._rows),))
        connection.execute("PRAGMA query_only=ON")
        return connection

    def reader(self) -> Connection:
        """A connection that sees derived data and rows."""
        return self._reading.connect()

    def writer(self) -> Connection:
        """A connection to the derived data alone: a transaction of it takes no lock on the rows."""
        return self._writing.connect()

    def begin(self, connection: Connection) -> None:
        """Begin, waiting for another writer."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def add_text(self, connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
        """Index the text of spans."""
        if not rows:
            return
        connection.exec_driver_sql(
            "INSERT INTO span_text (position, packed) VALUES (?, ?)",
            [(position, _packed(words)) for position, words in rows],
        )
        connection.exec_driver_sql("INSERT INTO text_index (rowid, words) VALUES (?, ?)", list(rows))

    def drop_text(self, connection: Connection, positions: Sequence[int]) -> None:
        """Take it from the index."""
        for position in positions:
            row = connection.exec_driver_sql("SELECT packed FROM span_text WHERE position = ?", (position,)).first()
            if row is not None:
                connection.exec_driver_sql(
                    "INSERT INTO text_index (text_index, rowid, words) VALUES ('delete', ?, ?)",
                    (position, row[0] if isinstance(row[0], str) else zlib.decompress(row[0]).decode()),
                )
                connection.exec_driver_sql("DELETE FROM span_text WHERE position = ?", (position,))

    def drop_all_text(self, connection: Connection) -> None:
        """Empty the index."""
        connection.exec_driver_sql("INSERT INTO text_index (text_index) VALUES ('delete-all')")
        connection.exec_driver_sql("DELETE FROM span_text")

    def matches(self, connection: Connection, words: Sequence[str], most: int) -> list[int]:
        """Positions of spans with these words beside each other."""
        query = "SELECT rowid FROM text_index WHERE text_index MATCH ? LIMIT ?"
        return [row[0] for row in connection.exec_driver_sql(query, (_phrase(words), most))]

    def matching(self, position: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[bool]:
        """The condition that the span at ``position`` is one of them."""
        index = table("text_index", column("rowid"), column("text_index"))
        found = select(literal(1)).select_from(index).correlate_except(index)
        return found.where(index.c.text_index.op("MATCH")(_phrase(words)), index.c.rowid == position).exists()


def derived_path(rows: Path) -> Path:
    """The file of derived data that belongs to the store in ``rows``."""
    return rows.with_name(f"{rows.stem}-derived{rows.suffix}")


def _packed(words: str) -> str | bytes:
    return words if len(words) < 500 else zlib.compress(words.encode(), 1)  # below that it costs more than it saves


def _phrase(words: Sequence[str]) -> str:
    return '"' + " ".join(words) + '"'  # letters and digits only: nothing to quote
