"""Indexer: one thread of the server that keeps the derived data behind the rows by no more than a moment.

Deriving a span takes more of the processor than receiving one, and both run in one interpreter. So the indexer takes the time
that the receiver leaves: all of it while nothing comes, `LEAST` while the receiver is never done, and half once what can be
searched is `LATE_S` behind. Senders that were refused may lose spans; whoever searches waits for a moment.

It rests after every few milliseconds and not once for a batch: SQLite's driver lets go of the interpreter for each row, so that a
commit which meets a long stretch of Python in another thread waits until that is over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from slipway.errors import SlipwayError
from slipway.server.arrived import Arrived
from slipway.store.derived import Builder

log = logging.getLogger("slipway.server")
LOOK_S = 1.0
"""It looks this often by itself: another process may write into the same store."""
PATIENCE_S = 30.0  # the longest pause after errors
LATE_S = 30.0
PROMPT_S = 0.5
"""Who asks waits so long for what was stored before, unless it has been waiting for `PROMPT_S` already."""
LEAST = 0.1
REST_S = 0.1  # the longest pause while nobody sends
BUSY_REST_S = 2.0  # and while somebody does
BURST_S = 0.005
SAMPLE_S = 0.5


class Indexer:
    """Runs ``builder`` after each commit that ``arrived`` tells of, and looks by itself as well. An error is logged once, kept
    in `problem`, and tried again later: searching falls behind then, and nothing else does."""

    def __init__(
        self,
        builder: Builder,
        arrived: Arrived,
        *,
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.builder = builder
        self.problem = ""
        self._arrived, self._look_s, self._clock = arrived, look_s, clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._stepped = threading.Condition(threading.Lock())
        self._newest: deque[tuple[float, int]] = deque()  # when the rows had reached which position
        self._window = (clock(), 0.0)
        self._burst = clock()

    @property
    def behind_s(self) -> float:
        """For how long the oldest row that cannot be searched yet has been known to be there; 0 when there is none."""
        try:
            return max(0.0, self._clock() - self._newest[0][0])
        except IndexError:
            return 0.0

    def prompt(self, patience_s: float = PROMPT_S) -> int:
        """Wait until what was stored before this call can be searched, where that is a matter of a moment; how many rows
        cannot yet. Deleted rows may be counted."""
        newest, reached = self.builder.derived.positions()
        if newest > reached and self.behind_s < PROMPT_S:
            with self._stepped:
                self._stepped.wait_for(lambda: self.builder.reached >= newest or self._stopping.is_set(), patience_s)
            _, reached = self.builder.derived.positions()
        return max(0, newest - reached)

    def start(self) -> None:
        """Begin to follow."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="slipway-indexer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the batch at hand, and wait for that."""
        self._stopping.set()
        self._arrived.tell()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        pause, self.builder.pause = self._look_s, self.breathe
        while not self._stopping.is_set():
            seen = self._arrived.count
            self._burst = self._clock()
            try:
                done = self.step()
                pause, self.problem = self._look_s, ""
            except Exception as error:  # whatever it is, the server goes on without it
                self._tell(error)
                pause = min(pause * 2, PATIENCE_S)
                self._stopping.wait(pause)
                continue
            if done:
                self.breathe(0.0)
            elif not self._stopping.is_set():
                self._arrived.wait(seen, pause)

    def step(self) -> int:
        """Derive one batch; how much there was."""
        begun, done = self._clock(), self.builder.step()
        self._look(begun)
        with self._stepped:
            self._stepped.notify_all()
        return done

    def breathe(self, burst_s: float = BURST_S) -> None:
        """Rest, if there was work for ``burst_s`` since the rest before. Called by the thread that works."""
        worked = self._clock() - self._burst
        if worked >= burst_s and not self._stopping.is_set():
            self._stopping.wait(self.rest_s(worked))
            self._burst = self._clock()

    def rest_s(self, worked_s: float) -> float:
        """How long to leave the interpreter to others after work that took ``worked_s``."""
        now, received = self._clock(), self._arrived.receiving.seconds
        (before, received_before), self._window = self._window, (now, received)
        share = max(LEAST, 1 - (received - received_before) / max(now - before, 1e-9))
        fair = min(worked_s, REST_S)  # whoever reads has no meter: they get as much as this takes
        if self.behind_s > LATE_S:
            return fair
        return max(fair, min(worked_s * (1 / share - 1), BUSY_REST_S))

    def _look(self, now: float) -> None:
        """Note how far the rows are, and forget what can be searched by now."""
        newest, reached = 0, self.builder.reached
        if not self._newest or now - self._newest[-1][0] >= SAMPLE_S:
            newest, reached = self.builder.derived.positions()
            if self._newest and newest < self._newest[-1][1]:  # the store was restored, or emptied
                self._newest.clear()
        while self._newest and self._newest[0][1] <= reached:
            self._newest.popleft()
        if newest > reached:
            self._newest.append((now, newest))

    def _tell(self, error: Exception) -> None:
        said = str(error) if isinstance(error, SlipwayError) else f"{type(error).__name__}: {error}"
        if said != self.problem:
            log.error("the indexer cannot go on: %s", said, exc_info=None if isinstance(error, SlipwayError) else error)
        self.problem = said
