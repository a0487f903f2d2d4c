"""Retry: a model that asks again when the failure may pass."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from slipway.data import Reply, Request
from slipway.errors import ModelError
from slipway.models.protocol import Model

T = TypeVar("T")


class Retry:
    """Asks ``model`` up to ``1 + retries`` times while the error is retryable (no answer, 408, 409, 425, 429, 5xx).

    Waits uniformly between 0 and min(``longest_s``, ``first_s`` x 2^n) (full jitter, Brooker 2015), and at least as long as the
    provider's Retry-After asks. ``deadline_s`` bounds everything, waits included: a wait that would pass it is not begun, an
    attempt under way then is cancelled. A stream is asked for again only before its first piece.
    """

    def __init__(
        self,
        model: Model,
        *,
        retries: int = 2,
        first_s: float = 0.5,
        longest_s: float = 30.0,
        deadline_s: float | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.name = model.name
        self.model = model
        self._retries = retries
        self._first_s = first_s
        self._longest_s = longest_s
        self._deadline_s = deadline_s
        self._sleep = sleep
        self._clock = clock
        self._uniform = uniform

    async def complete(self, request: Request) -> Reply:
        """The first answer that comes. Raises the last `ModelError`, noting the attempts."""
        ends = self._ends()
        for attempt in range(self._retries + 1):
            try:
                return await self._before(ends, self.model.complete(request))
            except ModelError as error:
                await self._wait(error, attempt, ends)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer piece by piece. Raises `ModelError`; after the first piece, the first one."""
        ends = self._ends()
        for attempt in range(self._retries + 1):
            pieces = self.model.stream(request)
            begun = False
            try:
                while True:
                    try:
                        piece = await self._before(ends, anext(pieces))
                    except StopAsyncIteration:
                        return
                    begun = True
                    yield piece
            except ModelError as error:
                if begun:
                    raise
                await self._wait(error, attempt, ends)
            finally:
                closing = getattr(pieces, "aclose", None)
                if closing is not None:
                    await closing()

    def _ends(self) -> float | None:
        return None if self._deadline_s is None else self._clock() + self._deadline_s

    async def _before(self, ends: float | None, work: Awaitable[T]) -> T:
        if ends is None:
            return await work
        try:
            async with asyncio.timeout(max(0.0, ends - self._clock())) as limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
            raise ModelError(
                f"no answer within the deadline of {self._deadline_s} s", mend="raise deadline_s", status=504
            ) from None

    async def _wait(self, error: ModelError, attempt: int, ends: float | None) -> None:
        """Wait before the next attempt, or raise ``error`` when there is to be none."""
        wait = self._uniform(0.0, min(self._longest_s, self._first_s * 2**attempt))
        wait = max(wait, error.retry_after_s or 0.0)
        late = ends is not None and self._clock() + wait >= ends
        if not error.retryable or attempt >= self._retries or late:
            if attempt:
                error.add_note(f"after {attempt + 1} attempts")
            raise error
        await self._sleep(wait)
