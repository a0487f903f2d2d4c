"""A server on the loopback that speaks as OpenAI's, for tests: chat completions, whole and streamed, and embeddings; and, for
Anthropic's SDK, /v1/messages at ``server.root``.

    with FakeOpenAI(answer=lambda body: "hello") as server:
        client = openai.OpenAI(base_url=server.url, api_key="k", max_retries=0)

``server.requests`` keeps the bodies and ``server.headers`` the headers it was sent. ``status`` makes it refuse.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

from aiohttp import web


class FakeOpenAI:
    """``answer`` gets the request's body and returns the text, or a message with tool calls; a streamed answer is sent in pieces
    of ``piece`` characters."""

    def __init__(
        self, answer: Callable[[dict[str, Any]], Any] = lambda body: "a ramp for ships", *, piece: int = 5
    ) -> None:
        self.answer, self.piece = answer, piece
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.url = self.root = ""

    def __enter__(self) -> FakeOpenAI:
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
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/embeddings", self._embeddings)
        app.router.add_post("/v1/messages", self._messages)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        port = site._server.sockets[0].getsockname()[1]
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/v1"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _body(self, request: web.Request) -> dict[str, Any]:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        return body

    def _refusal(self) -> web.Response | None:
        if self.status == 200:
            return None
        return web.json_response(
            {"error": {"message": f"refused with {self.status}", "type": "fake"}}, status=self.status
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        said = self.answer(body)
        text, calls = (said.get("content") or "", said["tool_calls"]) if isinstance(said, dict) else (said, None)
        usage = {"prompt_tokens": sum(len(str(m.get("content")).split()) for m in body["messages"])}
        usage |= {"completion_tokens": len(text.split())}
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
        head = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": body["model"] + "-0001"}
        if not body.get("stream"):
            message: dict[str, Any] = {"role": "assistant", "content": None if calls else text}
            message |= {"tool_calls": calls} if calls else {}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
            return web.json_response({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        head["object"] = "chat.completion.chunk"
        for start in range(0, len(text), self.piece):
            delta = {"role": "assistant", "content": text[start : start + self.piece]}
            await self._send(response, {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        end: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": "stop"}
        if calls:
            delta = {"role": "assistant", "tool_calls": [{"index": i, **call} for i, call in enumerate(calls)]}
            await self._send(response, {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            end["finish_reason"] = "tool_calls"
        await self._send(response, {**head, "choices": [end]})
        if body.get("stream_options", {}).get("include_usage"):
            await self._send(response, {**head, "choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _send(self, response: web.StreamResponse, chunk: dict[str, Any]) -> None:
        await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    async def _embeddings(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = [
            {"object": "embedding", "index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
        return self._refusal() or web.json_response(
            {"object": "list", "model": body["model"], "data": data, "usage": usage}
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        text = self.answer(body)
        asked, answered = sum(len(str(m["content"]).split()) for m in body["messages"]), len(text.split())
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"] + "-0001"}
        head |= {"stop_sequence": None}
        if not body.get("stream"):
            content, usage = [{"type": "text", "text": text}], {"input_tokens": asked, "output_tokens": answered}
            return web.json_response({**head, "content": content, "stop_reason": "end_turn", "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        start = {**head, "content": [], "stop_reason": None, "usage": {"input_tokens": asked, "output_tokens": 1}}
        pieces = [text[at : at + self.piece] for at in range(0, len(text), self.piece)]
        for event in (
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            *(
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
                for piece in pieces
            ),
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": answered},
            },
            {"type": "message_stop"},
        ):
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return response
