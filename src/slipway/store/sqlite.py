"""SQLite: the store that comes with every project. WAL, synchronous=FULL; one file, blobs in a folder beside it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data import Drop
from slipway.errors import ConfigError, DataError, StoreError
from slipway.registry import register
from slipway.store import files, forks, migrate, readonly
from slipway.store.blobs import FolderBlobs
from slipway.store.session import Session

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

    from slipway.store.protocol import Store

BUSY_S = 60.0
# A span with 2 KB of input and output fills most of a page of 4 KB, the default, and leaves the rest empty: pages of 8 KB make
# the file a third smaller and halve the CPU of an insert. Bigger ones make every small commit write more.
PAGE_BYTES = 8192
_MENDS = (
    ("disk is full", "free disk space; nothing acknowledged is lost, and writing goes on by itself"),
    ("disk i/o", "check the disk and its free space; nothing acknowledged is lost"),
    ("readonly", "give this user the right to write the file and its folder"),
    ("unable to open", "check that the folder exists and that this user may write it"),
    ("locked", f"another process kept the store for {BUSY_S:.0f} s: end it, or use PostgreSQL"),
    (
        "malformed",
        "run: slipway doctor, and see docs/guides/recovery.md; slipway.store.recover copies what is readable",
    ),
    (
        "not a database",
        "run: slipway doctor, and see docs/guides/recovery.md; slipway.store.recover copies what is readable",
    ),
)


@register("store", "sqlite")
def open_sqlite(url: str) -> Store:
    """The store in the file that ``sqlite:///path`` names; made when it is not there."""
    from slipway.store.sql import SqlStore

    return SqlStore(SqliteBackend(url))


class SqliteBackend:
    """See `slipway.store.backend.Backend`."""

    def __init__(self, url: str) -> None:
        from sqlalchemy.engine import make_url

        name = make_url(url).database
        if not name or name == ":memory:" or name.startswith("file:"):
            raise ConfigError(f"{url!r} names no file", mend="write sqlite:///folder/slipway.db")
        self.url = url
        self.path = Path(name).absolute()
        self.read_only = ""
        self._session = Session(self.path)
        self.blobs = FolderBlobs(self.path.parent / "blobs")

    def engine(self) -> Engine:
        """An engine of which each connection is a new one."""
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        return create_engine(
            f"sqlite:///{self.path}",
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            creator=self.connect,
        )

    def connect(self) -> sqlite3.Connection:
        """A driver connection, set up."""
        forks.check(self.path)
        if self.read_only:
            return readonly.connect(self.path, timeout=BUSY_S)
        connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA wal_autocheckpoint=500")
        return connection

    def prepare(self, engine: Engine) -> None:
        """Create or migrate the file, one process at a time. One that this user cannot write is only looked at."""
        forks.check(self.path)
        with forks.opening(self.path):
            self._look_or_make(engine)

    def _look_or_make(self, engine: Engine) -> None:
        files.own_folder(self.path.parent)
        if self.path.exists() and self.path.stat().st_size:
            self.read_only = readonly.reason(self.path)
        if self.read_only:
            found = migrate.current(engine, self)
            if found != migrate.HEAD:
                raise StoreError(
                    f"{self.path} has schema {found}, this Slipway reads {migrate.HEAD}, and there is {self.read_only}",
                    mend="open it once as a user who may write it: slipway doctor",
                )
            return
        self._session.begin()  # before the first connection, which takes the log into the file when it closes
        self._prepare(engine)

    def _prepare(self, engine: Engine) -> None:
        from sqlalchemy.exc import DBAPIError

        if self.path.exists() and self.path.stat().st_size and migrate.current(engine, self) == migrate.HEAD:
            return
        with files.locked(files.turn_of(self.path)):
            os.close(
                files.open_own(self.path)
            )  # so that SQLite finds a file of mode 0600, and gives -wal and -shm the same
            try:
                with engine.connect() as connection:
                    connection.exec_driver_sql(f"PRAGMA page_size={PAGE_BYTES}")  # only a new file takes it
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            except DBAPIError as error:
                raise self.explain(error) from error
            migrate.upgrade(engine, self)

    def opened(self) -> list[Any]:
        """A log that went missing since the last session is kept as a Drop."""
        if not self._session.log_was_lost:
            return []
        reason = "the log was deleted after a crash: the records of its last moments are lost"
        return [Drop(f"{socket.gethostname()}:{os.getpid()}:{time.time_ns()}", "store", reason, 1, time.time_ns())]

    def closing(self) -> AbstractContextManager[None]:
        """End the session: SQLite takes the log into the file, unless somebody else still has it open."""
        return nullcontext() if self.read_only else self._session.closing()

    def after_fork(self, *, stayed_inside: bool) -> None:
        """The parent's session is not the child's; nor is, for ever, a file that the parent was inside of."""
        if stayed_inside:
            forks.out_of_reach(self.path)
        self._session.after_fork()

    def begin(self, cursor: Any) -> None:
        """Take the write lock now, so that no later statement can find it taken."""
        if self.read_only:
            raise readonly.refusal(self.path, self.read_only)
        self._session.check()
        cursor.execute("BEGIN IMMEDIATE")

    def looked(self, connection: Connection) -> None:
        """Whether the file was left alone during the read."""
        driver = connection.connection.driver_connection
        if isinstance(driver, readonly.ReadOnly):
            readonly.trusted(driver, self.path)

    def committed(self) -> None:
        """Remember that there is something in the log."""
        self._session.committed()

    def explain(self, error: BaseException) -> StoreError:
        """The error in words."""
        text = str(getattr(error, "orig", None) or error)
        for words, mend in _MENDS:
            if words in text.lower():
                return StoreError(f"{self.path}: {text}", mend=mend)
        return StoreError(f"{self.path}: {text}", mend="run: slipway doctor")

    def among(self, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """``column IN values`` as one parameter, since SQLite takes at most 32,766."""
        from sqlalchemy import func, select

        each = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(each.c.value))

    def is_error(self, error: BaseException) -> bool:
        """Whether it comes from the driver."""
        return isinstance(error, sqlite3.Error)

    def own_fault(self, error: BaseException) -> bool:
        """Whether rows were to blame."""
        error = getattr(error, "orig", None) or error
        return isinstance(
            error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.InterfaceError | OverflowError | DataError
        ) or (isinstance(error, sqlite3.ProgrammingError) and "binding" in str(error))

    def size_bytes(self, connection: Connection) -> int:
        """The file, its log and its index."""
        names = [self.path, *(self.path.with_name(self.path.name + suffix) for suffix in ("-wal", "-shm"))]
        return sum(name.stat().st_size for name in names if name.exists())

    def problems(self, connection: Connection, *, deep: bool) -> list[str]:
        """What SQLite's own check finds."""
        from sqlalchemy.exc import DatabaseError

        if not deep:
            return []
        found: list[str] = []
        try:
            for row in connection.exec_driver_sql("PRAGMA integrity_check").all():
                found += str(row[0]).splitlines()
        except DatabaseError as error:  # damaged beyond what the check itself survives
            found = [str(self.explain(error))]
        return [] if found == ["ok"] else [f"{self.path}: {line}" for line in found]
