"""Gate: no thread is inside the database driver while the process forks (T05).

A child has only the thread that forked. Had another one been inside SQLite, SQLite's own locks would stay taken in the child for
ever, and its first statement would hang. So a fork waits until the threads that are inside are out: a commit at most.
"""

from __future__ import annotations

import threading
import time

PATIENCE_S = 10.0  # then it forks all the same: a hanging disk must not hang the application


class Gate:
    """Entered with ``with gate:`` around every use of the driver. Not to be entered again by who is inside."""

    def __init__(self) -> None:
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """In a forked child, where whoever was inside is not."""
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._changed:
            while self._shut:
                self._changed.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            if self._shut:
                self._changed.notify_all()

    def shut(self) -> bool:
        """Let nobody in, and wait until all are out; False when somebody stayed too long."""
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            self._shut = True
            while self._inside and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._inside

    def open(self) -> None:
        """Let them in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
