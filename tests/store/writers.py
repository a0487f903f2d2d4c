"""A process that writes samples and says through a pipe which ones were acknowledged. For test_processes.py."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from slipway.data import Sample
from slipway.store import open_store


def work(url: str, name: str, rows: int, at_once: int, said: Connection) -> None:
    """Write ``rows`` samples of the run ``name``, ``at_once`` in flight; say the number of each that is on disk."""
    store = open_store(url)
    waiting: list[tuple[int, Any]] = []
    for number in range(rows):
        waiting.append((number, store.submit([Sample(name, str(number), output="x" * 200)])))
        while len(waiting) >= at_once:
            done, future = waiting.pop(0)
            future.result()
            said.send_bytes(str(done).encode())
    for done, future in waiting:
        future.result()
        said.send_bytes(str(done).encode())
    store.close()


class Child:
    """One such process. They are forked from a server that has imported what they need, so that a start takes 20 ms."""

    def __init__(self, url: str, name: str, rows: int, at_once: int = 50) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            [__name__, "slipway.store.sqlite", "slipway.store.postgresql", "slipway.store.sql"]
        )
        self._heard, said = context.Pipe(duplex=False)
        self.process = context.Process(target=work, args=(url, name, rows, at_once, said), daemon=True)
        self.process.start()
        said.close()

    def hear(self) -> int:
        """The next number acknowledged. Raises `EOFError` at the end."""
        return int(self._heard.recv_bytes())

    def rest(self) -> list[int]:
        """Every further number, until the process ends; one that was cut off by a kill does not count."""
        numbers = []
        while True:
            try:
                numbers.append(self.hear())
            except (EOFError, OSError):
                self.process.join()
                return numbers
