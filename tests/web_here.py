"""A server on the loopback for what the assistant asks of others, and somebody who asks the assistant.

    with WebHere({"GET /v1/forecast": lambda request: {"hourly": ...}}) as web:
        fetch_json(web.url + "/v1/forecast")

A handler gets aiohttp's request and returns what is sent as JSON, bytes, or a response of its own; `web.asked` keeps each path
with its query, and `web.bodies` what was posted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from assistant_person import Person
from slipway_assistant.memory import Memory
from slipway_assistant.skill import Answer, Context, run

Handler = Callable[[web.Request], Any]


class WebHere:
    """Serves while it is entered; the handlers may be changed meanwhile."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.handlers = dict(handlers)
        self.asked: list[str] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    def __enter__(self) -> WebHere:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(120)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(120)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        waiting = asyncio.all_tasks(self._loop)
        for task in waiting:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if request.can_read_body:
            self.bodies.append(await request.json())
        handler = self.handlers.get(f"{request.method} {request.path}")
        if handler is None:
            return web.json_response({"message": "not found"}, status=404)
        said = handler(request)
        if asyncio.iscoroutine(said):
            said = await said
        if isinstance(said, web.StreamResponse):
            return said
        return web.Response(body=said) if isinstance(said, bytes) else web.json_response(said)


class Listener(Person):
    """Somebody whose assistant remembers what was asked for; nothing here hurries."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.memory = Memory(folder / "memory.db")

    def asks(
        self, name: str, heard: str = "", /, *, lang: str = "en", confirmed: bool = False, **arguments: Any
    ) -> Answer:
        """The answer to a call."""
        ctx = Context(lang, self.now, self.settings, self.folder, self.memory, confirmed=confirmed, heard=heard)
        return run({"name": name, "arguments": arguments}, ctx, timeout_s=600)
