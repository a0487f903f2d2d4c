"""Threads for tasks that are plain functions: as many as samples run at once, started when needed, never waited for.

Not `concurrent.futures.ThreadPoolExecutor`: the interpreter joins its threads at exit, so one hung task would keep a
finished, time-capped run from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", contextvars.Context, Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Runs functions off the event loop. A job that is cancelled (a timeout) keeps its thread until it returns; another
    thread takes its place."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._idle = 0
        self._alive = 0
        self._lock = threading.Lock()

    async def call(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
        """What the function returns, called in a thread with the caller's context variables, and the seconds it took there:
        waiting for a thread's turn is not the function's."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            if self._idle <= 0:
                self._alive += 1
                threading.Thread(target=self._work, name="slipway-task", daemon=True).start()
            else:
                self._idle -= 1
        self._jobs.put((loop, future, contextvars.copy_context(), function, arguments))
        return await future  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let idle threads end."""
        for _ in range(self._alive):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, context, function, arguments = job
            result, error = None, None
            started = time.perf_counter()
            try:
                result = context.run(function, *arguments), time.perf_counter() - started
            except BaseException as raised:  # handed to whoever waits, as a coroutine would
                error = raised
            with self._lock:
                self._idle += 1
            try:
                loop.call_soon_threadsafe(_deliver, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return
            del job, future, context, result, error


def _deliver(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # a Future refuses it
        error = RuntimeError(f"the task raised StopIteration: {error}")
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
