"""Retention: delete traces that are old, or the oldest of a store that is too large, a few at a time.

A trace goes as a whole: its spans, log records, feedback, what it is searched by, and payloads that nothing else names. What
rollups counted of it stays. Kept longer are traces with feedback, with an error, of an eval run, or from which an example was
made. The newest row always stays: positions must never be given twice, since the indexer follows them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, select

from slipway.data import DatasetVersion, Feedback, LogRecord, Span
from slipway.errors import StoreError
from slipway.store.blobs import FolderBlobs
from slipway.store.derived.tables import state
from slipway.store.occupied import Occupied
from slipway.store.tables import tables

if TYPE_CHECKING:
    from slipway.store.derived import Builder, Derived

TRACES = 50  # of one transaction: a few milliseconds in which no batch is committed
LOOKED = 2000  # spans that are looked at to find the next traces
DAY_NS = 86_400 * 10**9
_spans, _logs, _feedback = (tables[kind].c for kind in (Span, LogRecord, Feedback))
_BLOB = re.compile(r'"\$blob": ?"([0-9a-f]{64})"')
_TRACE = re.compile(rb'"trace_id": ?"([0-9a-f]{32})"')


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept: see ``[server.retention]``. 0: without limit."""

    days: float = 0
    max_bytes: int = 0
    keep_days: float = 0


@dataclass(slots=True)
class Pruned:
    """What was deleted, or would be."""

    traces: int = 0
    spans: int = 0
    log_records: int = 0
    blobs: int = 0
    kept: int = 0  # traces that are old and stay for what they are
    _blobs: set[str] = field(default_factory=set)


class Retention:
    """Deletes from the store of ``derived``. ``pause`` is called between transactions, and says whether to go on."""

    def __init__(
        self,
        derived: Derived,
        builder: Builder,
        limits: Limits,
        *,
        clock: Callable[[], int] = time.time_ns,
        pause: Callable[[float], bool] = lambda seconds: True,
    ) -> None:
        self._derived, self._builder, self._limits = derived, builder, limits
        self._clock, self._pause = clock, pause
        self._linked: dict[str, set[str]] = {}
        self._engine = derived.store.backend.engine()

    @property
    def on(self) -> bool:
        """Whether anything is ever deleted."""
        return self._limits.days > 0 or self._limits.max_bytes > 0

    def run(self, *, dry_run: bool = False) -> Pruned:
        """Delete all that is due. Killed at any instant it has deleted whole traces only. Raises `StoreError`."""
        done, now, limits = Pruned(), self._clock(), self._limits
        linked = self._dataset_traces()
        with closing(self._engine.connect()) as connection:
            try:
                if limits.days > 0:
                    cutoff = now - int(limits.days * DAY_NS)
                    self._traces(connection, cutoff, linked, done, dry_run, lambda: False)
                    self._loose_logs(connection, cutoff, done, dry_run)
                if limits.max_bytes > 0:
                    self._traces(connection, now, linked, done, dry_run, self._enough(connection, done, dry_run))
            except Exception as error:
                if self._derived.store.backend.is_error(getattr(error, "orig", error)):
                    raise self._derived.store.backend.explain(error) from error
                raise
        if not dry_run:
            done.blobs = self._orphans(done._blobs)
        return done

    # -- which

    def _traces(
        self,
        connection: Connection,
        cutoff: int,
        linked: set[str],
        done: Pruned,
        dry_run: bool,
        enough: Callable[[], bool],
    ) -> None:
        after = (-1, -1)
        seen: set[str] = set()
        while not enough():
            at, position = after
            behind = (_spans.started_ns > at) | ((_spans.started_ns == at) & (_spans.position > position))
            query = select(_spans.started_ns, _spans.position, _spans.trace_id).where(
                behind, _spans.started_ns < cutoff
            )
            rows = connection.execute(query.order_by(_spans.started_ns, _spans.position).limit(LOOKED)).all()
            if not rows:
                return
            after = (rows[-1][0], rows[-1][1])
            ids = [each for each in dict.fromkeys(row[2] for row in rows) if each not in seen]
            seen.update(ids)
            for start in range(0, len(ids), TRACES):
                begun = time.monotonic()
                self._some(connection, ids[start : start + TRACES], cutoff, linked, done, dry_run)
                if enough() or not self._pause(time.monotonic() - begun):
                    return

    def _some(
        self, connection: Connection, ids: Sequence[str], cutoff: int, linked: set[str], done: Pruned, dry_run: bool
    ) -> None:
        due = self._due(connection, ids, cutoff)
        spared = self._spared(connection, due, linked)
        done.kept += len(spared)
        due = [each for each in due if each not in spared]
        done.traces += len(due)
        if dry_run:
            query = select(func.count()).select_from(tables[Span]).where(self._among(_spans.trace_id, due))
            done.spans += connection.execute(query).scalar_one()
        elif due:
            self._builder.forget(due)  # first: else a kill between the two would leave what leads nowhere
            self._delete(connection, due, done)

    def _due(self, connection: Connection, ids: Sequence[str], cutoff: int) -> list[str]:
        """Those of which every span is old and was derived, and none is the newest row."""
        last, at = func.max(_spans.started_ns), func.max(_spans.position)
        query = select(_spans.trace_id, last, at).where(self._among(_spans.trace_id, ids)).group_by(_spans.trace_id)
        with self._derived.reading() as reader:
            reached = reader.execute(select(state.c.position).where(state.c.source == "spans")).scalar() or 0
        newest = connection.execute(select(func.max(_spans.position))).scalar() or 0
        found = connection.execute(query).all()
        return [row[0] for row in found if row[1] < cutoff and row[2] <= reached and row[2] < newest]

    def _spared(self, connection: Connection, ids: Sequence[str], linked: set[str]) -> set[str]:
        query = select(_feedback.trace_id).where(self._among(_feedback.trace_id, ids))
        spared = set(connection.execute(query).scalars()) | linked.intersection(ids)
        for marked in (_spans.status == "error", _spans.run_id.is_not(None)):
            found = select(_spans.trace_id).where(self._among(_spans.trace_id, ids), marked).distinct()
            spared |= set(connection.execute(found).scalars())
        if not spared or self._limits.keep_days <= 0:
            return spared
        return spared - set(self._due(connection, list(spared), self._clock() - int(self._limits.keep_days * DAY_NS)))

    def _dataset_traces(self) -> set[str]:
        """Traces that examples were made of. Sealed rows cannot be read; they hold what they need themselves."""
        store = self._derived.store
        for name, blob, sealed in store.columns(DatasetVersion, ["id", "rows_blob", "sealed"]):
            if name not in self._linked and not sealed:
                with suppress(StoreError):
                    self._linked[name] = {found.decode() for found in _TRACE.findall(store.get_blob(blob))}
        return set().union(*self._linked.values())

    def _enough(self, connection: Connection, done: Pruned, dry_run: bool) -> Callable[[], bool]:
        """Whether what is left is no more than it may be, whenever it is asked."""
        most = self._limits.max_bytes
        occupied, before = Occupied(connection, most), replace(done)

        def enough() -> bool:
            if dry_run:
                return occupied.without(done.spans, done.log_records) <= most
            return occupied.now(done.spans - before.spans, done.log_records - before.log_records) <= most

        return enough

    # -- deleting

    def _delete(self, connection: Connection, ids: Sequence[str], done: Pruned) -> None:
        def work() -> None:
            payloads = select(_spans.input, _spans.output).where(self._among(_spans.trace_id, ids))
            for row in connection.execute(payloads):
                for value in row:
                    if value and '"$blob"' in value:
                        done._blobs.update(_BLOB.findall(value))
            newest = connection.execute(select(func.max(_logs.position))).scalar() or 0
            of_logs = delete(tables[LogRecord]).where(self._among(_logs.trace_id, ids), _logs.position < newest)
            done.log_records += connection.execute(of_logs).rowcount
            connection.execute(delete(tables[Feedback]).where(self._among(_feedback.trace_id, ids)))
            done.spans += connection.execute(delete(tables[Span]).where(self._among(_spans.trace_id, ids))).rowcount

        self._transaction(connection, work)

    def _loose_logs(self, connection: Connection, cutoff: int, done: Pruned, dry_run: bool) -> None:
        """Log records that belong to no trace."""
        newest = connection.execute(select(func.max(_logs.position))).scalar() or 0
        at = 0
        while True:
            loose = (_logs.position > at, _logs.position < newest, _logs.trace_id.is_(None), _logs.time_ns < cutoff)
            found = select(_logs.position).where(*loose).order_by(_logs.position).limit(LOOKED)
            positions = list(connection.execute(found).scalars())
            if not positions:
                return
            at = positions[-1]
            done.log_records += len(positions)
            begun = time.monotonic()
            if not dry_run:
                gone = delete(tables[LogRecord]).where(self._among(_logs.position, positions))
                self._transaction(connection, lambda gone=gone: connection.execute(gone))  # type: ignore[misc]
            if not self._pause(time.monotonic() - begun):
                return

    def _transaction(self, connection: Connection, work: Callable[[], Any]) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        self._derived.store.backend.begin(driver.cursor())
        try:
            work()
            driver.commit()
        except BaseException:
            driver.rollback()
            raise

    def _among(self, column: Any, values: Sequence[Any]) -> Any:
        return self._derived.among(column, values)

    def _orphans(self, digests: set[str]) -> int:
        """Delete payloads of deleted spans that no other row names; how many. In PostgreSQL they stay."""
        blobs = self._derived.store.backend.blobs
        if not digests or not isinstance(blobs, FolderBlobs):
            return 0
        old = {name for name in digests if blobs.is_settled(name)}
        with closing(self._engine.connect()) as connection:
            for table in tables.values():
                for column in table.columns:
                    if old and str(column.type) in ("TEXT", "VARCHAR"):
                        old -= _named(connection, column, old)
        return sum(blobs.remove(name) for name in old)


def _named(connection: Connection, column: Any, digests: set[str]) -> set[str]:
    if column.name == "id" or column.name.endswith(("_id", "name")):
        return set()
    exact = select(column).where(
        column.in_(select(func.json_each(json.dumps(sorted(digests))).table_valued("value").c.value))
    )
    found = set(connection.execute(exact).scalars()) if column.name.endswith("_blob") else set()
    if not column.name.endswith("_blob"):
        inside = select(column).where(column.contains('"$blob"'))
        for text in connection.execute(inside.execution_options(yield_per=500)).scalars():
            found |= digests.intersection(_BLOB.findall(text))
    return found
