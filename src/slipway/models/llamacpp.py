"""A GGUF file answers in this process: llama.cpp through xllamacpp (extra ``local``). No network.

    model = open_model("gguf:/models/small.gguf?lora=/models/calls.gguf&scale=1.0&ctx=2048")

Start in `LlamaModel`; engine.py loads the file, slots.py keeps the prefixes of different adapters apart.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.data import Reply, Request
from slipway.errors import ConfigError, ModelError, UsageError
from slipway.models.engine import Adapter, Engine, Loading
from slipway.models.gbnf import grammar_of
from slipway.models.slots import Scales
from slipway.models.wire import Gathering, payload_of
from slipway.registry import register

OURS = ("id_slot", "cache_prompt", "stream", "n_predict", "stream_options", "return_progress")
"""What this file says to llama.cpp itself, whatever a request's ``extra`` has."""


@register("model", "gguf")
class LlamaModel:
    """A GGUF model on this machine: ``path`` is a file, or the name of one that `slipway model pull` fetched.

    ``lora`` names adapter files (one, or several) and ``scale`` how strongly each counts; `at` gives the same loaded model
    at other scales. ``ctx`` bounds prompt and answer together, in tokens, for each of ``parallel`` calls at once; ``threads``
    0 means one for each core. ``timeout_s`` bounds a whole call, the wait for its turn included. The file is loaded at the
    first call, or by `load`. Needs the extra ``local`` (`MissingExtra` says how to get it).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        lora: str | Path | Sequence[str | Path] = (),
        scale: float | Sequence[float] = 1.0,
        ctx: int = 4096,
        parallel: int = 1,
        threads: int = 0,
        batch: int = 512,
        template: str = "",
        timeout_s: float = 120.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        adapters = _adapters(lora, scale)
        self.engine = Engine(
            Loading.of(path, adapters, ctx=ctx, parallel=parallel, threads=threads, batch=batch, template=template)
        )
        self.scales: Scales = tuple(adapter.scale for adapter in adapters)
        self._timeout_s = timeout_s
        self._clock = clock

    @property
    def name(self) -> str:
        """The files by name and content, with the scales: two that may answer differently are called differently."""
        return self.engine.loading.name(self.scales)

    def at(self, *scales: float) -> LlamaModel:
        """The same loaded model with its adapters at other scales; ``at(0.0)`` is the model without its adapter."""
        if len(scales) != len(self.scales):
            raise UsageError(
                f"{self.name} has {len(self.scales)} adapters, not {len(scales)}", mend="give one scale for each"
            )
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"scales": tuple(float(scale) for scale in scales)}
        return other

    async def load(self) -> None:
        """Load the file now, so that the first call need not. Raises `ModelError`."""
        await asyncio.wrap_future(self.engine.submit(self.engine.server))

    async def complete(self, request: Request) -> Reply:
        """The whole answer, with its latency and time to first token. Raises `ModelError`."""
        return await self.complete_streamed(request)

    async def complete_streamed(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """As `complete`; ``on_text`` sees each piece as it comes."""
        started, first = self._clock(), None
        gathering = Gathering(self.name, {})
        async for text in self._pieces(request, gathering):
            if first is None:
                first = (self._clock() - started) * 1000
            if on_text is not None:
                on_text(text)
        reply = replace(gathering.reply(), model=self.name)
        return replace(reply, latency_ms=(self._clock() - started) * 1000, first_token_ms=first)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer's text, token by token; closing the iterator ends the work. Raises `ModelError` with the text so far."""
        pieces = self._pieces(request, Gathering(self.name, {}))
        try:
            async for text in pieces:
                yield text
        finally:
            await pieces.aclose()

    async def _pieces(self, request: Request, gathering: Gathering) -> AsyncGenerator[str, None]:
        events = self._events(request)
        try:
            async for event in events:
                text = gathering.add(event)
                if text:
                    yield text
            gathering.reply()  # says so when the end is missing
        except ModelError as error:
            error.partial = error.partial or "".join(gathering.pieces)
            raise
        finally:
            await events.aclose()

    async def _events(self, request: Request) -> AsyncGenerator[str, None]:
        """llama.cpp's events, from the thread that asks it. What is left when this generator is closed is not generated."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | BaseException | None] = asyncio.Queue()
        stop = threading.Event()
        body, scales = self._body(request)

        def send(item: str | BaseException | None) -> None:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, item)
            except RuntimeError:  # the loop has gone, and with it who asked
                stop.set()

        def take(event: str) -> bool:
            send(event)
            return stop.is_set()

        def work() -> None:
            try:
                self.engine.ask("completions" if request.prompt else "chat_completions", body, scales, take, stop)
            except BaseException as error:
                send(error)
            else:
                send(None)

        ends = loop.time() + self._timeout_s
        future = self.engine.submit(work)
        try:
            while True:
                item = await self._before(ends, queue)
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    return
                check(item)
                yield item
        finally:
            stop.set()
            future.cancel()

    async def _before(self, ends: float, queue: asyncio.Queue[Any]) -> Any:
        try:
            async with asyncio.timeout_at(ends):
                return await queue.get()
        except TimeoutError:
            raise ModelError(
                f"{self.name} did not answer within {self._timeout_s} s",
                mend="raise timeout_s, or ask for fewer tokens",
            ) from None

    def _body(self, request: Request) -> tuple[dict[str, Any], Scales]:
        if request.model and request.model != self.name:
            request = replace(request, model="")
        if request.tools and not self.engine.loading.knows_tools:
            raise ModelError(
                f"the chat template of {self.name} knows no tools",
                mend="bind the answer by grammar= or response_schema= instead",
                status=400,
            )
        if request.response_schema is not None:
            request = replace(request, grammar=grammar_of(request.response_schema), response_schema=None)
        body = payload_of(request, self.name, stream=True)
        scales = self._scales_of(body.pop("lora", None))
        for key in OURS:
            if key in request.extra:
                body.pop(key, None)
        return body | {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}, scales

    def _scales_of(self, wanted: Any) -> Scales:
        """The scales that a request's ``extra={"lora": [{"id": 0, "scale": 0.5}]}`` asks for, else the model's own."""
        if wanted is None:
            return self.scales
        scales = [0.0] * len(self.scales)  # as llama.cpp has it: what is not named does not count
        try:
            for each in wanted:
                number = each["id"]
                if not 0 <= number < len(scales):
                    raise ModelError(f"{self.name} has no adapter {number!r}", status=400)
                scales[number] = float(each.get("scale", 0.0))
        except (TypeError, KeyError, ValueError, AttributeError):
            raise ModelError("lora is a list such as [{'id': 0, 'scale': 0.5}]", status=400) from None
        return tuple(scales)

    async def close(self) -> None:
        """End what runs and free the memory. A later call loads the file again."""
        await asyncio.to_thread(self.engine.close)


class LlamaEmbedder:
    """Embeddings of a GGUF model on this machine: ``await embedder(["a", "b"])`` gives a vector of length 1 for each text.

    ``pooling`` says how the tokens' vectors become one: "mean", "cls", "last", or "auto" for what the file asks for.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        ctx: int = 512,
        pooling: str = "mean",
        threads: int = 0,
        timeout_s: float = 120.0,
    ) -> None:
        # A text must be read in one batch to become one vector.
        loading = Loading.of(path, (), ctx=ctx, threads=threads, batch=max(32, ctx), template="", pooling=pooling)
        self.engine = Engine(loading)
        self.name = loading.label
        self._timeout_s = timeout_s

    async def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order. Raises `ModelError`."""
        if not texts:
            return []
        work = self.engine.submit(lambda: self.engine.embed(list(texts)))
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await asyncio.wrap_future(work)
        except TimeoutError:
            raise ModelError(f"{self.name} did not answer within {self._timeout_s} s", mend="raise timeout_s") from None
        if "error" in answer:
            check(json.dumps({"error": answer["error"]}))
        return [
            [float(number) for number in row["embedding"]]
            for row in sorted(answer["data"], key=lambda row: row["index"])
        ]

    async def close(self) -> None:
        """Free the memory. A later call loads the file again."""
        await asyncio.to_thread(self.engine.close)


def check(event: str) -> None:
    """Raise `ModelError` with its status when llama.cpp answered with an error."""
    if not event.startswith('{"error"'):
        return
    try:
        error = json.loads(event)["error"]
        status, said = error.get("code"), str(error.get("message", error))[:1000]
    except (ValueError, KeyError, AttributeError, TypeError):
        status, said = None, event[:1000]
    mend = "raise ctx, or say less" if "context size" in said else None
    raise ModelError(f"llama.cpp refuses: {said}", mend=mend, status=status if isinstance(status, int) else 400)


def _adapters(lora: str | Path | Sequence[str | Path], scale: float | Sequence[float]) -> tuple[Adapter, ...]:
    paths = [lora] if isinstance(lora, str | Path) else list(lora)
    paths = [path for path in paths if str(path)]
    scales = [scale] * len(paths) if isinstance(scale, int | float) else list(scale)
    if len(scales) != len(paths):
        raise ConfigError(
            f"{len(paths)} adapters have {len(scales)} scales", mend="give one scale for each, or one for all"
        )
    return tuple(Adapter.of(path, float(each)) for path, each in zip(paths, scales, strict=True))


KINDS: Mapping[str, Callable[[str], Any]] = {
    "lora": str,
    "scale": float,
    "ctx": int,
    "parallel": int,
    "threads": int,
    "batch": int,
    "template": str,
    "timeout_s": float,
}
"""What may stand behind the ``?`` of ``gguf:/path?ctx=2048``."""
