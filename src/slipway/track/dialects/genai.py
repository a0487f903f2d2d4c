"""OpenTelemetry's GenAI conventions: messages as events, on the span or as log records; then as JSON in attributes.

The generation before both, messages in numbered attributes, is that of openllmetry.py, where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.data import ToolCall
from slipway.track.dialects.conversation import arguments, messages, tools
from slipway.track.dialects.shape import AS_SAID, Dialect, Said, decoded, text

_ASKED = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"
_OLD = {"gen_ai.content.prompt": "gen_ai.prompt", "gen_ai.content.completion": "gen_ai.completion"}


def converse(said: Said) -> dict[str, Any]:
    """Messages, from the newest generation that has some; tools; the tool that was run."""
    asked = messages(said.get("gen_ai.input.messages"))
    answered = messages(said.get("gen_ai.output.messages"), "assistant")
    reason = _reason(said.get("gen_ai.output.messages"))
    by_event = _by_events(said)
    return {
        "system": messages(said.get("gen_ai.system_instructions"), "system"),
        "messages_in": asked or tuple(by_event["asked"]),
        "messages_out": answered or tuple(by_event["answered"]),
        "finish_reason": text(said.get("gen_ai.response.finish_reasons")) or reason or by_event["reason"],
        "tools": tools(said.get("gen_ai.tool.definitions", "gen_ai.request.tools")),
        "tool_calls": _ran(said),
    }


def _by_events(said: Said) -> dict[str, Any]:
    found: dict[str, Any] = {"asked": [], "answered": [], "reason": None}
    given = [(event.name, event.attributes, event.attributes) for event in said.span.events]
    if not any(name in _ASKED or name == _CHOICE for name, _, _ in given):
        given += [(log.event, log.body, log.attributes) for log in said.logs]
    for name, body, attributes in given:
        if name in _ASKED:
            found["asked"].extend(messages(_content(body, attributes, _ASKED[name]), _ASKED[name]))
        elif name == _CHOICE:
            content = _content(body, attributes, "assistant")
            found["answered"].extend(messages(content, "assistant"))
            found["reason"] = found["reason"] or text(content.get("finish_reason"))
        elif name in _OLD:
            inner = attributes.get(_OLD[name])
            side = "asked" if name == "gen_ai.content.prompt" else "answered"
            found[side].extend(messages(inner, "user" if side == "asked" else "assistant"))
    return found


def _content(body: Any, attributes: Mapping[str, Any], role: str) -> dict[str, Any]:
    """The message of an event, which lies in its body, in one attribute as JSON, or in attributes."""
    body = decoded(attributes.get("gen_ai.event.content", body))
    if not isinstance(body, Mapping):
        return {"role": role, "content": body}
    inner = decoded(body.get("message"))
    if isinstance(inner, Mapping):
        return {"role": role, "finish_reason": body.get("finish_reason"), **inner}
    if isinstance(inner, str):
        return {"role": role, "content": inner, "finish_reason": body.get("finish_reason")}
    return {"role": role, **body}


def _reason(given: Any) -> str | None:
    last = given[-1] if isinstance(given, list) and given else None
    return text(last.get("finish_reason")) if isinstance(last, Mapping) else None


def _ran(said: Said) -> tuple[ToolCall, ...]:
    name = text(said.attributes.get("gen_ai.tool.name"))
    if name is None:
        return ()
    given = said.get("gen_ai.tool.call.arguments", "tool_arguments", "gen_ai.tool.input")
    return (ToolCall(name, arguments(given), text(said.attributes.get("gen_ai.tool.call.id"))),)


DIALECT = Dialect(
    name="genai",
    rank=20,
    names={
        "model": ("gen_ai.response.model", "gen_ai.request.model"),
        "request_model": ("gen_ai.request.model",),
        "provider": ("gen_ai.provider.name", "gen_ai.system"),
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
        "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
        "cached_tokens": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
        "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
        "cost_usd": ("gen_ai.usage.cost", "gen_ai.usage.total_cost"),
        "temperature": ("gen_ai.request.temperature",),
        "top_p": ("gen_ai.request.top_p",),
        "max_tokens": ("gen_ai.request.max_tokens",),
        "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed"),
        "finish_reason": ("gen_ai.response.finish_reasons",),
        "first_token_s": ("gen_ai.server.time_to_first_token", "gen_ai.response.time_to_first_chunk"),
        "session_id": ("session.id", "gen_ai.conversation.id"),
        "user_id": ("user.id", "enduser.id"),
        "prompt_name": ("gen_ai.prompt.name",),
        "prompt_version": ("gen_ai.prompt.version",),
        "input": ("gen_ai.input.messages", "gen_ai.tool.call.arguments", "gen_ai.prompt"),
        "output": ("gen_ai.output.messages", "gen_ai.tool.call.result", "gen_ai.completion"),
    },
    kinds={
        "gen_ai.operation.name": {
            **dict.fromkeys(("chat", "text_completion", "generate_content", "completion", "generation"), "llm"),
            "embeddings": "embedding",
            "embedding": "embedding",
            "execute_tool": "tool",
            "invoke_agent": "agent",
            "create_agent": "agent",
            "retrieval": "retriever",
            "invoke_workflow": "chain",
            "workflow": "chain",
            "task": "chain",
            "span": "internal",
            AS_SAID: "",
        }
    },
    heads=frozenset({"gen_ai"}),
    converse=converse,
)
