"""A provider that speaks the OpenAI dialect on loopback, and misbehaves as told."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import web


class Provider:
    """``script`` holds one answer a call: a JSON body, (status, body, headers), or an async function of the request."""

    def __init__(self, *script):
        self.script = list(script)
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self.gone = 0
        self.url = ""

    async def answer(self, request):
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        step = self.script[min(len(self.bodies), len(self.script)) - 1]
        if callable(step):
            try:
                return await step(request)
            except (ConnectionResetError, asyncio.CancelledError):
                self.gone += 1
                raise
        status, body, headers = step if isinstance(step, tuple) else (200, step, {})
        if isinstance(body, str | bytes):
            return web.Response(status=status, body=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_post("/v1/{path:.*}", self.answer)
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
        try:
            yield self.url
        finally:
            await runner.cleanup()


def completion(text="hello", **more):
    """The body of a chat completion."""
    message = {"role": "assistant", "content": text, **more}
    return {
        "model": "gpt-test",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if more else "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }


def chunk(delta=None, finish=None, **more):
    """One event of a stream."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"model": "gpt-test", "choices": choices, **more}).encode() + b"\n\n"


def streaming(*packets, then=None):
    """An answer that sends these packets, each flushed, and then ends, or does ``then``: "cut", "hang"."""

    async def answer(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for packet in packets:
            await response.write(packet)
            await asyncio.sleep(0)
        if then == "cut":
            request.transport.abort()
        if then == "hang":
            await asyncio.Event().wait()
        return response

    return answer
