"""The bounded queue between the application and the one thread that writes.

`put` runs on the caller's thread: one append to a deque, no lock, no system call. The writer wakes every ``trace.flush-ms``
while there is work and sleeps without waking when there is none. A fork leaves the child with an empty queue, no thread
and files of its own; the parent's spans stay the parent's.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slipway.track import drops as reasons
from slipway.track.convert import Converter
from slipway.track.delivery import LATE_S, Delivery
from slipway.track.drops import Drops
from slipway.track.live import LiveSpan

QUEUE_BYTES = 256 * 1_048_576
SMALL = 2_048
LEAST_A_BATCH, MOST_A_BATCH = 500, 2_000


class Recorder:
    """``make_delivery`` is called on the writer's thread, once in each process; ``threaded=False`` writes in `flush` only."""

    def __init__(
        self,
        *,
        converter: Converter,
        make_delivery: Callable[[], Delivery],
        drops: Drops,
        limit: int,
        flush_s: float,
        threaded: bool = True,
    ) -> None:
        self.converter, self.drops, self.limit, self.flush_s = converter, drops, limit, flush_s
        self.most_bytes = QUEUE_BYTES
        self.metric_names: set[str] = set()  # that this process logged: see metrics.py
        self._make_delivery, self._threaded = make_delivery, threaded
        self._delivery: Delivery | None = None
        self._forked_from: list[Any] = []
        self._fresh()

    def _fresh(self) -> None:
        self._queue: deque[Any] = deque()
        self._big_bytes = 0
        self._big = threading.Lock()
        # Held while the writer does anything but wait, so that a fork never copies it half-way through an import.
        self.busy = threading.Lock()
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._changed = threading.Condition()
        self._idle = True
        self._closing = self._taken_over = False
        self._hand: list[Any] = []  # what the writer has taken from the queue and not yet handed to delivery
        self._converting: Any = None
        self._flushing = 0
        self._size = 1_000
        self._thread: threading.Thread | None = None

    def put(self, item: Any) -> None:
        """Take a finished span or a record. Full: counted, never raised."""
        queue = self._queue
        if len(queue) >= self.limit:
            self._refuse()
            return
        if type(item) is LiveSpan and item.size > SMALL:
            with self._big:
                if self._big_bytes > self.most_bytes:
                    self.drops.count(reasons.QUEUE_FULL)
                    return
                self._big_bytes += item.size
        queue.append(item)
        if self._idle:
            self.start()

    def _refuse(self) -> None:
        self.count(reasons.CLOSED if self._closing else reasons.QUEUE_FULL)

    def count(self, reason: tuple[str, str]) -> None:
        """One more was not kept. After `close` nobody else writes the count down, so it is done here."""
        self.drops.count(reason)
        if self._closing and self._delivery is not None:
            self.drops.keep(self._delivery.folder)

    @property
    def closed(self) -> bool:
        """Nothing is taken any more."""
        return self._closing

    def start(self) -> None:
        """Wake the writer; start it when this process has none yet."""
        self._idle = False
        if not self._threaded:
            return
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self._closing:
                    thread = threading.Thread(target=self._run, name="slipway-writer", daemon=True)
                    # At the interpreter's end no thread can be started: shutdown() writes what is queued.
                    with suppress(RuntimeError):
                        thread.start()
                        self._thread = thread
                        _flush_when_worker_ends(self)
        self._wake.set()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            while not self._closing:
                with self.busy:
                    more = self._step()
                with self._changed:
                    self._changed.notify_all()
                if self._rested() and len(self._queue) >= self._size:
                    continue
                if not more:
                    self._idle = True
                    if not self._queue:  # nothing came between the last look and saying so
                        break
                    self._idle = False
                self._wake.wait(self._wait_s())
                self._wake.clear()

    def _rested(self) -> bool:
        """Rest while the store commits, and learn how much it takes at a time."""
        # Two threads that both want the interpreter slow each other down: converting meanwhile costs twice the CPU.
        if self._delivery is None:
            return False
        before = time.monotonic()
        answered = self._delivery.rest()
        took = time.monotonic() - before
        if not answered and took > LATE_S / 2:
            self._size = max(LEAST_A_BATCH, self._size // 2)
        elif answered and took < LATE_S / 3:
            self._size = min(MOST_A_BATCH, self._size * 5 // 4)
        return answered

    def _wait_s(self) -> float:
        delivery = self._delivery
        if len(self._queue) >= self._size or (delivery is not None and delivery.busy):
            return 0.002
        return min(self.flush_s, 0.005) if self._flushing else self.flush_s

    def _step(self) -> bool:
        """One round of the writer: a batch from the queue, and whatever delivery has to do. Is there more?"""
        if self._delivery is None:
            self._delivery = self._make_delivery()
        delivery, now = self._delivery, time.monotonic()
        batch = self._convert(self._size)
        self._converting = None
        if self._taken_over:  # `close` waited long enough: it has written down or counted what was here
            return False
        if batch:
            delivery.deliver(batch, now)
        self._hand = []
        delivery.tick(now)
        return bool(self._queue) or not delivery.settled

    def _convert(self, most: int) -> list[Any]:
        queue = self._queue
        records = self._hand = []
        rows = self._delivery is not None and self._delivery.takes_rows
        convert = self.converter.row if rows else self.converter.span
        for _ in range(min(len(queue), most)):
            if self._taken_over and threading.current_thread() is self._thread:
                break
            item = self._converting = queue.popleft()
            try:
                if type(item) is LiveSpan:
                    if item.size > SMALL:
                        with self._big:
                            self._big_bytes -= item.size
                    records.append(convert(item))
                else:
                    records.append(self.converter.record(item))
            except Exception:  # watching never breaks the watched: the span is counted, the writer goes on
                self.drops.count(reasons.NOT_CONVERTED)
        return records

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything recorded so far is in the store: True. False when the time is out, or the store is away
        and all of it is safe in the spool."""
        end = time.monotonic() + timeout
        self._flushing += 1
        self._wake.set()
        try:
            while True:
                if not self.busy.acquire(timeout=max(0.0, end - time.monotonic())):
                    return False
                try:  # the writer has no batch in its hands now
                    if not self._threaded or self._thread is None or not self._thread.is_alive():
                        self._step()
                    delivery = self._delivery
                    if delivery is not None and not self._queue:
                        if delivery.settled:
                            return True
                        if delivery.failing and delivery.safe:
                            return False
                finally:
                    self.busy.release()
                if time.monotonic() >= end:
                    return False
                if self._threaded:
                    with self._changed:
                        self._changed.wait(0.005)
        finally:
            self._flushing -= 1

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, stop the writer, and put into the spool what the store has not confirmed."""
        if self._closing or (self._delivery is None and not self._queue and self._thread is None):
            self._closing = True
            return True
        whole = self.flush(timeout)
        self._closing, self.limit = True, 0
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(timeout, 1.0))
        if not self.busy.acquire(timeout=1.0):
            self._take_over()
            return False
        try:
            delivery = self._delivery or self._make_delivery()
            while self._queue:
                delivery.deliver(self._convert(self._size), time.monotonic())
            delivery.spool_rest()
            delivery.close()
        finally:
            self.busy.release()
        return whole

    def _take_over(self) -> None:
        """The writer is stuck, in somebody's sink or redactor for instance. Write down here, in a segment of our own, what
        waits and what it has in hand; a copy too many changes nothing in the store."""
        self._taken_over = True
        free = self.busy.acquire(timeout=0.5)  # one that is only slow sees that and lets go
        try:
            stuck, unfinished = self._converting is not None, [*self._hand]
            delivery = self._make_delivery()
            for batch in (unfinished, *(self._delivery.unconfirmed() if self._delivery is not None else ())):
                delivery.write_down(batch)
            if stuck:  # what holds the writer would hold us too
                self.drops.count(reasons.LATE, 1 + len(self._queue))
                self._queue.clear()
            while self._queue:
                delivery.write_down(self._convert(len(self._queue)))
            delivery.close()
        finally:
            if free:
                self.busy.release()

    @property
    def pending(self) -> int:
        """How many finished spans wait in the queue."""
        return len(self._queue)

    def before_fork(self) -> None:
        """Wait (at most 2 s) until the writer is at rest."""
        self._fork_lock = self.busy.acquire(timeout=2.0)

    def after_fork_in_parent(self) -> None:
        """Let the writer go on."""
        if self._fork_lock:
            self.busy.release()

    def after_fork_in_child(self, make_delivery: Callable[[], Delivery], drops: Drops) -> None:
        """Start anew, with an empty queue. The parent's connections are kept untouched: closing them here could hurt it."""
        if self._delivery is not None:
            self._delivery.forked()
            self._forked_from.append(self._delivery)
        self._delivery, self._make_delivery, self.drops = None, make_delivery, drops
        self._fresh()


def _flush_when_worker_ends(recorder: Recorder) -> None:
    """Workers of multiprocessing leave with os._exit: atexit does not run there, their own finalizers do."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None:
        return

    def register(recorder: Recorder) -> None:
        pid = os.getpid()
        util.Finalize(None, lambda: recorder.close() if os.getpid() == pid else None, exitpriority=100)

    if process.parent_process() is not None:
        register(recorder)
    util.register_after_fork(recorder, register)  # a worker that is still being set up clears its finalizers once
