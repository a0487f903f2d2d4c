"""PostgreSQL: derived data among the other tables, with a GIN index of word vectors for the full text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Connection, column, literal, select, table
from sqlalchemy.exc import DBAPIError

from slipway.store.derived.tables import VERSION, metadata, version

if TYPE_CHECKING:
    from slipway.store.backend import Backend

# Servers on several machines may share the database: they take turns, and each goes on where the other stopped.
BUILD_LOCK = 0x51195A2
_TEXT = (
    "CREATE TABLE span_text (position BIGINT PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX span_text_words ON span_text USING gin (words)",
)
MOST_POSITIONS = 16_383  # a word vector counts no further


class PostgresqlPlace:
    """See `slipway.store.derived.database.Place`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._engine = backend.engine()

    def prepare(self) -> None:
        """Make the tables, or drop those of another version and make them again."""
        try:
            with self._engine.connect() as connection:
                if self._current(connection):
                    return
                self.begin(connection)
                if not self._current(connection):
                    connection.exec_driver_sql("DROP TABLE IF EXISTS span_text")
                    metadata.drop_all(connection)
                    metadata.create_all(connection)
                    for statement in _TEXT:
                        connection.exec_driver_sql(statement)
                    connection.execute(version.insert().values(version=VERSION))
                connection.exec_driver_sql("COMMIT")
        except DBAPIError as error:
            raise self._backend.explain(error) from error

    def _current(self, connection: Connection) -> bool:
        there = connection.exec_driver_sql("SELECT to_regclass('derived_version')").scalar_one()
        return there is not None and connection.execute(version.select()).all() == [(VERSION,)]

    def reader(self) -> Connection:
        """A connection that sees everything."""
        return self._engine.connect()

    def writer(self) -> Connection:
        """A connection that writes. What it does can be derived again, so it waits for no disk."""
        connection = self._engine.connect()
        connection.exec_driver_sql("SET synchronous_commit = off")
        return connection

    def begin(self, connection: Connection) -> None:
        """Begin, waiting for another writer. The rows' writers have a lock of their own."""
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({BUILD_LOCK})")

    def add_text(self, connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
        """Index the text of spans."""
        if rows:
            query = "INSERT INTO span_text (position, words) VALUES (%s, %s::tsvector)"
            connection.exec_driver_sql(query, [(position, _vector(words)) for position, words in rows])

    def drop_text(self, connection: Connection, positions: Sequence[int]) -> None:
        """Take it from the index."""
        if positions:
            connection.exec_driver_sql("DELETE FROM span_text WHERE position = ANY(%s)", (list(positions),))

    def drop_all_text(self, connection: Connection) -> None:
        """Empty the index."""
        connection.exec_driver_sql("TRUNCATE span_text")

    def matches(self, connection: Connection, words: Sequence[str], most: int) -> list[int]:
        """Positions of spans with these words beside each other."""
        query = "SELECT position FROM span_text WHERE words @@ %s::tsquery LIMIT %s"
        return [row[0] for row in connection.exec_driver_sql(query, (_phrase(words), most))]

    def matching(self, position: ColumnElement[Any], words: Sequence[str]) -> ColumnElement[bool]:
        """The condition that the span at ``position`` is one of them."""
        from sqlalchemy.dialects.postgresql import TSQUERY

        index = table("span_text", column("position", BigInteger), column("words"))
        found = select(literal(1)).select_from(index).correlate_except(index)
        phrase = literal(_phrase(words)).cast(TSQUERY)
        return found.where(index.c.words.op("@@")(phrase), index.c.position == position).exists()


def _vector(words: str) -> str:
    # Made here and not by to_tsvector, which has its own idea of what a word is: an address, a version, a path.
    each = enumerate(words.split()[:MOST_POSITIONS], 1)
    return " ".join(f"'{word}':{number}" for number, word in each)


def _phrase(words: Sequence[str]) -> str:
    return " <-> ".join(f"'{word}'" for word in words)  # letters and digits only: nothing to quote
