"""The SQL store: records in SQLite or PostgreSQL. Start with `SqlStore.submit` to follow a write, `find` to follow a read."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import bindparam, desc
from sqlalchemy.exc import DBAPIError

from slipway.data import MetricPoint, Span
from slipway.errors import DataError, StoreError
from slipway.store import metrics, paging, queries
from slipway.store.catalogue import Catalogue
from slipway.store.gate import Gate
from slipway.store.health import examine
from slipway.store.inserts import Inserts
from slipway.store.kinds import kind_of
from slipway.store.protocol import Health, LastValue, Where
from slipway.store.rows import rows_of
from slipway.store.writer import Work, Writer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.backend import Backend

R = TypeVar("R")
AT_EXIT_S = 10.0


class SqlStore:
    """See `slipway.store.protocol.Store`. Safe to share between threads, and to use in a forked child."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.url = backend.url
        self._engine = backend.engine()
        backend.prepare(self._engine)
        self._inserts = Inserts(self._engine.dialect)
        self._gets: dict[type[Any], str] = {}
        self._catalogue = Catalogue(backend)
        self._abandoned: list[Any] = []
        self._begin_afresh()
        _look_after(weakref.ref(self))
        amiss = backend.opened()
        if amiss:
            self.write(amiss)

    @property
    def read_only(self) -> str:
        """Why nothing can be written, "" when it can."""
        return self.backend.read_only

    def _begin_afresh(self) -> None:
        self._stayed_inside = False
        self._closed = self._closing = False
        self._gate = Gate()
        self._readers: list[Connection] = []
        self._writing: Connection | None = None
        self._writer: Writer[Work] = Writer(self._commit)

    def _before_fork(self) -> None:
        # SQLite counts its locks by file, and the count would reach the child, the locks would not: the child's own
        # connections would believe themselves locked, and our last close would delete the log that they write to. So
        # nothing is open while the process forks; who needs a connection afterwards opens one.
        self._stayed_inside = not self._gate.shut()
        if not self._stayed_inside:
            with suppress(StoreError):  # where the disk fails the fork is not to blame
                self._close_connections()

    def _after_fork(self) -> None:
        # Where a thread stayed inside, its connections must neither be used nor closed here: they are the parent's own.
        self._abandoned.append((self._engine, self._readers, self._writing, self._writer))
        self._engine = self.backend.engine()
        closed = self._closed
        self.backend.after_fork(stayed_inside=self._stayed_inside)
        self._inserts.forget()
        self._begin_afresh()
        self._closed = closed

    # -- writing

    def write(self, records: Sequence[Any]) -> int:
        """Store records, synced on return; how many were new."""
        return self.submit(records).result()

    def submit(self, records: Sequence[Any]) -> Future[int]:
        """Store records in the background. Raises `DataError` at once for a record that cannot be kept.

        A bare tuple among them is the row of a `Span` that the caller has checked (`slipway.track.spanrow`).
        """
        work: Work = {}
        for record in records:
            rows = work.get(record.__class__)
            if rows is None:
                rows = work[record.__class__] = []
            rows.append(record)
        for kind, found in work.items():
            if kind is MetricPoint:
                work[kind] = metrics.rows(found)  # type: ignore[arg-type]
            elif kind is not tuple:
                work[kind] = list(map(rows_of(kind).row, found))
        if tuple in work:
            work.setdefault(Span, []).extend(work.pop(tuple))
        if not records:
            done: Future[int] = Future()
            done.set_result(0)
            return done
        return self._writer.submit(work, len(records))

    submit.takes_rows = True  # type: ignore[attr-defined]

    def _commit(self, works: Sequence[Work]) -> list[int | BaseException]:
        try:
            with self._gate:
                return self._transaction(works)
        except Exception as error:
            self._discard_writing()
            if not self.backend.own_fault(error):
                failure: BaseException = error if isinstance(error, StoreError) else self.backend.explain(error)
                failure.__cause__ = error
                return [failure] * len(works)
            if len(works) == 1:
                return [DataError(f"the database refuses a record: {error}", mend="correct the record")]
        # One of them has a record that the database refuses; the others must not suffer for it.
        return [self._commit([work])[0] for work in works]

    def _transaction(self, works: Sequence[Work]) -> list[int | BaseException]:
        if self._writing is None:
            self._writing = self._connect()
        driver = self._writing.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        self.backend.begin(cursor)
        total = sum(len(rows) for work in works for rows in work.values())
        new = self._inserts.run(cursor, works)
        if len(works) == 1:
            counts = [new]
        elif new == total:
            counts = [sum(map(len, work.values())) for work in works]
        else:  # some were there already: find out whose
            # Not a savepoint: SQLite would copy every page before its first change in every transaction, for this rare case.
            cursor.execute("ROLLBACK")
            self._inserts.forget()
            self.backend.begin(cursor)
            counts = [self._inserts.run(cursor, [work]) for work in works]
        driver.commit()
        cursor.close()
        self.backend.committed()
        self._inserts.committed()
        return list(counts)

    def _discard_writing(self) -> None:
        self._inserts.forget()
        with self._gate:
            self._close_connections()  # after an error nothing is kept that may hold a file or session that is gone

    def _close_connections(self) -> None:
        try:
            with self.backend.closing():
                self._close_each()
        finally:
            self._close_each()  # where the disk fails too

    def _close_each(self) -> None:
        connection, self._writing = self._writing, None
        if connection is not None:
            _close(connection)
        while self._readers:
            _close(self._readers.pop())

    # -- reading

    def get(self, kind: type[R], *key: Any) -> R | None:
        """The record with that key, or None."""
        wanted = kind_of(kind)
        if len(key) != len(wanted.key):
            raise DataError(f"{kind.__name__} has the key ({', '.join(wanted.key)})", mend="give all of it")
        bound = [queries.bound(wanted.column(name), value, name) for name, value in zip(wanted.key, key, strict=True)]
        with self.reading() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            row = driver.cursor().execute(self._get_sql(kind), bound).fetchone()
        return None if row is None else rows_of(kind).record(row)

    def _get_sql(self, kind: type[Any]) -> str:
        text = self._gets.get(kind)
        if text is None:
            table = queries.source(kind)
            query = queries.columns(kind, rows_of(kind).names)
            for name in kind_of(kind).key:
                query = query.where(table.c[name] == bindparam(f"key_{name}"))
            text = str(query.order_by(desc(table.c.position)).compile(dialect=self._engine.dialect))
            self._gets[kind] = text
        return text

    def find(
        self,
        kind: type[R],
        where: Where | None = None,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        after: int | None = None,
    ) -> Iterator[R]:
        """Records in the order of arrival."""
        rows = rows_of(kind)
        pages = self._pages(kind, rows.names, where, newest_first, limit, after)
        return (rows.record(row[:-1]) for page in pages for row in page)

    def columns(
        self,
        kind: type[Any],
        names: Sequence[str],
        where: Where | None = None,
        *,
        newest_first: bool = False,
        limit: int | None = None,
        after: int | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        """Some fields of the records, as tuples."""
        rows = rows_of(kind)
        pages = self._pages(kind, names, where, newest_first, limit, after)
        return paging.fields(rows, names, pages)

    def _pages(
        self,
        kind: type[Any],
        names: Sequence[str],
        where: Where | None,
        newest_first: bool,
        limit: int | None,
        after: int | None,
    ) -> Iterator[Sequence[Any]]:
        position = queries.source(kind).c.position
        query = queries.columns(kind, names).add_columns(position.label("at_position"))
        condition = queries.conditions(kind, where)
        if condition is not None:
            query = query.where(condition)
        query = query.order_by(desc(position) if newest_first else position)
        return self._paged(query, position, newest_first, limit, after)

    def _paged(
        self, query: Any, position: Any, newest_first: bool, limit: int | None, after: int | None
    ) -> Iterator[Sequence[Any]]:
        left, most = limit, paging.FIRST
        while left is None or left > 0:
            size = most if left is None else min(most, left)
            page = query if after is None else query.where(position < after if newest_first else position > after)
            with self.reading() as connection, connection.execute(page.limit(size)) as result:
                found, length = paging.page(result)
            if found:
                yield found
            if len(found) < size and length < paging.MOST_BYTES:
                return
            after = found[-1][-1]
            left = None if left is None else left - len(found)
            most = max(1, min(paging.MOST, len(found) * paging.MOST_BYTES // max(length, 1)))

    def count(self, kind: type[Any], where: Where | None = None) -> int:
        """How many records satisfy ``where``."""
        with self.reading() as connection:
            return int(connection.execute(queries.counted(kind, where)).scalar_one())

    # -- blobs

    def put_blob(self, data: bytes) -> str:
        """Keep bytes durably; returns their digest."""
        return self.backend.blobs.put(data)

    def get_blob(self, digest: str) -> bytes:
        """The bytes, verified."""
        return self.backend.blobs.get(digest)

    # -- metrics

    def metric_names(
        self,
        pattern: str,
        *,
        runs: Sequence[str] | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[str]:
        """Metric names that ``pattern`` finds, sorted."""
        with self.reading() as connection:
            return self._catalogue.names(connection, pattern, runs, project)[:limit]

    def last_values(
        self,
        pattern: str,
        *,
        runs: Sequence[str] | None = None,
        limit: int | None = None,
        project: str | None = None,
    ) -> list[LastValue]:
        """The newest value of every metric found in every run, by name and run."""
        with self.reading() as connection:
            return self._catalogue.last_values(connection, pattern, runs, project, limit)

    # -- health

    def health(self, *, deep: bool = False) -> Health:
        """Counts and problems."""
        return examine(self, deep=deep)

    # -- connections

    def _connect(self) -> Connection:
        return self._engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in autocommit mode for a while; driver errors inside become `StoreError`."""
        if self._closed:
            raise StoreError("the store is closed", mend="open it again with slipway.store.open_store(url)")
        connection = None
        try:
            with self._gate:  # out of it no connection is in anybody's hands, so that a fork can close them all
                try:
                    connection = self._reader()
                    yield connection
                    if self.backend.read_only:
                        self.backend.looked(connection)
                except BaseException:
                    if connection is not None:
                        _close(connection)
                    raise
                if self.backend.read_only:
                    _close(connection)
                else:
                    self._readers.append(connection)
        except Exception as error:
            if isinstance(error, DBAPIError) or self.backend.is_error(error):
                raise self.backend.explain(error) from error
            raise

    def _reader(self) -> Connection:
        try:
            return self._readers.pop()
        except IndexError:
            return self._connect()

    def close(self, *, patience: float | None = None) -> None:
        """Commit what was submitted and release the files. Closing again does nothing. ``patience``: the seconds without any
        progress after which what waits for a locked database is left."""
        if self._closed or self._closing:
            return
        self._closing = True  # whoever asks again, the interpreter's end for instance, does not wait for the first
        whole = self._writer.close(patience)
        self._closed = True
        if whole:  # else the thread still holds the connection
            self._discard_writing()


def _close(connection: Connection) -> None:
    try:
        connection.close()
    except Exception:  # it is of no use any more, and what broke it is being reported
        connection.invalidate()


def _look_after(reference: weakref.ref[SqlStore]) -> None:
    """Close the store when the interpreter ends, and keep it whole through forks. Does not keep it alive."""

    def told(what: Callable[[SqlStore], None]) -> Callable[[], None]:
        def tell() -> None:
            store = reference()
            if store is not None:
                what(store)

        return tell

    atexit.register(told(lambda store: store.close(patience=AT_EXIT_S)))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=told(lambda store: store._before_fork()),
            after_in_parent=told(lambda store: store._gate.open()),
            after_in_child=told(lambda store: store._after_fork()),
        )
