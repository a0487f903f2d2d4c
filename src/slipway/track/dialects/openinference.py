"""OpenInference, of Arize: kinds of spans, messages in numbered attributes, counts of tokens, sessions and users."""

from __future__ import annotations

from typing import Any

from slipway.data import ToolCall
from slipway.track.dialects.conversation import arguments, messages, tools
from slipway.track.dialects.shape import AS_SAID, Dialect, Said, text


def converse(said: Said) -> dict[str, Any]:
    """Messages and tools."""
    asked = messages(said.tree("llm.input_messages"))
    answered = messages(said.tree("llm.output_messages"), "assistant")
    return {
        "messages_in": asked or messages(_texts(said.tree("llm.prompts"), "prompt")),
        "messages_out": answered or messages(_texts(said.tree("llm.choices"), "completion"), "assistant"),
        "tools": tools(said.tree("llm.tools")),
        "tool_calls": _ran(said),
    }


def _texts(given: Any, name: str) -> Any:
    """Prompts and completions of models that know no messages."""
    if not isinstance(given, list):
        return None
    inner = [each.get(name) for each in given if isinstance(each, dict)]
    return [each for each in inner if isinstance(each, dict)] or None


def _ran(said: Said) -> tuple[ToolCall, ...]:
    kind = said.attributes.get("openinference.span.kind")
    name = text(said.attributes.get("tool.name"))
    if name is None and isinstance(kind, str) and kind.lower() == "tool":
        name = text(said.span.name)
    if name is None:
        return ()
    return (ToolCall(name, arguments(said.get("input.value")), text(said.attributes.get("tool_call.id"))),)


DIALECT = Dialect(
    name="openinference",
    rank=10,
    names={
        "model": ("llm.model_name", "embedding.model_name", "reranker.model_name"),
        "request_model": ("llm.request.model_name",),
        "provider": ("llm.provider", "llm.system"),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "cached_tokens": ("llm.token_count.prompt_details.cache_read",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "cost_usd": ("llm.cost.total",),
        "finish_reason": ("llm.finish_reason",),
        "session_id": ("session.id",),
        "user_id": ("user.id",),
        "prompt_name": ("prompt.id", "llm.prompt_template.name"),
        "prompt_version": ("llm.prompt_template.version", "prompt.version"),
        "input": ("input.value",),
        "output": ("output.value",),
    },
    kinds={"openinference.span.kind": {AS_SAID: ""}},
    parameters=("llm.invocation_parameters",),
    heads=frozenset({"llm", "openinference", "tool"}),
    converse=converse,
)
