"""The engine: run what is left of one eval run, `concurrency` samples at a time, and put each on disk as it finishes.

A worker takes its next example only when its last sample is on disk. So whatever moment the process is killed at, at most
`concurrency` samples have to be run again, and none that was counted is lost.
"""

from __future__ import annotations

import asyncio
import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from slipway.data import Example, Sample
from slipway.errors import CostCapReached
from slipway.evals.attempt import Bench, take
from slipway.evals.limits import Pace, Purse
from slipway.store.protocol import Store


@dataclass(slots=True)
class Ended:
    """How it went: ``status`` of the run, how many samples ran, how many were in flight when time was up, and why it stopped
    early."""

    status: str = "finished"
    samples: int = 0
    cut_off: int = 0
    reason: str = ""


def random_order(size: int, repeats: int, seed: int) -> Iterator[tuple[int, int]]:
    """(index, repeat) of every sample: all examples once, in an order drawn with ``seed``, then all again for the next repeat.
    Whatever a run reaches before it is stopped is thus a random sample of the examples."""
    for repeat in range(repeats):
        order = array("I", range(size))
        random.Random(f"{seed}:{repeat}").shuffle(order)
        for index in order:
            yield index, repeat


class Committer:
    """Hands records to the store in groups: while one group is being synced, the next gathers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._records: list[Any] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._busy = False

    async def keep(self, record: Any) -> None:
        """Returns once the record is on disk. Raises `StoreError`."""
        waiter = self._loop.create_future()
        self._records.append(record)
        self._waiters.append(waiter)
        if not self._busy:
            # At the end of this turn of the loop, so that all samples that finished in it share one sync.
            self._busy = True
            self._loop.call_soon(self._hand_over)
        await waiter

    def _hand_over(self) -> None:
        records, waiters = self._records, self._waiters
        if not records:
            self._busy = False
            return
        self._records, self._waiters = [], []
        try:
            future = self._store.submit(records)
        except Exception as error:  # goes to every sample that waits
            self._settle(waiters, error)
            return
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._arrived, done, waiters))

    def _arrived(self, done: Future[int], waiters: list[asyncio.Future[None]]) -> None:
        self._settle(waiters, done.exception())

    def _settle(self, waiters: list[asyncio.Future[None]], error: BaseException | None) -> None:
        for waiter in waiters:
            if waiter.done():  # its worker was cancelled; the record is kept all the same
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
        self._hand_over()

    async def drain(self) -> None:
        """Returns once nothing is under way."""
        while self._busy:
            await asyncio.sleep(0.001)


BLANK = Sample(run_id="", example_id="")
"""What progress is shown of a sample of which nothing is stored."""


class Engine:
    """Runs the samples of ``todo``. ``record`` gives what of a sample is stored, or None; ``seen`` is then called with it."""

    def __init__(
        self,
        bench: Bench,
        examples: Sequence[Example],
        todo: Iterator[tuple[int, int]],
        *,
        store: Store,
        purse: Purse,
        seen: Callable[[Sample], None],
        record: Callable[[Sample], Sample | None],
    ) -> None:
        self._bench = bench
        self._examples = examples
        self._todo = todo
        self._store = store
        self._purse = purse
        self._seen = seen
        self._record = record
        self._running = 0
        self._full_stop = False
        self._ended = Ended()

    async def run(self) -> Ended:
        """Run to the end, the cap, the deadline, or the first error that every example would meet (raised)."""
        bench = self._bench
        self._committer = Committer(self._store)
        # With a model its calls are paced; without one the samples are.
        self._pace = Pace(bench.limit.per_second if bench.line is None else None)
        workers = [asyncio.create_task(self._work()) for _ in range(bench.limit.concurrency)]
        try:
            await self._wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await self._committer.drain()
            bench.threads.close()
        return self._ended

    async def _wait(self, workers: list[asyncio.Task[None]]) -> None:
        left = self._bench.deadline.left()
        _, pending = await asyncio.wait(workers, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
        failed = next((w for w in workers if w.done() and not w.cancelled() and w.exception()), None)
        if failed is not None:
            failed.result()
        if pending:  # time is up
            self._ended.status = "timed_out"
            self._ended.cut_off = self._running
            self._ended.reason = f"{self._running} samples were still running when time was up and are not counted"

    async def _work(self) -> None:
        bench = self._bench
        for index, repeat in self._todo:
            if self._stopped():
                return
            await self._pace.turn()
            self._running += 1
            try:
                sample = await take(bench, self._examples[index], repeat)
            except CostCapReached as reached:
                self._ended.status, self._ended.reason = "capped", str(reached)
                self._full_stop = True
                return
            finally:
                self._running -= 1
            kept = self._record(sample)
            if kept is not None:
                await self._committer.keep(kept)
            self._ended.samples += 1
            self._seen(kept or BLANK)

    def _stopped(self) -> bool:
        if self._full_stop:
            return True
        if self._purse.empty:
            self._ended.status = "capped"
            self._ended.reason = f"${self._purse.spent_usd:.4f} is spent, the cap is ${self._purse.cap_usd:g}"
            self._full_stop = True
        elif self._bench.deadline.closed():
            self._ended.status = "timed_out"
            self._ended.reason = self._ended.reason or "time was up"
            self._full_stop = True
        return self._full_stop
