"""Intake: the way of one OTLP request, from its bytes to the answer.

admit -> body.read -> body.unpack -> wire.decode -> convert -> store.submit -> wait for the disk -> answer

200 is said after the commit and never before. What waits is bounded, in records and in bytes, over all connections; beyond that
a sender is told to come again (429), and holds its batch meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from slipway.data import Drop, Span
from slipway.errors import DataError, SlipwayError, StoreError
from slipway.server.access import Refused
from slipway.server.memory import Trim
from slipway.server.receiver import body as bodies
from slipway.server.receiver.batch import REFUSED, Batch
from slipway.store.payloads import Keeping
from slipway.store.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.server.receiver.wire import Form, Signal
    from slipway.server.routing import Call
    from slipway.server.state import State

ROOM = 2  # rows take about twice the room of what they are made from, and so does a body that is being read
INLINE = 1 << 18  # bytes of a body that is read on the loop: a few milliseconds; larger ones go to a thread
PROJECTS = 64  # of which the metric names are known without asking the store
BROKEN = (ValueError, TypeError, OverflowError, RecursionError)
LONGEST = 100  # characters of a project: it is part of keys, and PostgreSQL takes none of more than 2,704 bytes
MAY_WRITE = ("writer", "admin")
PROJECT = rows_of(Span).names.index("project")
AGAIN = {"Retry-After": "1"}
Convert = Callable[[Any, "Form", Batch], None]


@dataclass(slots=True)
class Hold:
    """What one request holds of the bounds."""

    size: int = 0
    records: int = 0


class Intake:
    """The receiver of one server."""

    def __init__(self, state: State) -> None:
        self._state, self._store, self._settings = state, state.store, state.config.server
        self._keep = Keeping(state.store)  # big payloads of our own spans go to blobs first
        self._pending = Hold()
        self._trim = Trim()
        self._lock = threading.Lock()  # large bodies are converted in threads
        self._threads = anyio.CapacityLimiter(2)  # large bodies at the same time: they take memory
        self._process = f"server-{os.getpid()}-{time.time_ns()}"
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._series: OrderedDict[str, set[str]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many records wait for the disk."""
        return self._pending.records

    async def receive(self, call: Call, signal: Signal, form: Form, convert: Convert) -> bytes:
        """Store what the request carries; the body of the answer. Raises `SlipwayError` for what is not answered with 200."""
        try:
            return await self._receive(call, signal, form, convert)
        except Refused as refusal:
            if refusal.status == 429:  # a sender that is cut off in the middle of its body reads no answer
                await bodies.discard(call.request, self._settings.max_batch_bytes)
            raise

    async def _receive(self, call: Call, signal: Signal, form: Form, convert: Convert) -> bytes:
        headers, journal = call.request.headers, self._state.journal
        if len(call.project) > LONGEST:
            raise Refused(400, f"the project's name is longer than {LONGEST} characters", mend="shorten it")
        with self._admitted() as hold:
            coding = bodies.coding_of(headers.get("content-encoding", ""))
            body = await bodies.read(call.request, self._settings.max_batch_bytes, lambda size: self._take(hold, size))
            small = len(body) <= INLINE and coding == "identity" and not signal.blocks
            batch = Batch(lambda resource: project_of(resource, call))

            parts = [body]
            del body  # so that its memory is free as soon as it was decoded

            def prepared() -> Future[int] | None:
                kept = journal.packed(parts[0], coding)
                request = self._decoded(parts.pop(), coding, hold, signal, form)
                try:
                    convert(request, form, batch)
                except BROKEN:  # single records are counted by `convert`
                    raise Refused(400, "the attributes of a resource are malformed", mend="correct them") from None
                del request
                waiting = self._submit(batch, hold)
                journal.keep(call, signal, form, kept)
                return waiting

            with self._state.arrived.receiving:
                waiting = prepared() if small else await anyio.to_thread.run_sync(prepared, limiter=self._threads)
                if waiting is not None:
                    await self._stored(waiting, batch)
            kept = len(batch.records)
        rejected = sum(batch.rejected.values())
        self._state.counts[f"otlp {signal.name} stored"] += kept
        self._state.counts[f"otlp {signal.name} rejected"] += rejected
        return form.answer(signal, rejected, batch.why())

    def _decoded(self, data: bytes, coding: str, hold: Hold, signal: Signal, form: Form) -> Any:
        body = bodies.unpack(data, coding, self._settings.max_batch_bytes)
        if body is not data:
            self._take(hold, len(body))
        return form.decode(signal, body)

    # -- bounds

    @contextmanager
    def _admitted(self) -> Iterator[Hold]:
        settings, pending = self._settings, self._pending
        if self._state.draining:
            raise StoreError("the server is stopping", mend="send the batch again after a moment")
        if pending.records >= settings.max_pending or pending.size >= settings.max_pending_bytes:
            raise self._full()
        hold = Hold()
        try:
            yield hold
        finally:
            with self._lock:
                pending.size -= hold.size
                pending.records -= hold.records
            self._trim.passed(hold.size)

    def _take(self, hold: Hold, size: int) -> None:
        pending, size = self._pending, size * ROOM
        with self._lock:
            # Whoever is alone is served: a batch that is larger than the bound could otherwise never come in.
            if pending.size + size > self._settings.max_pending_bytes and pending.size > hold.size:
                raise self._full()
            hold.size += size
            pending.size += size

    def _full(self) -> Refused:
        self._state.counts["otlp refused, too much is waiting"] += 1
        return Refused(
            429,
            "too much is waiting for the disk",
            mend="send the batch again after a moment",
            reason="overload",
            headers=AGAIN,
        )

    # -- storing

    def _submit(self, batch: Batch, hold: Hold) -> Future[int] | None:
        count, pending = len(batch.records), self._pending
        if pending.records and pending.records + count > self._settings.max_pending:
            raise self._full()
        try:
            return self._send(batch.records, batch, hold)
        except DataError:
            self._sift(batch)
            return self._send(batch.records, batch, hold)

    def _send(self, records: Sequence[Any], batch: Batch, hold: Hold) -> Future[int] | None:
        drops = self._drops(batch)
        if not records and not drops:
            return None
        future = self._keep([*self._taken(records), *drops])
        with self._lock:
            hold.records += len(records)
            self._pending.records += len(records)
        begun = time.perf_counter()
        future.add_done_callback(lambda done: self._tell(done, begun))
        return future

    def _taken(self, records: Sequence[Any]) -> Sequence[Any]:
        """As the store takes them."""
        if getattr(self._store.submit, "takes_rows", False):
            return records
        return [rows_of(Span).record(each) if type(each) is tuple else each for each in records]

    def _tell(self, future: Future[int], begun: float) -> None:
        if future.cancelled():
            return
        error = future.exception()
        self._state.writable.tell(error)
        if error is None:
            self._state.commits.add(time.perf_counter() - begun)
            self._state.arrived.tell()

    def _sift(self, batch: Batch) -> None:
        """Leave out what cannot be a row."""
        kept = []
        for record in batch.records:
            try:
                if type(record) is not tuple:
                    rows_of(type(record)).row(record)
            except DataError:
                batch.reject(REFUSED, _project(record))
            else:
                kept.append(record)
        batch.records = kept

    async def _stored(self, waiting: Future[int], batch: Batch) -> None:
        try:
            await asyncio.wrap_future(waiting)
        except DataError:
            await anyio.to_thread.run_sync(self._without_the_refused, batch, limiter=self._threads)
        except SlipwayError:
            raise
        except Exception as error:
            raise StoreError(f"the batch could not be stored: {error}", mend="see the server's log") from error

    def _without_the_refused(self, batch: Batch) -> None:
        """Store a batch of which the database refused something, and reject what that is."""
        kept: list[Any] = []
        parts = [batch.records]
        while parts:
            part = parts.pop()
            try:
                self._keep(self._taken(part)).result()
                kept += part
            except DataError:
                half = len(part) // 2
                parts += [part[half:], part[:half]] if half else []
                if not half:
                    batch.reject(REFUSED, _project(part[0]))
        batch.records = kept
        self._drops(batch)  # what was counted before was not stored either
        self._store.write([self._drop(*key) for key in batch.rejected])
        self._state.arrived.tell()

    def _drops(self, batch: Batch) -> list[Drop]:
        """Counts of what this server rejected, with those of the batch."""
        found = []
        for key, count in batch.uncounted().items():
            self._dropped[key] += count
            found.append(self._drop(*key))
        return found

    def _drop(self, project: str, reason: str) -> Drop:
        name = f"{self._process} {project}"
        return Drop(name, "server", reason, self._dropped[project, reason], time.time_ns(), project)

    # -- what is bounded in number

    def allowed(self, project: str, name: str) -> bool:
        """Whether ``project`` may have a metric of that name: it is known, or there is room (T10)."""
        known = self._series.get(project)
        if known is None:
            names = self._store.metric_names("", project=project, limit=self._settings.max_series)
            known = self._series[project] = set(names)
            while len(self._series) > PROJECTS:
                self._series.popitem(last=False)
        if name in known:
            return True
        if len(known) >= self._settings.max_series:
            return False
        known.add(name)
        return True


def _project(record: Any) -> str:
    return str(record[PROJECT] if type(record) is tuple else record.project)


def project_of(resource: Mapping[str, Any], call: Call) -> str:
    """The project of what came from ``resource``: what the request names goes first (docs/reference/otlp.md)."""
    request = call.request
    if request.query_params.get("project") or request.headers.get("x-slipway-project"):
        return call.project
    asked = resource.get("slipway.project") or resource.get("openinference.project.name")
    if isinstance(asked, str) and asked[:LONGEST] != call.project and call.who.role(asked[:LONGEST]) in MAY_WRITE:
        return asked[:LONGEST]
    return call.project
