"""Memory: what was freed goes back to the system, and what SQLite keeps of its files is bounded over all connections.

Of what a server's memory is made up under a flood, and what each part was before: docs/decisions/0089-memory-under-load.md.
"""

from __future__ import annotations

import asyncio
import ctypes
import sqlite3
from collections.abc import Callable
from contextlib import closing

# of mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
PAGES_BYTES = 32 << 20
EVERY_BYTES = 16 << 20


def settle() -> bool:
    """To be called before there are threads. False where the C library is not glibc.

    glibc gives each thread an arena of its own and keeps there what is freed. Bodies of megabytes that pass through six threads
    leave 30 to 40 MiB behind; the interpreter lets one thread run at a time anyway.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        # For the whole process: each connection has a bound of its own, but nobody bounds their number. Above it a connection
        # takes the oldest of its pages for the next one instead of more memory.
        connection.execute(f"PRAGMA soft_heap_limit={PAGES_BYTES}")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((ARENA_MAX, 1), (MMAP_THRESHOLD, 1 << 18), (TRIM_THRESHOLD, 1 << 20))
    return all(mallopt(name, value) for name, value in settings)


def trim() -> None:
    """Give back every page that holds nothing any more, also between pages that do."""
    found = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if found is not None:
        found(0)


class Trim:
    """Trims each time `EVERY_BYTES` came and went. To be used on a loop; the work is done in a thread of its executor.

    glibc itself gives back only what lies at the end of its arena. Rows of a kilobyte between pages of SQLite that stay leave
    holes: after a minute of a flood 70 MiB of 128 were holes.
    """

    def __init__(self, work: Callable[[], None] = trim, every: int = EVERY_BYTES) -> None:
        self._work, self._every = work, every
        self._passed = 0
        self._running = False

    def passed(self, size: int) -> None:
        """That many bytes were let go."""
        self._passed += size
        if self._passed >= self._every and not self._running:
            self._passed, self._running = 0, True
            asyncio.get_running_loop().run_in_executor(None, self._work).add_done_callback(self._done)

    def _done(self, _: object) -> None:
        self._running = False
