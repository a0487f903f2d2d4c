"""Watch: the outermost step of the application. It numbers, counts, times and logs requests, and knows when all are answered.

Stopping is orderly because of it (serve.py): new requests are refused, running ones answered, streams closed, then the end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import Request

from slipway.errors import StoreError
from slipway.server.logs import request_id
from slipway.server.meters import Histogram

if TYPE_CHECKING:
    from slipway.server.state import State

log = logging.getLogger("slipway.server.request")
STAY = ("/healthz", "/readyz", "/metrics")
"""What is answered until the end."""
OTHER = "other"  # paths that no route has: one name, since a stranger chooses them


class Watch:
    """An ASGI step around the application."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._app: Any = None
        self.running = 0
        self._idle = asyncio.Event()
        self._streams: set[anyio.CancelScope] = set()
        self.requests: dict[tuple[str, str, int], int] = {}
        self.seconds: dict[str, Histogram] = {}

    def over(self, app: Any) -> Watch:
        """This step, around ``app``."""
        self._app = app
        return self

    @property
    def streams(self) -> int:
        """How many clients listen for events."""
        return len(self._streams)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(send, self._streams)
        token = request_id.set(seen.number)
        staying = scope["path"] in STAY
        try:
            if self._state.draining and not staying:
                await self._refuse(scope, receive, seen)
                return
            self.running += not staying
            try:
                with seen.scope:
                    await self._app(scope, receive, seen.send)
            finally:
                self.running -= not staying
                self._streams.discard(seen.scope)
            if seen.scope.cancelled_caught and seen.status and not seen.whole:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            request_id.reset(token)
            self._count(scope, seen)
            if self._state.draining and not self.running:
                self._idle.set()

    async def _refuse(self, scope: Any, receive: Any, seen: _Seen) -> None:
        from slipway.server.app import refusal

        stopping = StoreError("the server is stopping", mend="send it again after a moment")
        refused = refusal(Request(scope), stopping)
        refused.headers["Connection"] = "close"
        await refused(scope, receive, seen.send)

    def _count(self, scope: Any, seen: _Seen) -> None:
        seconds = time.perf_counter() - seen.begun
        route = getattr(scope.get("slipway.route"), "path", OTHER)
        key = (route, scope["method"] if route != OTHER else OTHER, seen.status)
        self.requests[key] = self.requests.get(key, 0) + 1
        if not seen.streams:  # they last as long as their reader likes
            if route not in self.seconds:
                self.seconds[route] = Histogram()
            self.seconds[route].add(seconds)
        level = logging.DEBUG if route in STAY else logging.WARNING if seen.status >= 500 else logging.INFO
        if log.isEnabledFor(level):
            fields = {
                "request": seen.number,
                "method": key[1],
                "route": route,
                "status": seen.status,
                "ms": round(seconds * 1000, 1),
            }
            log.log(level, "request", extra={"fields": fields})

    async def drained(self, seconds: float) -> bool:
        """Close streams, and wait until every running request is answered; False when that took longer than ``seconds``."""
        for scope in list(self._streams):
            scope.cancel()
        if not self.running:
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True


class _Seen:
    """What is known of one request."""

    def __init__(self, send: Any, streams: set[anyio.CancelScope]) -> None:
        self.number = os.urandom(8).hex()
        self.begun = time.perf_counter()
        self.scope = anyio.CancelScope()
        self.status = 0  # nothing was answered, since the client went away
        self.whole = self.streams = False
        self._send, self._all = send, streams

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self.number.encode())]
            if (b"content-type", b"text/event-stream") in [(name, value[:17]) for name, value in message["headers"]]:
                self.streams = True
                self._all.add(self.scope)
        elif not message.get("more_body", False):
            self.whole = True
        await self._send(message)
