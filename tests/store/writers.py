"""Processes that are killed at any instant: one writes samples and says through a pipe which ones were acknowledged
(test_processes.py), one derives what is searched (test_derived_build.py).

They are forked from a server that has imported what they need, so that a start takes 20 ms. A test process has one such
server, for good: whoever starts it first says what it imports, so there is one list for all.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

from slipway.data import Sample
from slipway.store import open_store

NEEDED = ["slipway.store.sqlite", "slipway.store.postgresql", "slipway.store.sql", "slipway.store.derived"]


def forkserver() -> ForkServerContext:
    """The server of this test process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(NEEDED)
    return context


def build_for_ever(url: str, said: Connection) -> None:
    """Derive in small batches until the process is killed, saying after each."""
    import derived_model
    from slipway.store.derived import Builder, Derived

    builder = Builder(Derived(open_store(url)), derived_model.derive, batch=3)
    while True:
        said.send(builder.step())


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
    """One that writes."""

    def __init__(self, url: str, name: str, rows: int, at_once: int = 50) -> None:
        context = forkserver()
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
