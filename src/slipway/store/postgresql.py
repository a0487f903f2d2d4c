"""PostgreSQL: the store that a team shares. Needs the extra ``slipway[postgres]`` (psycopg 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from slipway.errors import MissingExtra, StoreError
from slipway.registry import register
from slipway.store.blobs import TableBlobs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

    from slipway.store.protocol import Store

# One writer at a time, as in SQLite: positions then grow in the order of commits, so that nobody who pages by position misses
# a row that commits late, and no two writers deadlock on the rows they both update. Group commit keeps it cheap.
WRITE_LOCK = 0x51195A1
_MENDS = (
    ("does not exist", "create the database, or correct the URL"),
    ("password", "correct the user or password of the URL"),
    ("connection", "check that the server runs and that the URL names it"),
    ("no space", "free disk space on the server; nothing acknowledged is lost"),
    ("permission", "GRANT this user the right to create and write tables"),
    ("read-only", "connect to the primary server, not to a replica"),
)


@register("store", "postgresql")
def open_postgresql(url: str) -> Store:
    """The store in the database that ``postgresql://user@host/database`` names; its tables are made when they are not there."""
    from slipway.store.sql import SqlStore

    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise MissingExtra.named("postgres", "psycopg") from error
    return SqlStore(PostgresqlBackend(url))


class PostgresqlBackend:
    """See `slipway.store.backend.Backend`."""

    read_only = ""

    def __init__(self, url: str) -> None:
        from sqlalchemy.engine import make_url

        self._address = make_url(url).set(drivername="postgresql+psycopg")
        self.url = make_url(url).render_as_string(hide_password=True)
        self.blobs = TableBlobs(self._connected)
        self._latest: Engine | None = None

    def engine(self) -> Engine:
        """An engine of which each connection is a new one."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        self._latest = create_engine(
            self._address,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            paramstyle="format",
            use_insertmanyvalues=False,
        )
        return self._latest

    def prepare(self, engine: Engine) -> None:
        """Create or migrate the schema; the write lock keeps other processes out meanwhile."""
        from slipway.store import migrate

        if migrate.current(engine, self) != migrate.HEAD:
            migrate.upgrade(engine, self)

    def opened(self) -> list[Any]:
        """Nothing to look after: the server does."""
        return []

    def closing(self) -> AbstractContextManager[None]:
        """Nothing to do."""
        return nullcontext()

    def after_fork(self, *, stayed_inside: bool) -> None:
        """Nothing to do: a child opens connections of its own."""

    def looked(self, connection: Connection) -> None:
        """Nothing to do: what a user may not write the server refuses."""

    def committed(self) -> None:
        """Nothing to do."""

    def begin(self, cursor: Any) -> None:
        """Begin, and take the write lock until the end of the transaction."""
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")

    def explain(self, error: BaseException) -> StoreError:
        """The error in words."""
        text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        for words, mend in _MENDS:
            if words in text.lower():
                return StoreError(f"{self.url}: {text}", mend=mend)
        return StoreError(f"{self.url}: {text}", mend="see the log of the PostgreSQL server")

    def among(self, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """``column IN values`` as one array."""
        from sqlalchemy import any_, literal
        from sqlalchemy.dialects.postgresql import ARRAY

        return column == any_(literal(list(values), ARRAY(column.type)))

    def is_error(self, error: BaseException) -> bool:
        """Whether it comes from the driver."""
        import psycopg

        return isinstance(error, psycopg.Error)

    def own_fault(self, error: BaseException) -> bool:
        """Whether rows were to blame."""
        import psycopg

        # A key that is too long for an index is a limit of the program to it, and of the row to us.
        ours = psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError, psycopg.errors.ProgramLimitExceeded
        return isinstance(error, ours)

    def size_bytes(self, connection: Connection) -> int:
        """The database, as the server counts it."""
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())

    def problems(self, connection: Connection, *, deep: bool) -> list[str]:
        """What this user can see: whether commits are synced, and whether the server checks its pages."""
        found = []
        for setting, bad, why in (
            ("fsync", "off", "a power cut can destroy the database"),
            ("full_page_writes", "off", "a power cut can destroy pages"),
            ("synchronous_commit", "off", "acknowledged records can be lost when the server dies"),
        ):
            value = connection.exec_driver_sql(f"SHOW {setting}").scalar_one()
            if value == bad:
                found.append(f"{self.url}: {setting} is {value}: {why}")
        return found

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        from sqlalchemy.exc import DBAPIError

        engine = self._latest or self.engine()
        try:
            with engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise self.explain(error) from error
