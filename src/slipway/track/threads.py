"""Threads: what runs in another thread keeps its place in the trace when it is started through one of these."""

from __future__ import annotations

import concurrent.futures
import contextvars
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def wrap(fn: Callable[P, R]) -> Callable[P, R]:
    """``fn`` as it would run here: ``Thread(target=wrap(work))`` makes spans of ``work`` children of the current one.

    May be called many times and from several threads at once.
    """
    context = contextvars.copy_context()

    @functools.wraps(fn)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(fn, *args, **kwargs)  # a context can be entered once at a time

    return inside


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """The standard library's, with each task in the context that submitted it (``map`` included)."""

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[R]:
        """As the standard one."""
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)
