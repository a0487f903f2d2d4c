"""Cached: a model whose answers are recorded in the store, so that the same question is free and answered the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from slipway.data import Reply, Request, Response, content_hash, plain
from slipway.errors import StoreError
from slipway.models.protocol import Model


class Records(Protocol):
    """What is needed of a store: `slipway.store` and this room do not know each other."""

    def get(self, kind: type[Response], *key: Any) -> Response | None:
        """The record with that key, or None."""
        ...

    def submit(self, records: Sequence[Any]) -> Future[int]:
        """Keep the records; resolves once they are on disk."""
        ...


@dataclass(slots=True)
class _Flight:
    """A question under way, and how many wait for its answer."""

    task: asyncio.Task[Reply]
    waiting: int = 0


class Cached:
    """Answers from the store when the same request was answered before; asks ``model`` and records it otherwise.

    The key is the content hash of the model's name, the whole request, the ``repeat`` and the ``scope`` (a tenant or a key:
    answers are never shared across scopes). The same question asked by many at once is asked once (single flight); when
    all who wait have gone, the call is cancelled. Errors and broken streams are never recorded. An answer that could
    not be recorded is still given, and counted in ``unrecorded``.
    """

    def __init__(
        self,
        model: Model,
        store: Records,
        *,
        scope: str = "",
        repeat: int = 0,
        project: str = "default",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.name = model.name
        self.model = model
        self.unrecorded = 0
        self._store = store
        self._scope = scope
        self._repeat = repeat
        self._project = project
        self._clock = clock
        self._flights: dict[tuple[int, str], _Flight] = {}

    def key(self, request: Request) -> str:
        """Where the answer to ``request`` is recorded."""
        scope = {"scope": self._scope} if self._scope else {}
        return content_hash({"source": self._source, "request": request, "repeat": self._repeat, **scope})

    @property
    def _source(self) -> str:
        return f"model:{self.name}"

    def recall(self, request: Request) -> Reply | None:
        """The recorded answer, marked ``cached``, with the latency it had; None when there is none."""
        found = self._store.get(Response, self.key(request))
        return None if found is None else replace(msgspec.convert(found.reply, Reply), cached=True)

    async def complete(self, request: Request) -> Reply:
        """The recorded answer, or a new one. Raises `ModelError`, to all who asked the same meanwhile."""
        recorded = self.recall(request)
        if recorded is not None:
            return recorded
        key = (id(asyncio.get_running_loop()), self.key(request))
        flight = self._flights.get(key)
        first = flight is None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(self._ask(request)))
            flight.task.add_done_callback(lambda _: self._flights.pop(key, None))
        flight.waiting += 1
        try:
            reply = await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._flights.pop(key, None)
                flight.task.cancel()
        return reply if first else replace(reply, cached=True)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The recorded answer in one piece, or a new one piece by piece, recorded when it is complete."""
        recorded = self.recall(request)
        if recorded is not None:
            if recorded.text:
                yield recorded.text
            return
        started, pieces = time.perf_counter(), []
        async for piece in self.model.stream(request):
            pieces.append(piece)
            yield piece
        latency_ms = (time.perf_counter() - started) * 1000
        await self._record(request, Reply(text="".join(pieces), model=self.name, latency_ms=latency_ms))

    async def _ask(self, request: Request) -> Reply:
        reply = await self.model.complete(request)
        await self._record(request, reply)
        return reply

    async def _record(self, request: Request, reply: Reply) -> None:
        record = Response(
            key=self.key(request),
            source=self._source,
            request=plain(request),
            reply=plain(reply),
            latency_ms=reply.latency_ms,
            created_ns=self._clock(),
            cost_usd=reply.usage.cost_usd,
            project=self._project,
        )
        try:
            await asyncio.wrap_future(self._store.submit([record]))
        except StoreError:
            self.unrecorded += 1
