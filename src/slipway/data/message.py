"""What is said to a model and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """Tokens and their price. ``cost_usd`` is None when no price is known: unknown is not free."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that decides an answer; its content hash is the cache key."""

    messages: tuple[Message, ...]
    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    response_schema: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = "stop"
    model: str = ""
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    cached: bool = False


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
