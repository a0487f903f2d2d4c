"""Arrived: a signal after each commit, for whoever follows the store (the indexer, server-sent events), and how busy the
receiver is with batches.

seen = state.arrived.count
... read the store ...
seen = state.arrived.wait(seen, 1.0)          # in a thread
seen = await state.arrived.later(seen)        # on a loop
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

from slipway.server.busy import Busy


class Arrived:
    """Counts commits. `tell` may be called from any thread, and costs next to nothing while nobody waits."""

    def __init__(self, receiving: Busy | None = None) -> None:
        self.receiving = receiving or Busy()
        """Entered with each batch whose body is here, left when it is answered: one on its way costs nothing."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: list[asyncio.Future[None]] = []
        self._count = 0

    @property
    def count(self) -> int:
        """How many commits there were since the server started."""
        return self._count

    def tell(self) -> None:
        """Something was committed."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            with suppress(RuntimeError):  # its loop is closed
                future.get_loop().call_soon_threadsafe(_done, future)

    def wait(self, seen: int, timeout_s: float | None = None) -> int:
        """Block until there were more commits than ``seen``, or the time is over; how many there were."""
        with self._changed:
            self._changed.wait_for(lambda: self._count > seen, timeout_s)
            return self._count

    async def later(self, seen: int) -> int:
        """As `wait`, on a loop."""
        while self._count <= seen:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            with self._changed:
                if self._count > seen:
                    break
                self._waiting.append(future)
            await future
        return self._count


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
