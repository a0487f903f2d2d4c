"""What is said to a model and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data.canonical import LATER


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called. ``arguments`` is the decoded object."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: role is system, user, assistant or tool."""

    role: str
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and their price. ``cost_usd`` is None when no price is known: unknown is not free. ``cached_tokens`` are those of
    the input that the model did not have to read again."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    cached_tokens: int = field(default=0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Logprob:
    """How likely a token of the answer was: the natural logarithm of its probability, and the likeliest ones in its place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that decides an answer; its content hash is the cache key.

    ``prompt`` is a raw text to be continued, in place of ``messages``: no chat template touches it. ``response_schema`` (JSON
    Schema) or ``grammar`` (GBNF, for a local model or a llama.cpp server) bind what the answer may be. ``logprobs`` is how many
    alternatives are reported for each token of it; 0: none. ``extra`` goes to the provider as it is.
    """

    messages: tuple[Message, ...] = ()
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    response_schema: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = field(default="", metadata=LATER)
    grammar: str = field(default="", metadata=LATER)
    logprobs: int = field(default=0, metadata=LATER)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. ``logprobs`` holds a `Logprob` for each of its tokens, when they were asked for."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = "stop"
    model: str = ""
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    cached: bool = False
    logprobs: tuple[Logprob, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True)
class Response:
    """A recorded answer (of a model or of a whole task), so that a second identical run is free and exact."""

    key: str
    source: str
    request: Any
    reply: Any
    latency_ms: float
    created_ns: int
    cost_usd: float | None = None
    project: str = "default"
