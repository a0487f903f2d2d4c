"""Busy: for how long something has been going on, however many did it at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Busy:
    """``with busy:`` around the work, in any thread or task."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._since = self._sum = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._since = self._clock()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._sum += self._clock() - self._since

    @property
    def seconds(self) -> float:
        """The time during which at least one was inside, up to now."""
        with self._lock:
            return self._sum + (self._clock() - self._since if self._inside else 0.0)
