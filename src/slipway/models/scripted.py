"""A model whose answers are written down beforehand: a real provider, for tests, demos and rehearsed failures.

model = ScriptedModel(["hello", rate_limited(retry_after_s=2), cut("half an ans", after=4)])
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from slipway.data import Reply, Request, ToolCall, Usage
from slipway.errors import ModelError
from slipway.registry import register

Sleep = Callable[[float], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A scripted failure: what the provider's last word is, and what text (if any) came before it."""

    message: str
    status: int | None = None
    retry_after_s: float | None = None
    partial: str = ""

    def error(self) -> ModelError:
        """The exception that stands for it."""
        return ModelError(self.message, status=self.status, retry_after_s=self.retry_after_s, partial=self.partial)


def rate_limited(retry_after_s: float | None = None) -> Fault:
    """429, and when to come back."""
    return Fault("scripted: too many requests", 429, retry_after_s)


def failed(status: int = 500) -> Fault:
    """An HTTP error of the provider."""
    return Fault(f"scripted: HTTP {status}", status)


def timed_out() -> Fault:
    """No answer came at all."""
    return Fault("scripted: timed out")


def cut(text: str, after: int) -> Fault:
    """A stream that breaks off after ``after`` characters of ``text``."""
    return Fault(f"scripted: the stream broke off after {after} characters", partial=text[:after])


Answer = str | Reply | ToolCall | Fault | BaseException | Mapping[str, Any] | None
Script = (
    Sequence[Answer] | Mapping[str, Answer] | Callable[[Request], Any] | str | Reply | ToolCall | Fault | BaseException
)


@register("model", "scripted")
class ScriptedModel:
    """Answers from a script.

    ``script``: a list (one answer a call, in order; with ``cycle`` from the start again, otherwise a call too many raises),
    a mapping from the last message's text to the answer, a function of the `Request` (sync or async), or one answer for
    every call. An answer is a text, a `Reply`, a `ToolCall`, a `Fault`, or an exception to raise; what other value a function
    returns is written as text. Usage counts words; with ``usd_per_1k`` (input, output) tokens they have a price.

    ``calls`` holds every request that arrived, ``running`` and ``most_running`` how many were under way at once.
    """

    def __init__(
        self,
        script: Script = "",
        *,
        name: str = "scripted",
        latency_ms: float = 0.0,
        cycle: bool = False,
        usd_per_1k: tuple[float, float] | None = None,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.calls: list[Request] = []
        self.running = 0
        self.most_running = 0
        self._script = script
        self._cycle = cycle
        self._latency_ms = latency_ms
        self._usd_per_1k = usd_per_1k
        self._sleep = sleep
        self._clock = clock

    @property
    def call_count(self) -> int:
        """How many requests arrived, failed ones too."""
        return len(self.calls)

    async def complete(self, request: Request) -> Reply:
        """The next answer. Raises what the script says, or `ModelError` when it has none."""
        started = self._clock()
        answer = await self._next(request)
        try:
            if self._latency_ms:
                await self._sleep(self._latency_ms / 1000)
            reply = self._reply(answer, request)
        finally:
            self.running -= 1
        return replace(reply, latency_ms=reply.latency_ms or (self._clock() - started) * 1000)

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer word by word; a `cut` one breaks off with its `ModelError`."""
        answer = await self._next(request)
        try:
            if self._latency_ms:
                await self._sleep(self._latency_ms / 1000)
            text = answer.partial if isinstance(answer, Fault) else self._reply(answer, request).text
            for piece in _pieces(text):
                yield piece
            if isinstance(answer, Fault):
                raise answer.error()
        finally:
            self.running -= 1

    async def _next(self, request: Request) -> Any:
        number = len(self.calls)
        self.calls.append(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._find(number, request)
        except BaseException:
            self.running -= 1
            raise

    async def _find(self, number: int, request: Request) -> Any:
        script: Any = self._script
        if callable(script):
            answer = script(request)
            return await answer if inspect.isawaitable(answer) else answer
        if isinstance(script, str | Reply | ToolCall | Fault | BaseException):
            return script
        if isinstance(script, Mapping):
            said = request.messages[-1].content if request.messages else ""
            if said not in script:
                raise ModelError(f"the script has no answer to {said[:80]!r}", mend="add it to the mapping", status=400)
            return script[said]
        if not script or (number >= len(script) and not self._cycle):
            raise ModelError(
                f"the script has {len(script)} answers and this is call {number + 1}",
                mend="add one, or pass cycle=True",
                status=400,
            )
        return script[number % len(script)]

    def _reply(self, answer: Answer, request: Request) -> Reply:
        if isinstance(answer, Fault):
            raise answer.error()
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Reply):
            return answer if answer.model else replace(answer, model=request.model or self.name)
        if isinstance(answer, ToolCall):
            return Reply(
                tool_calls=(answer,),
                finish_reason="tool_calls",
                model=request.model or self.name,
                usage=self._usage("", request),
            )
        text = "" if answer is None else str(answer)
        return Reply(text=text, model=request.model or self.name, usage=self._usage(text, request))

    def _usage(self, text: str, request: Request) -> Usage:
        said = sum(len(message.content.split()) for message in request.messages)
        answered = len(text.split())
        cost = None
        if self._usd_per_1k is not None:
            cost = (said * self._usd_per_1k[0] + answered * self._usd_per_1k[1]) / 1000
        return Usage(input_tokens=said, output_tokens=answered, cost_usd=cost)


def _pieces(text: str) -> list[str]:
    """Words with the space before them; together they are the text again."""
    pieces: list[str] = []
    start = 0
    for end in range(1, len(text)):
        if text[end] == " " and text[end - 1] != " ":
            pieces.append(text[start:end])
            start = end
    return [*pieces, text[start:]] if text else []
