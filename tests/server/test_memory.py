"""Memory: what is let go is given back, now and then, one at a time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

from server.patience import until
from slipway.server import memory


def test_it_trims_each_time_so_much_went_and_never_twice_at_once():
    begun, go_on = [], threading.Event()

    def work():
        begun.append(threading.current_thread())
        assert go_on.wait(120)

    async def main():
        trim = memory.Trim(work, every=100)
        trim.passed(99)
        assert not begun
        trim.passed(1)
        await asyncio.to_thread(until, lambda: len(begun) == 1)
        trim.passed(500)  # one is at work
        assert trim._running
        go_on.set()
        while trim._running:
            await asyncio.sleep(0)
        trim.passed(1)  # what went meanwhile was not forgotten
        assert trim._running
        while trim._running:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert len(begun) == 2
    assert threading.main_thread() not in begun


def test_pages_of_sqlite_are_bounded_over_all_connections():
    """In a process of its own, since the bound is the process's."""
    asked = (
        "import sqlite3; from slipway.server import memory; memory.settle(); memory.trim();"
        "print(sqlite3.connect(':memory:').execute('PRAGMA soft_heap_limit').fetchone()[0])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=240, check=True)
    assert int(told.stdout) == memory.PAGES_BYTES
