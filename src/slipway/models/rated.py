"""RateLimited: a model that is asked no more often than it may be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from slipway.data import Reply, Request
from slipway.errors import UsageError
from slipway.models.protocol import Model


class RateLimited:
    """Spaces calls evenly, ``per_second`` of them, and lets ``concurrency`` run at once; the others wait, first come first
    served. One limiter belongs to one event loop at a time."""

    def __init__(
        self,
        model: Model,
        *,
        per_second: float | None = None,
        concurrency: int | None = None,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if (per_second is not None and per_second <= 0) or (concurrency is not None and concurrency < 1):
            raise UsageError("a rate limit must be more than 0", mend="per_second=5, concurrency=8")
        self.name = model.name
        self.model = model
        self._gap = 1 / per_second if per_second else 0.0
        self._room = asyncio.Semaphore(concurrency) if concurrency else None
        self._next = 0.0
        self._sleep = sleep
        self._clock = clock

    async def complete(self, request: Request) -> Reply:
        """The answer, once it was this call's turn."""
        async with AsyncExitStack() as stack:
            await self._turn(stack)
            return await self.model.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer piece by piece, once it was this call's turn."""
        async with AsyncExitStack() as stack:
            await self._turn(stack)
            async for piece in self.model.stream(request):
                yield piece

    async def _turn(self, stack: AsyncExitStack) -> None:
        if self._room is not None:
            await stack.enter_async_context(self._room)
        if self._gap:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._gap
            if at > now:
                await self._sleep(at - now)
