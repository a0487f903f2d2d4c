"""Indexer: one thread of the server that keeps the derived data behind the rows by no more than a moment."""

from __future__ import annotations

import logging
import threading
import time

from slipway.errors import SlipwayError
from slipway.server.arrived import Arrived
from slipway.store.derived import Builder

log = logging.getLogger("slipway.server")
LOOK_S = 1.0
"""It looks this often by itself: another process may write into the same store."""
PATIENCE_S = 30.0  # the longest pause after errors


class Indexer:
    """Runs ``builder`` after each commit that ``arrived`` tells of, and looks by itself as well. An error is logged once, kept
    in `problem`, and tried again later: searching falls behind then, and nothing else does."""

    def __init__(self, builder: Builder, arrived: Arrived, *, look_s: float = LOOK_S) -> None:
        self.builder = builder
        self.problem = ""
        self._arrived, self._look_s = arrived, look_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

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
        pause = self._look_s
        while not self._stopping.is_set():
            seen, begun = self._arrived.count, time.monotonic()
            try:
                done = self.builder.step()
                pause, self.problem = self._look_s, ""
            except Exception as error:  # whatever it is, the server goes on without it
                self._tell(error)
                pause = min(pause * 2, PATIENCE_S)
                self._stopping.wait(pause)
                continue
            if done:
                # Requests are answered by the same interpreter: they get as much of it as this takes.
                self._stopping.wait(min(time.monotonic() - begun, 0.1))
            elif not self._stopping.is_set():
                self._arrived.wait(seen, pause)

    def _tell(self, error: Exception) -> None:
        said = str(error) if isinstance(error, SlipwayError) else f"{type(error).__name__}: {error}"
        if said != self.problem:
            log.error("the indexer cannot go on: %s", said, exc_info=None if isinstance(error, SlipwayError) else error)
        self.problem = said
