"""``ctx.model``: a model that is recorded, priced, rate limited, and remembered for each repeat."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from slipway.data import Message, Prompt, Reply, Request, Response, content_hash, plain
from slipway.errors import NotFound, UsageError
from slipway.evals.limits import Pace, Purse
from slipway.evals.spans import answered, model_span
from slipway.models.protocol import Model
from slipway.store.protocol import Store

_PROMPT = re.compile(r"^(?P<name>.+)@v(?P<version>\d+)$")
_FIELD = re.compile(r"\{\{\w+\}\}|\{(\w+)\}")


@dataclass(slots=True)
class Meter:
    """What one sample's model calls came to. ``cost_usd`` is None until a price is known, and stays so when one is not."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    calls: int = 0
    recalled: int = 0
    recalled_ms: float = 0.0
    _unknown: bool = False

    def add(self, reply: Reply) -> None:
        """Count one reply."""
        self.calls += 1
        if reply.cached:
            self.recalled += 1
            self.recalled_ms += reply.latency_ms
        self.spend(reply.usage.cost_usd, reply.usage.input_tokens, reply.usage.output_tokens)

    def spend(self, usd: float | None, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """Count a cost; None means a price that nobody knows."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self._unknown |= usd is None
        self.cost_usd = None if self._unknown else (self.cost_usd or 0.0) + (usd or 0.0)


class Recall:
    """Replies recorded in the store, by model, request and repeat. ``find`` answers nothing when there are none at all
    for the model (so that a first run does not ask the store before each call)."""

    def __init__(self, store: Store, model: str, *, enabled: bool = True, keep: bool = True, project: str) -> None:
        self._store = store
        self._source = f"model:{model}"
        self._keep = keep
        self._project = project
        self._any = enabled and store.count(Response, {"source": self._source}) > 0

    def key(self, request: Request, repeat: int) -> str:
        """The same for the same question to the same model in the same repeat."""
        return content_hash({"source": self._source, "request": request, "repeat": repeat})

    def find(self, key: str) -> Reply | None:
        """The recorded reply, marked as cached, with the latency it had."""
        found = self._store.get(Response, key) if self._any else None
        return None if found is None else replace(msgspec.convert(found.reply, Reply), cached=True)

    def keep(self, key: str, request: Request, reply: Reply) -> Future[int] | None:
        """Record a reply; resolves once it is on disk."""
        if not self._keep:
            return None
        record = Response(
            key=key,
            source=self._source,
            request=plain(request),
            reply=plain(reply),
            latency_ms=reply.latency_ms,
            created_ns=time.time_ns(),
            cost_usd=reply.usage.cost_usd,
            project=self._project,
        )
        return self._store.submit([record])


@dataclass(slots=True)
class Seen:
    """What the calls of one run came to: how many were made and how many recalled, which prompts were used (by id), and what
    the provider said answers."""

    calls: int = 0
    recalled: int = 0
    prompts: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def note(self, reply: Reply) -> None:
        """Count one reply."""
        self.calls += not reply.cached
        self.recalled += reply.cached
        if reply.model:
            self.models.add(reply.model)


@dataclass(frozen=True, slots=True)
class Line:
    """What all calls of one run share: the model behind, what was recorded of it, the pace, the purse, the prompts."""

    model: Model
    recall: Recall
    pace: Pace
    purse: Purse
    room: Any  # an asyncio.Semaphore: as many calls at once as samples, so that a cap overshoots by no more
    prompts: Callable[[str], Prompt]
    seen: Seen = field(default_factory=Seen)


class ModelClient:
    """The model as one sample sees it. It is a `Model` (`complete`, `stream`) with `chat` on top."""

    def __init__(self, line: Line, meter: Meter, repeat: int, memory: dict[str, Reply] | None = None) -> None:
        self.name = line.model.name
        # Replies of earlier attempts at this sample: a retry does not ask again for what it has.
        self._memory = {} if memory is None else memory
        self._line = line
        self._meter = meter
        self._repeat = repeat
        self._recording: Future[int] | None = None

    async def complete(self, request: Request) -> Reply:
        """The answer: recorded, or asked for. Raises `ModelError`; `CostCapReached` when nothing may be spent any more."""
        line = self._line
        key = line.recall.key(request, self._repeat)
        with model_span(self.name, request) as live:
            reply = self._memory.get(key) or line.recall.find(key)
            if reply is None:
                reply = await self._ask(request)
                self._recording = line.recall.keep(key, request, reply)
                self._memory[key] = reply
            answered(live, reply)
        self._meter.add(reply)
        line.seen.note(reply)
        return reply

    async def _ask(self, request: Request) -> Reply:
        line = self._line
        async with line.room:
            await self._settle()
            await line.pace.turn()
            line.purse.check()
            started = time.perf_counter()
            reply = await line.model.complete(request)
            if not reply.latency_ms:
                reply = replace(reply, latency_ms=(time.perf_counter() - started) * 1000)
            line.purse.pay(reply.usage.cost_usd, reply.model or self.name)
        return reply

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer piece by piece. Streams are not recorded for recall, and have no known price."""
        line = self._line
        async with line.room:
            await line.pace.turn()
            line.purse.check()
            line.purse.pay(None, self.name)
            self._meter.calls += 1
            self._meter.spend(None)
            async for piece in line.model.stream(request):
                yield piece

    async def chat(
        self,
        text: str | None = None,
        *,
        prompt: str | None = None,
        system: str | None = None,
        messages: Sequence[Message] = (),
        variables: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Reply:
        """Ask, and get the `Reply`. ``prompt`` is ``"name@v7"`` (or ``"name"``: the newest), whose ``{fields}`` are filled from
        ``text`` and ``variables``; without one, ``text`` is the user's message. ``settings`` are those of `Request`."""
        said = list(messages)
        if system:
            said.insert(0, Message("system", system))
        if prompt is not None:
            found = self._line.prompts(prompt)
            self._line.seen.prompts.add(found.id)
            values = {**({"text": text} if text is not None else {}), **(variables or {})}
            said.append(Message("user", render(found, values)))
            settings = {**found.config, **settings}
        elif text is not None:
            said.append(Message("user", text))
        if not said:
            raise UsageError("chat() was given nothing to say", mend="pass text=, prompt= or messages=")
        try:
            request = Request(messages=tuple(said), **settings)
        except TypeError as error:
            raise UsageError(f"chat(): {error}", mend="put other settings into extra={...}") from None
        return await self.complete(request)

    async def _settle(self) -> None:
        # A kill loses at most one unrecorded reply of each sample that is under way.
        if self._recording is not None and not self._recording.done():
            import asyncio

            await asyncio.wrap_future(self._recording)


def render(prompt: Prompt, values: Mapping[str, Any]) -> str:
    """The template with its ``{fields}`` filled; ``{{this}}`` and all other braces stay as they are.

    Raises `UsageError` naming a field without a value.
    """

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        if match[1] not in values:
            raise UsageError(
                f"prompt {prompt.name}@v{prompt.version} needs {match[1]!r}",
                mend=f"pass variables={{{match[1]!r}: ...}}",
            )
        return str(values[match[1]])

    return _FIELD.sub(fill, prompt.template)


def prompt_finder(store: Store) -> Callable[[str], Prompt]:
    """A function from ``"name@v7"`` or ``"name"`` to the prompt version. Raises `NotFound`. Each is read once."""
    known: dict[str, Prompt] = {}

    def find(reference: str) -> Prompt:
        if reference not in known:
            match = _PROMPT.match(reference)
            where: dict[str, Any] = {"name": match["name"] if match else reference}
            if match:
                where["version"] = int(match["version"])
            found = list(store.find(Prompt, where))
            if not found:
                names = {f"{prompt.name}@v{prompt.version}" for prompt in store.find(Prompt)}
                raise NotFound.among("prompt", reference, names)
            known[reference] = max(found, key=lambda prompt: prompt.version)
        return known[reference]

    return find


def recorded_output(output: Any) -> Any:
    """An output as it is stored and scored: JSON types, a `Reply` as its text or the calls it makes."""
    if output is None or type(output) in (str, int, bool):
        return output
    if isinstance(output, Reply):
        if not output.tool_calls:
            return output.text
        calls = [{"name": call.name, "arguments": plain(call.arguments)} for call in output.tool_calls]
        return calls[0] if len(calls) == 1 else calls
    return plain(output)
