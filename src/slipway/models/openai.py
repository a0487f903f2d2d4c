"""Any OpenAI-compatible endpoint, over aiohttp (extra ``models``): OpenAI itself, vLLM, llama.cpp's server, Ollama, routers ...

model = OpenAIModel("gpt-x", base_url="http://127.0.0.1:8000/v1", prices={"gpt-x": (0.15, 0.60)})
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slipway.data import Reply, Request
from slipway.errors import ConfigError, MissingExtra, ModelError
from slipway.models.fuse import check_remote
from slipway.models.sse import EventReader
from slipway.models.wire import Gathering, Prices, error_of, path_of, payload_of, reply_of
from slipway.registry import register

if TYPE_CHECKING:
    import aiohttp

DEFAULT_URL = "https://api.openai.com/v1"
LONGEST_BODY = 64 * 1024 * 1024


class Endpoint:
    """One base URL with its key: sessions, errors, limits. `OpenAIModel` and `OpenAIEmbedder` speak through one.

    The address is ``base_url``, else SLIPWAY_MODEL_URL, else OpenAI's. The key is ``api_key``; SLIPWAY_MODEL_KEY, else
    OPENAI_API_KEY, is used only when ``base_url`` was not given, so that no key goes to a server it was not meant for.
    Redirects are not followed.
    """

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None,
        *,
        headers: Mapping[str, str] | None,
        timeout_s: float,
        idle_s: float,
    ) -> None:
        url = base_url or os.environ.get("SLIPWAY_MODEL_URL") or DEFAULT_URL
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"{url!r} is no address of a model", mend="write http://127.0.0.1:8000/v1, for example")
        self.url = url.rstrip("/")
        key = api_key or (None if base_url else os.environ.get("SLIPWAY_MODEL_KEY") or os.environ.get("OPENAI_API_KEY"))
        self._headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._sessions: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, Any]] = {}

    @asynccontextmanager
    async def post(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to a POST, once its headers are there. Raises `ModelError` for errors, timeouts and no connection."""
        aiohttp = _aiohttp()
        check_remote(self.url)
        session = await self._session()
        try:
            async with session.post(
                f"{self.url}{path}",
                data=json.dumps(body).encode(),
                headers={**self._headers, "Content-Type": "application/json"},
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise error_of(response.status, response.headers, await response.content.read(65_536))
                yield response
        except TimeoutError:
            raise ModelError(f"{self.url} did not answer in time", mend="raise the timeout, or try again") from None
        except aiohttp.ClientError as error:
            raise ModelError(
                f"{self.url} cannot be reached: {error or type(error).__name__}", mend="is it running?"
            ) from None

    async def post_json(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that a POST answers with. Raises `ModelError`."""
        async with self.post(path, body) as response:
            data = bytearray()
            async for part in response.content.iter_any():
                data += part
                if len(data) > LONGEST_BODY:
                    raise ModelError(f"{self.url} answered with more than {LONGEST_BODY} bytes", status=200)
        try:
            return json.loads(bytes(data))
        except (ValueError, RecursionError):
            raise ModelError(
                f"{self.url} answered with something that is no JSON", mend="is the URL right?", status=200
            ) from None

    async def close(self) -> None:
        """Close this loop's connections; not needed under `asyncio.run`, which ends with them closed."""
        held = self._sessions.pop(asyncio.get_running_loop(), None)
        if held is not None:
            await held[1].aclose()

    async def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        for old in [each for each in self._sessions if each.is_closed()]:
            del self._sessions[old]
        if loop not in self._sessions:
            keeper = self._kept_session()
            self._sessions[loop] = (await anext(keeper), keeper)
        return self._sessions[loop][0]

    async def _kept_session(self) -> AsyncIterator[aiohttp.ClientSession]:
        # An async generator, because a loop closes those that are open when it ends: so the session closes with its loop.
        aiohttp = _aiohttp()
        timeout = aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=self._timeout_s, sock_read=self._idle_s)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            yield session


@register("model", "openai")
class OpenAIModel:
    """Chat completions of one model at one endpoint. ``timeout_s`` bounds a whole call, ``idle_s`` the wait for the next bytes.

    ``prices`` are yours: US dollars per million (input, output) tokens by model name; without one, cost is None. Needs the
    extra ``models`` (`MissingExtra` says how to get it).
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        prices: Prices | None = None,
        timeout_s: float = 120.0,
        idle_s: float = 60.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        _aiohttp()
        self.name = model
        self.endpoint = Endpoint(base_url, api_key, headers=headers, timeout_s=timeout_s, idle_s=idle_s)
        self.prices: Prices = dict(prices or {})
        self._clock = clock

    async def complete(self, request: Request) -> Reply:
        """The whole answer, with its latency. Raises `ModelError`."""
        started = self._clock()
        body = await self.endpoint.post_json(path_of(request), payload_of(request, self.name, stream=False))
        reply = reply_of(body, request.model or self.name, self.prices)
        return replace(reply, latency_ms=(self._clock() - started) * 1000)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer's text, piece by piece. A stream that breaks off raises `ModelError` with the text so far."""
        async for piece in self._stream(request, Gathering(request.model or self.name, self.prices)):
            yield piece

    async def complete_streamed(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """As `complete`, but streamed: the reply knows its time to first token, and ``on_text`` sees each piece."""
        started, first = self._clock(), None
        gathering = Gathering(request.model or self.name, self.prices)
        async for piece in self._stream(request, gathering):
            if first is None:
                first = (self._clock() - started) * 1000
            if on_text is not None:
                on_text(piece)
        return replace(gathering.reply(), latency_ms=(self._clock() - started) * 1000, first_token_ms=first)

    async def _stream(self, request: Request, gathering: Gathering) -> AsyncIterator[str]:
        reader = EventReader()
        body = payload_of(request, self.name, stream=True)
        try:
            async with self.endpoint.post(path_of(request), body) as response:
                async for packet in response.content.iter_any():
                    for data in reader.feed(packet):
                        text = gathering.add(data)
                        if text:
                            yield text
                    if gathering.done:
                        break
        except ModelError as error:
            error.partial = error.partial or "".join(gathering.pieces)
            raise
        gathering.reply()  # says so when the end is missing

    async def close(self) -> None:
        """Close the connections of this event loop."""
        await self.endpoint.close()


class OpenAIEmbedder:
    """Embeddings of an OpenAI-compatible endpoint: ``await embedder(["a", "b"])`` gives a vector for each text."""

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        _aiohttp()
        self.name = model
        self.endpoint = Endpoint(base_url, api_key, headers=headers, timeout_s=timeout_s, idle_s=timeout_s)

    async def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order. Raises `ModelError`."""
        body = await self.endpoint.post_json("/embeddings", {"model": self.name, "input": list(texts)})
        try:
            rows = sorted(body["data"], key=lambda row: row["index"])
            vectors = [[float(number) for number in row["embedding"]] for row in rows]
        except (KeyError, TypeError, ValueError):
            vectors = []
        if len(vectors) != len(texts):
            raise ModelError(
                f"{self.endpoint.url} did not answer with embeddings", mend="is the model one for it?", status=200
            )
        return vectors

    async def close(self) -> None:
        """Close the connections of this event loop."""
        await self.endpoint.close()


def _aiohttp() -> Any:
    try:
        import aiohttp
    except ImportError:
        raise MissingExtra.named("models", "aiohttp") from None
    return aiohttp
