"""Builder: follows the rows by position and derives them, each batch in one transaction with the position it reached.

Positions grow in the order of commits on both databases (PostgreSQL's writers take turns, see `slipway.store.postgresql`), so
that nothing can appear behind a position that was passed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.exc import DBAPIError, ProgrammingError

from slipway.data import LogRecord, Span
from slipway.errors import StoreError
from slipway.store.derived import rollups, summing
from slipway.store.derived.facts import Derive, Facts
from slipway.store.derived.tables import rollups as rollup_table
from slipway.store.derived.tables import span_facts, state, traces
from slipway.store.derived.words import spaced
from slipway.store.rows import plain, rows_of, safe
from slipway.store.tables import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

log = logging.getLogger("slipway.store")
BATCH = 500
MOST_BYTES = 4 << 20  # of the rows of a batch: spans may be of megabytes
# Rows that are asked for, and spans that are derived, at once: PostgreSQL's driver takes all of an answer before it gives any.
AT_ONCE = 100
MOST_WORDS = 4000  # of one span
_spans, _logs = tables[Span], tables[LogRecord]
# Characters of what is in an index: PostgreSQL's takes 2,704 bytes, and a character may be four.
LONGEST = {"parent_id": 64, "session_id": 512, "kind": 50}
_FIELDS = [_spans.c[name] for name in rows_of(Span).names]
Found = list[tuple[int, Span]]
Work = Callable[["Connection", Any], None]


class Builder:
    """Builds ``derived``. Two at once are safe, and of no use."""

    def __init__(self, derived: Derived, derive: Derive, *, batch: int = BATCH) -> None:
        self.derived, self._derive, self._batch = derived, derive, batch
        self.pause: Callable[[], None] = lambda: None
        """Called between parts of a batch, to leave the interpreter to others for a while. No read is open then; the transaction
        that writes derived data is."""
        self.reached = 0
        """The position of the last span that was derived here."""

    def step(self) -> int:
        """Derive the next batch; how many spans and late log records it had. 0: everything is derived. A kill at any instant
        loses and repeats nothing. Raises `StoreError`."""
        try:
            return self._step(self._add, self._again)
        except StoreError as error:
            if not self._refused(error.__cause__):
                raise
        # One span must not keep all others from being found for ever: once more, without what the database refuses.
        return self._step(*(self._without(each) for each in (self._add, self._again)))

    def _step(self, add: Work, again: Work) -> int:
        with self.derived.writing() as connection:
            at, key = self._reached(connection, "spans")
            found = self._after(at)
            if at and self._replaced(found, at, key):
                self._empty(connection)
                at, found = 0, self._after(0)
            found = [pair for pair in found if pair[0] > at]
            if found:
                add(connection, found)
                self._reach(connection, "spans", found[-1][0], _key(found[-1][1]))
            done = len(found) + self._late(connection, again)
        self.reached = found[-1][0] if found else at
        return done

    def _refused(self, error: BaseException | None) -> bool:
        # A table that is gone is nobody's row's fault.
        if not isinstance(error, DBAPIError) or isinstance(error, ProgrammingError) or error.orig is None:
            return False
        return self.derived.store.backend.own_fault(error.orig)

    def _without(self, work: Work) -> Work:
        """``work`` on as many of its spans as the database takes."""

        def done(connection: Connection, found: Any) -> None:
            connection.exec_driver_sql("SAVEPOINT those")
            try:
                work(connection, found)
            except DBAPIError as error:
                if not self._refused(error):
                    raise
                connection.exec_driver_sql("ROLLBACK TO SAVEPOINT those")
                each, half = list(found), len(found) // 2
                if not half:
                    log.error("a span cannot be searched: %s", self.derived.store.backend.explain(error).args[0])
                for part in (each[:half], each[half:]) if half else ():
                    done(connection, type(found)(part))
            connection.exec_driver_sql("RELEASE SAVEPOINT those")

        return done

    def _late(self, connection: Connection, again: Work) -> int:
        """Derive spans again that log records came for. Those that were there before their span were seen with it."""
        at, _ = self._reached(connection, "logs")
        query = select(_logs.c.position, _logs.c.trace_id, _logs.c.span_id).where(_logs.c.position > at)
        with self.derived.reading() as reader:
            rows = reader.execute(query.order_by(_logs.c.position).limit(self._batch)).all()
        if rows:
            keys = {(trace_id, span_id) for _, trace_id, span_id in rows if trace_id and span_id}
            if keys:
                again(connection, keys)
            self._reach(connection, "logs", rows[-1][0], "")
        return len(rows)

    def catch_up(self) -> int:
        """Derive everything there is; how many spans that were."""
        total = 0
        while done := self.step():
            total += done
        return total

    def again(self, keys: Sequence[tuple[str, str]]) -> None:
        """Derive spans, (trace_id, span_id), again: for instance a log record came that tells more. What they counted for is
        taken back first. Those that are not derived yet are left to `step`."""
        with self.derived.writing() as connection:
            for start in range(0, len(keys), self._batch):
                self._again(connection, set(keys[start : start + self._batch]))

    def forget(self, trace_ids: Sequence[str]) -> None:
        """Traces whose rows are deleted can no longer be found. Rollups keep what they counted."""
        with self.derived.writing() as connection:
            for table in (span_facts, traces):
                among = self.derived.among(table.c.trace_id, trace_ids)
                if table is span_facts:
                    positions = connection.execute(select(table.c.position).where(among)).scalars().all()
                    self.derived.place.drop_text(connection, positions)
                connection.execute(delete(table).where(among))

    def rebuild(self) -> None:
        """Empty everything, so that the next steps derive it from the first row on."""
        with self.derived.writing() as connection:
            self._empty(connection)

    def _empty(self, connection: Connection) -> None:
        for table in (span_facts, traces, rollup_table, state):
            connection.execute(delete(table))
        self.derived.place.drop_all_text(connection)

    def _reached(self, connection: Connection, source: str) -> tuple[int, str]:
        row = connection.execute(select(state.c.position, state.c.key).where(state.c.source == source)).first()
        return (0, "") if row is None else (row[0], row[1])

    def _reach(self, connection: Connection, source: str, position: int, key: str) -> None:
        values = {"position": position, "key": key}
        if not connection.execute(state.update().where(state.c.source == source).values(**values)).rowcount:
            connection.execute(state.insert().values(source=source, **values))

    def _after(self, at: int) -> Found:
        """The row at a position, when it is there, and those behind it."""
        found: Found = []
        size, most = 0, self._batch + 1
        with self.derived.reading() as connection:
            while len(found) < most and size < MOST_BYTES:
                wanted = min(most - len(found), AT_ONCE)
                query = select(_spans.c.position, *_FIELDS).where(_spans.c.position >= at).order_by(_spans.c.position)
                with closing(connection.execute(query.limit(wanted))) as rows:
                    for row in rows:
                        found.append(_record(row))
                        at = row[0] + 1
                        size += sum([len(value) for value in row if isinstance(value, str)])
                        wanted -= 1
                        if size >= MOST_BYTES and len(found) > 1:
                            break
                if wanted:
                    break
                self.pause()
        return found

    def _replaced(self, found: Found, at: int, key: str) -> bool:
        """Whether the rows are no longer those that were followed: the store was restored, or emptied and filled again."""
        if found:
            return found[0][0] == at and _key(found[0][1]) != key
        with self.derived.reading() as connection:
            last = connection.execute(select(func.max(_spans.c.position))).scalar_one()
        return last is not None and last < at

    def _add(self, connection: Connection, found: Found) -> None:
        facts = self._facts(found)
        rows = [_row(position, span, fact) for (position, span), fact in zip(found, facts, strict=True)]
        self.pause()
        rollups.count(self.derived, connection, rows)
        self.pause()
        summing.add(self.derived, connection, rows, facts)
        self.pause()
        # By the driver: SQLAlchemy's own way costs 30 us more for each span.
        insert = span_facts.insert().compile(dialect=connection.dialect)
        names = insert.positiontup or ()
        connection.exec_driver_sql(str(insert), [tuple([row[name] for name in names]) for row in rows])
        self._index(connection, found, facts)

    def _again(self, connection: Connection, keys: set[tuple[str, str]]) -> None:
        ids = list({trace_id for trace_id, _ in keys})
        same_span = self.derived.among(span_facts.c.span_id, list({span_id for _, span_id in keys}))
        query = select(span_facts).where(self.derived.among(span_facts.c.trace_id, ids), same_span)
        before = {
            row["position"]: row
            for row in connection.execute(query).mappings()
            if (row["trace_id"], row["span_id"]) in keys
        }
        rows_query = select(_spans.c.position, *_FIELDS).where(self.derived.among(_spans.c.position, list(before)))
        with self.derived.reading() as reader:
            found = _records(reader.execute(rows_query))
        facts = self._facts(found)
        rows = [_row(position, span, fact) for (position, span), fact in zip(found, facts, strict=True)]
        was = [before[position] for position, _ in found]
        if not found:
            return
        rollups.take_back(self.derived, connection, was)
        rollups.count(self.derived, connection, rows)
        summing.again(self.derived, connection, was, rows, facts)
        changed = [{"at": row["position"], **row} for row in rows]
        connection.execute(span_facts.update().where(span_facts.c.position == bindparam("at")), changed)
        self.derived.place.drop_text(connection, [position for position, _ in found])
        self._index(connection, found, facts)

    def _index(self, connection: Connection, found: Found, facts: Sequence[Facts]) -> None:
        texts = [(pair[0], spaced(fact.text, MOST_WORDS)) for pair, fact in zip(found, facts, strict=True)]
        self.derived.place.add_text(connection, [pair for pair in texts if pair[1]])

    def _facts(self, found: Found) -> Sequence[Facts]:
        facts: list[Facts] = []
        for start in range(0, len(found), AT_ONCE):
            facts += self._derive([span for _, span in found[start : start + AT_ONCE]])
            self.pause()
        return facts


def _key(span: Span) -> str:
    return safe(f"{span.trace_id} {span.span_id}")


def _record(row: Any) -> tuple[int, Span]:
    return row[0], rows_of(Span).record(row[1:])


def _records(rows: Iterable[Any]) -> Found:
    return [_record(row) for row in rows]


def _row(position: int, span: Span, fact: Facts) -> dict[str, Any]:
    row: dict[str, Any] = {
        "position": position,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "project": span.project,
        "started_ns": span.started_ns,
        "duration_ns": span.duration_ns,
        "name": span.name,
        "kind": fact.kind,
        "status": span.status,
        "model": fact.model,
        "provider": fact.provider,
        "input_tokens": fact.input_tokens,
        "output_tokens": fact.output_tokens,
        "cached_tokens": fact.cached_tokens,
        "cost_usd": fact.cost_usd,
        "session_id": fact.session_id,
        "user_id": fact.user_id,
        "run_id": span.run_id,
        "call": fact.call,
        "rollup": 0,
    }
    for name, most in LONGEST.items():
        if row[name] is not None and len(row[name]) > most:
            row[name] = row[name][:most]
    if not plain("".join([value for value in row.values() if isinstance(value, str)])):
        row = {name: safe(value) if isinstance(value, str) else value for name, value in row.items()}
    return row
