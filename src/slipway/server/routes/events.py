"""Events: server-sent events of what is new in the project.

event: ready   the stream begins                    {}
event: trace   a trace got spans                    {"trace_id", "spans", "errors"}: how many more
event: run     an eval run began, ended or changed  {"run_id", "status", "suite", "variant", "experiment"}
event: lost    you read too slowly                  {"events"}: how many you missed (null: unknown); read the lists again
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import Response

from slipway.errors import StoreError
from slipway.server.access import Refused, identify
from slipway.server.routing import Call, route

if TYPE_CHECKING:
    from slipway.server.feed import Listener

EVENTS = "text/event-stream"
BEAT = b": still here\n\n"
BEAT_S, CHECK_S = 15.0, 1.0
"""How often a silent stream says that it lives, and how often it is asked whether its key is still valid."""
MOST = 500  # listeners at once


@route("GET", "/api/v1/events", needs="viewer", media=EVENTS)
async def events(call: Call) -> Response:
    """What is new, as server-sent events: ready, trace, run, lost. With the header Last-Event-ID it goes on behind that event.
    A client that reads too slowly misses events, and is told so by `lost`."""
    if call.request.method == "HEAD":
        return Response(media_type=EVENTS)
    if len(call.state.feed.listeners) >= MOST:
        raise StoreError(f"{MOST} clients listen already", mend="close a page, or ask again later")
    listener, first = await call.state.feed.join(call.project, call.request.headers.get("last-event-id", ""))
    return _Stream(call, listener, first)


class _Stream(Response):
    """Sends until the client goes away, its key is revoked, or the server stops."""

    media_type = EVENTS

    def __init__(self, call: Call, listener: Listener, first: bytes) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        self._call, self._listener, self._first = call, listener, first

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The whole stream."""
        try:
            async with anyio.create_task_group() as group:

                async def until_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    group.cancel_scope.cancel()

                group.start_soon(until_gone)
                await self._send(send)
                group.cancel_scope.cancel()
        finally:
            self._call.state.feed.leave(self._listener)

    async def _send(self, send: Any) -> None:
        async def write(data: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await write(self._first)
        silent, asked = anyio.current_time(), anyio.current_time()
        while not self._call.state.draining:
            said = await self._listener.next(CHECK_S)
            now = anyio.current_time()
            if now - asked >= CHECK_S:
                asked = now
                if not await self._welcome():
                    break
            if said or now - silent >= BEAT_S:
                silent = now
                await write(said or BEAT)
        await write(b"", more=False)

    async def _welcome(self) -> bool:
        """Whether the key that opened the stream would open it now."""
        found = self._call.request.scope.get("slipway.route")
        try:
            return found is None or bool(await identify(self._call.request, self._call.state, found))
        except Refused:
            return False
