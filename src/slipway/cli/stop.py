"""Stop: SIGTERM ends an evaluation as Ctrl-C does: what finished is kept, the run is marked, the exit code is 143."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from slipway.evals.run import EVALUATING


class Terminated(KeyboardInterrupt):
    """Somebody sent SIGTERM. ``code`` is the exit code."""

    code = 128 + signal.SIGTERM


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, SIGTERM becomes `Terminated`, once what is under way has been put away. Only where nobody else handles the
    signal: a program that calls the command line from its own process keeps its handler."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not ours:
        yield
        return
    told: list[int] = []

    def stop(number: int, _: Any) -> None:
        told.append(number)
        if len(told) > 1:
            return  # it is being put away already
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise Terminated from None
        # Not an exception: between two steps of the event loop it would tear what they share.
        for task in asyncio.all_tasks(loop):
            if task.get_name() == EVALUATING:
                loop.call_soon_threadsafe(task.cancel)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt):
        if told:
            raise Terminated from None
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
