"""Writer: one thread that commits what many threads submit, several submissions to a transaction (group commit).

While one commit waits for the disk the next submissions gather, so 1 or 1,000 of them cost one sync. A lone submission
never waits for company. When there was company last time, the thread lingers `LINGER_S` for the same number to come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from slipway.errors import StoreError

W = TypeVar("W")
LINGER_S = 0.001
LARGEST_GROUP = 20_000  # rows; bounds the memory and the time that one transaction takes


class Writer(Generic[W]):
    """``commit`` is given a list of pieces of work and returns for each the rows it added, or why it failed."""

    def __init__(self, commit: Callable[[Sequence[W]], Sequence[int | BaseException]]) -> None:
        self._commit = commit
        self._waiting: list[tuple[W, int, Future[int]]] = []
        self._wakes = threading.Condition(threading.Lock())
        self._idle = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self._settled = 0

    def submit(self, work: W, size: int) -> Future[int]:
        """Queue ``work`` of ``size`` rows; the future resolves once it is on disk."""
        future: Future[int] = Future()
        with self._wakes:
            if self._closing:
                raise StoreError("the store is closed", mend="open it again with slipway.store.open_store(url)")
            self._waiting.append((work, size, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="slipway-store", daemon=True)
                self._thread.start()
            elif self._idle:
                self._wakes.notify()
        return future

    def close(self, patience: float | None = None) -> bool:
        """Commit what is waiting and end the thread: True. False when ``patience`` seconds went by without a commit; what still
        waits then is not written, and nobody was told that it was."""
        with self._wakes:
            self._closing = True
            self._wakes.notify()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        settled = -1
        while self._thread.is_alive() and settled != self._settled:
            settled = self._settled
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        company = 1
        while True:
            group = self._next(company)
            if not group:
                return
            company = len(group)
            self._settle(group)
            del group

    def _next(self, company: int) -> list[tuple[W, int, Future[int]]]:
        with self._wakes:
            while not self._waiting and not self._closing:
                self._idle = True
                self._wakes.wait()
            self._idle = False
            short = not self._closing and company > 1 and len(self._waiting) < company
        if short:
            time.sleep(LINGER_S)
        with self._wakes:
            size = count = 0
            for _, rows, _ in self._waiting:
                if count and size + rows > LARGEST_GROUP:
                    break
                size += rows
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            return group

    def _settle(self, group: list[tuple[W, int, Future[int]]]) -> None:
        results: Sequence[int | BaseException]
        try:
            results = self._commit([work for work, _, _ in group])
        except BaseException as error:  # the thread must live on; whoever waits is told
            results = [error] * len(group)
        self._settled += 1
        for (_, _, future), result in zip(group, results, strict=True):
            if not future.set_running_or_notify_cancel():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


Work = dict[type[Any], list[tuple[Any, ...]]]
"""Rows to write, by kind of record."""
