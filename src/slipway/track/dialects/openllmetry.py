"""OpenLLMetry, of Traceloop: workflows, and messages in numbered attributes (``gen_ai.prompt.0.content``), the first generation
of what became OpenTelemetry's conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.data import ToolCall
from slipway.track.dialects.conversation import arguments, messages, tools
from slipway.track.dialects.shape import AS_SAID, Dialect, Said, text


def converse(said: Said) -> dict[str, Any]:
    """Messages, from the newer names or else the older; tools; what a workflow was given."""
    answered = said.tree("gen_ai.completion") or said.tree("llm.completions")
    return {
        "messages_in": messages(said.tree("gen_ai.prompt") or said.tree("llm.prompts")),
        "messages_out": messages(answered, "assistant"),
        "finish_reason": _reason(answered),
        "tools": tools(said.tree("llm.request.functions")),
        "tool_calls": _ran(said),
    }


def _reason(answered: Any) -> str | None:
    last = answered[-1] if isinstance(answered, list) and answered else None
    return text(last.get("finish_reason")) if isinstance(last, Mapping) else None


def _ran(said: Said) -> tuple[ToolCall, ...]:
    if said.attributes.get("traceloop.span.kind") != "tool":
        return ()
    name = text(said.attributes.get("traceloop.entity.name")) or text(said.span.name)
    given = said.get("traceloop.entity.input")
    inner = given.get("kwargs") or given.get("inputs") if isinstance(given, Mapping) else None
    return (ToolCall(name, arguments(inner if inner else given)),) if name else ()


_OF = "traceloop.association.properties."

DIALECT = Dialect(
    name="openllmetry",
    rank=30,
    names={
        "model": ("llm.response.model", "llm.request.model"),
        "request_model": ("llm.request.model",),
        "provider": ("llm.vendor",),
        "input_tokens": ("llm.usage.prompt_tokens",),
        "output_tokens": ("llm.usage.completion_tokens",),
        "reasoning_tokens": ("llm.usage.reasoning_tokens",),
        "cached_tokens": ("llm.usage.cache_read_input_tokens",),
        "temperature": ("llm.temperature", "llm.request.temperature"),
        "top_p": ("llm.top_p", "llm.request.top_p"),
        "max_tokens": ("llm.request.max_tokens",),
        "finish_reason": ("llm.response.finish_reason", "llm.response.stop_reason", "anthropic.message.stop_reason"),
        "session_id": tuple(_OF + name for name in ("session_id", "chat_id", "thread_id", "conversation_id")),
        "user_id": (_OF + "user_id", "llm.user"),
        "prompt_name": ("traceloop.prompt.key", "traceloop.prompt.name"),
        "prompt_version": ("traceloop.prompt.version_name", "traceloop.prompt.version"),
        "input": ("traceloop.entity.input",),
        "output": ("traceloop.entity.output",),
    },
    kinds={
        "traceloop.span.kind": {"workflow": "chain", "task": "chain", "tool": "tool", "agent": "agent", AS_SAID: ""},
        "llm.request.type": {
            **dict.fromkeys(("chat", "completion"), "llm"),
            "embedding": "embedding",
            "rerank": "reranker",
        },
    },
    heads=frozenset({"gen_ai", "llm", "traceloop"}),
    converse=converse,
)
