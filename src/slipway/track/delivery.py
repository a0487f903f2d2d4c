"""Batches to the store; to the spool while it cannot take them; from there to the store again. Used by one thread only.

A batch is handed to the sink (``store.submit``) and forgotten once its future resolves. When it fails, or has not resolved
within `LATE_S`, the batch is written to the spool with one write, where it survives the process. What lies in the spool is
offered again with growing pauses, in pieces, and a segment is deleted only after the store has committed all of it. Writing
a record twice changes nothing in the store, so a doubt always means: once more.

When the spool reaches ``trace.spool-bytes``, what is NEW is dropped and counted: the first spans of an outage say most about
it. What was written down waits for ``trace.spool-days``. When neither store nor spool takes a batch it is held in memory up to
``trace.queue`` records, then dropped and counted. A sink with ``ahead`` (a server) gets a batch after the spool has it.
"""

from __future__ import annotations

import errno
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.data import Drop
from slipway.track import drops as reasons
from slipway.track.drops import Drops, kept
from slipway.track.ship import Cargo, abandoned, left_counts
from slipway.track.spool import SEGMENT_BYTES, Segment, segments, used

Sink = Callable[[Sequence[Any]], Any]
"""Takes a batch of records; returns a future (``store.submit``) or, when it has them already, anything else (``list.extend``)."""

LATE_S = 0.04
MOST_FLIGHTS = 64
IN_THE_STORE = 2
PIECE = 1_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
ORPHANS_EVERY_S = 60.0


@dataclass
class Flight:
    """A batch on its way: with the sink, not yet committed (``future``), or waiting for its turn (None)."""

    batch: Sequence[Any]
    future: Future[Any] | None
    since: float
    segment: Segment | None = None

    @property
    def spooled(self) -> bool:
        """Is a copy in the spool?"""
        return self.segment is not None


class Delivery:
    """``open_sink`` is called on a thread of its own, again after a pause when it failed."""

    def __init__(
        self,
        *,
        open_sink: Callable[[], Future[Sink]],
        folder: Path,
        process: str,
        drops: Drops,
        spool_bytes: int,
        hold: int,
        spool_days: float = 30.0,
        amend: Callable[[Any], Any] = lambda record: record,
    ) -> None:
        self.folder, self.process, self.drops = folder, process, drops
        self.spool_bytes, self.spool_days, self.hold = spool_bytes, spool_days, hold
        self._open_sink, self._amend = open_sink, amend
        self._opening: Future[Sink] | None = None
        self.sink: Sink | None = None
        self.takes_rows = False  # instead of spans; known once the sink is open
        self.ahead = False  # each batch is spooled before it is sent
        self.failing = False
        self.last_error: BaseException | None = None
        self._full = False
        self._next_try = 0.0
        self._pause = FIRST_PAUSE_S
        self._flights: list[Flight] = []
        self._held: deque[Sequence[Any]] = deque()
        self._held_count = 0
        self._segment: Segment | None = None
        self._elsewhere = 0  # bytes of segments other than the one being written
        self._cargo: deque[Cargo] = deque()
        self._shipping: Future[Any] | None = None
        self._drops_flight: tuple[list[Any], list[Path], Future[Any]] | None = None
        self._left: list[tuple[Path, list[Drop]]] = []
        self._accepted = 0
        self._look_again = 0.0
        self._left_over = waiting(folder)  # by processes before us; false once we have looked at it

    def deliver(self, batch: Sequence[Any], now: float) -> None:
        """Take a batch: to the store when it answers, otherwise to the spool."""
        self._look_at_opening(now)
        if self.sink is None or self.failing:
            self._park(batch)
            return
        if len(self._flights) >= MOST_FLIGHTS:  # the store is behind: the disk holds the rest, not the memory
            self._park(batch)
            return
        ahead = self.ahead and self._spool(batch, cap=False)
        self._flights.append(Flight(batch, None, now, self._segment if ahead else None))
        self._take_off()

    def _take_off(self) -> None:
        # Few at a time: one huge transaction costs the store several times what small ones do.
        for flight in self._flights[:IN_THE_STORE]:
            if flight.future is None:
                flight.future = self._offer(flight.batch)

    def tick(self, now: float) -> None:
        """Look at what is under way, and start what is due."""
        self._look_at_opening(now)
        self._look_at_flights(now)
        if self.sink is None or self.failing:
            self._keep_counts()
        if self.sink is None or now < self._next_try:
            return
        self._ship(now)
        self._store_counts()

    def rest(self) -> bool:
        """Wait a little for the store's answer; True when it came, so that the next batch can go at once."""
        flight = self._flights[0] if self._flights else None
        future = flight.future if flight is not None else self._shipping
        if future is None or (flight is not None and flight.spooled and not self.ahead):
            return False
        done, _ = wait([future], timeout=LATE_S)
        return bool(done)

    @property
    def settled(self) -> bool:
        """Nothing is in memory, under way or in the spool, apart from what living processes hold there."""
        return not (
            self._flights or self._held or self._own_pending or self._drops_flight or self._cargo or self._left_over
        )

    @property
    def safe(self) -> bool:
        """Nothing would be lost with the process: each batch is stored or in the spool."""
        return not self._held and all(flight.spooled for flight in self._flights)

    @property
    def busy(self) -> bool:
        """Shipping makes progress: look again at once."""
        return (
            self.sink is not None
            and not self.failing
            and not self._flights
            and (bool(self._cargo) or self._own_pending)
        )

    def spool_rest(self) -> None:
        """The process ends: what the sink has not confirmed goes to the spool."""
        left = self.unconfirmed()
        self._flights.clear()
        self._held.clear()
        self._held_count = 0
        for batch in left:
            self.write_down(batch)

    def unconfirmed(self) -> list[Sequence[Any]]:
        """The batches that are neither in the store, as far as one knows, nor in the spool."""
        under_way = [
            flight.batch
            for flight in [*self._flights]
            if not flight.spooled and (flight.future is None or not flight.future.done() or _failed(flight.future))
        ]
        return [*under_way, *self._held]

    def write_down(self, batch: Sequence[Any]) -> None:
        """Into the spool without offering it to the store; what the disk refuses is counted."""
        if batch and not self._spool(batch):
            self.drops.count(self._refusal(), len(batch))

    def close(self) -> None:
        """Let go of the files; what they hold is shipped by the next process, or by `ship_folder`."""
        if self.drops.unstored():
            self.drops.say(kept=self.drops.keep(self.folder))
        else:
            self.drops.forget(self.folder)
        for cargo in self._cargo:
            cargo.release()
        if self._segment is not None:
            self._segment.close()

    def forked(self) -> None:
        """In a forked child: close the copies of the parent's files. A plain close leaves the parent's locks in place."""
        for cargo in self._cargo:
            cargo.release()
        if self._segment is not None:
            self._segment.close()

    # -- the store ---------------------------------------------------------------------------------------------------

    def _look_at_opening(self, now: float) -> None:
        if self.sink is not None:
            return
        if self._opening is None and now >= self._next_try:
            self._opening = self._open_sink()
        if self._opening is not None and self._opening.done():
            error = self._opening.exception()
            if error is None:
                self.sink = self._opening.result()
                self.takes_rows = getattr(self.sink, "takes_rows", False)
                self.ahead = getattr(self.sink, "ahead", False)
                self._succeeded()
            else:
                self._opening = None
                self._failed(error, now)

    def _look_at_flights(self, now: float) -> None:
        remaining: list[Flight] = []
        for flight in self._flights:
            future = flight.future
            if future is not None and future.done():
                error = future.exception()
                if error is None:
                    if flight.segment is not None:
                        flight.segment.confirmed += len(flight.batch)
                    continue
                self._failed(error, now)
            if future.done() if future is not None else self.failing:
                if not flight.spooled:
                    self._park(flight.batch)
                continue
            if not flight.spooled and now - flight.since >= LATE_S and self._spool(flight.batch, cap=False):
                flight.segment = self._segment
            remaining.append(flight)
        self._flights = remaining
        if not self.failing:
            self._take_off()

    def _offer(self, batch: Sequence[Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            found = self.sink(batch) if self.sink is not None else None
        except Exception as error:  # whatever the store does, the application goes on: the batch is spooled
            future.set_exception(error)
            return future
        if isinstance(found, Future):
            return found
        future.set_result(found)
        return future

    def _failed(self, error: BaseException, now: float) -> None:
        self.failing, self.last_error = True, error
        wanted = getattr(error, "retry_after_s", 0.0)  # what a server asked for is never too early
        said = max(now, getattr(error, "at", now))  # which it may have done after this round began
        self._next_try = said + max(self._pause * random.uniform(0.8, 1.2), wanted * random.uniform(1.0, 1.2))
        self._pause = min(self._pause * 2, LONGEST_PAUSE_S)

    def _succeeded(self) -> None:
        self.failing, self._pause, self._next_try = False, FIRST_PAUSE_S, 0.0

    # -- the spool ---------------------------------------------------------------------------------------------------

    @property
    def _own_pending(self) -> bool:
        return (self._segment is not None and self._segment.records > 0) or any(
            cargo.own is not None for cargo in self._cargo
        )

    def _park(self, batch: Sequence[Any]) -> None:
        if self._spool(batch):
            return
        if self._held_count + len(batch) > self.hold:
            self.drops.count(self._refusal(), len(batch))
            return
        self._held.append(batch)
        self._held_count += len(batch)

    def _spool(self, batch: Sequence[Any], *, cap: bool = True) -> bool:
        """Written down, or (at the cap) dropped and counted: True. The disk refuses: False. ``cap=False``: a copy of what the
        store still has before it; at the cap none is made."""
        try:
            if self._segment is None or self._segment.size > SEGMENT_BYTES:
                self._rotate()
            if self._segment is not None and self._elsewhere + self._segment.size >= self.spool_bytes:
                if cap:
                    self.drops.count(reasons.SPOOL_FULL, len(batch))
                return cap
            if self._segment is None:
                self._segment = Segment(self.folder, process=self.process)
            self._segment.append(batch)
        except OSError as error:
            self.last_error, self._full = error, error.errno in (errno.ENOSPC, errno.EDQUOT)
            return False
        return True

    def _refusal(self) -> tuple[str, str]:
        return reasons.DISK_FULL if self._full else reasons.SPOOL_FAILED

    def _rotate(self) -> None:
        if self._segment is not None:
            self._cargo.append(Cargo(self._segment.path, fd=self._segment.fd, own=self._segment))
            self._segment = None
        self._elsewhere = used(self.folder)
        if self._elsewhere < self.spool_bytes:
            self._segment = Segment(self.folder, process=self.process)

    def _ship(self, now: float) -> None:
        if self._shipping is not None:
            if not self._shipping.done():
                return
            error, self._shipping = self._shipping.exception(), None
            self._after_piece(error, now)
            if self.failing:
                return
        if self._held and self._shipping is None:
            self._shipping = self._offer(self._held[0])
            return
        if not self._cargo and not self._flights and self._segment is not None and self._segment.records:
            self._cargo.append(Cargo(self._segment.path, fd=self._segment.fd, own=self._segment))
            self._segment = None
        if not self._cargo and now >= self._look_again:
            self._look_again = now + ORPHANS_EVERY_S
            self._left_over = False
            self._cargo.extend(abandoned(self.folder))
            self._left = left_counts(self.folder)
        while self._cargo and self._shipping is None:
            own = self._cargo[0].own
            if own is not None and own.confirmed < own.records and any(f.segment is own for f in self._flights):
                return  # copies of batches whose fate is about to be known
            piece = self._cargo[0].piece(PIECE, self.drops)
            if piece:
                if self._cargo[0].own is not None:
                    piece = [self._amend(record) for record in piece]
                self._shipping = self._offer(piece)
                return
            self._cargo.popleft().done()
            self._elsewhere = used(self.folder)
        self._succeeded()

    def _after_piece(self, error: BaseException | None, now: float) -> None:
        if error is not None:
            if self._cargo and not self._held:
                if self._cargo[0].give_up(self.drops, self.spool_days, time.time_ns()):
                    self._cargo.popleft()
                elif not getattr(error, "away", False):
                    self._cargo[0].refused(self.drops, self._accepted)
                    self._cargo.rotate(-1)
            self._failed(error, now)
            return
        self._succeeded()
        self._accepted += 1
        if self._held:
            self._held_count -= len(self._held.popleft())
        elif self._cargo:
            self._cargo[0].accepted()

    # -- counts ------------------------------------------------------------------------------------------------------

    def _keep_counts(self) -> None:
        if self.drops.unstored():
            self.drops.keep(self.folder)

    def _store_counts(self) -> None:
        if self._drops_flight is not None:
            rows, paths, future = self._drops_flight
            if not future.done():
                return
            self._drops_flight = None
            if not _failed(future):
                self.drops.stored(rows)
                self.drops.forget(self.folder)
                for path in paths:
                    path.unlink(missing_ok=True)
        if self.failing:
            return
        own, left, self._left = self.drops.unstored(), self._left, []
        rows = own + [row for _, found in left for row in found]
        if rows:
            self._drops_flight = (rows, [path for path, _ in left], self._offer(rows))


def waiting(folder: Path) -> bool:
    """Does anything lie in the spool?"""
    return bool(segments(folder)) or any(True for _ in kept(folder))


def _failed(future: Future[Any]) -> bool:
    return future.exception() is not None
