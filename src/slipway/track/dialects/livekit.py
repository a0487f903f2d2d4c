"""LiveKit Agents: turns of a conversation by voice. Its newer spans of models also follow OpenTelemetry's conventions.

Names of attributes with content got ``pii`` in them; both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.data import ToolCall
from slipway.track.dialects.conversation import arguments, messages, tools
from slipway.track.dialects.shape import Dialect, Said, text

# llm_request_run is one attempt of llm_request, which is inside llm_node: of the three, the request has the tokens.
_KINDS = {
    "llm_request": "llm",
    "tts_request": "tts",
    "llm_node": "chain",
    "tts_node": "chain",
    "llm_request_run": "attempt",
    "tts_request_run": "attempt",
    "function_tool": "tool",
    "agent_turn": "agent",
    "user_turn": "stt",
    "agent_session": "agent",
}


def read(said: Said) -> dict[str, Any]:
    """Kind by the span's name; metrics that are JSON."""
    metrics = said.get("lk.llm_metrics", "lk.tts_metrics", "lk.realtime_model_metrics")
    metrics = metrics if isinstance(metrics, Mapping) else {}
    return {
        "kind": _KINDS.get(said.span.name),
        "input_tokens": metrics.get("prompt_tokens", metrics.get("input_tokens")),
        "output_tokens": metrics.get("completion_tokens", metrics.get("output_tokens")),
        "cached_tokens": metrics.get("prompt_cached_tokens"),
        "first_token_s": _waited(metrics),
    }


def converse(said: Said) -> dict[str, Any]:
    """Messages, text and sound; tools."""
    context = said.get("lk.pii.chat_ctx", "lk.chat_ctx")
    items = context.get("items") if isinstance(context, Mapping) else context
    asked = messages(items) or messages(
        said.get("lk.pii.user_input", "lk.user_input", "lk.pii.input_text", "lk.input_text")
    )
    calls = said.get("lk.pii.response.function_calls", "lk.response.function_calls")
    given = messages(said.get("lk.pii.response.text", "lk.response.text"), "assistant")
    if isinstance(calls, list) and calls:
        given = messages([{"role": "assistant", "content": given[0].content if given else "", "tool_calls": calls}])
    transcript = messages(said.get("lk.pii.user_transcript", "lk.user_transcript"))
    return {
        "messages_in": asked,
        "messages_out": given or transcript,
        "tools": tools(said.get("lk.function_tools")),
        "tool_calls": _ran(said),
    }


def _waited(metrics: Mapping[str, Any]) -> Any:
    found = metrics.get("ttft", metrics.get("ttfb"))
    return found if isinstance(found, int | float) and found >= 0 else None  # -1: nothing came


def _ran(said: Said) -> tuple[ToolCall, ...]:
    name = text(said.attributes.get("lk.function_tool.name"))
    if name is None:
        return ()
    given = said.get("lk.pii.function_tool.arguments", "lk.function_tool.arguments")
    return (ToolCall(name, arguments(given), text(said.attributes.get("lk.function_tool.id"))),)


DIALECT = Dialect(
    name="livekit",
    rank=70,
    names={
        "first_token_s": ("lk.response.ttft", "lk.response.ttfb"),
        "session_id": ("lk.room_sid", "lk.pii.room_name", "lk.room_name", "lk.job_id"),
        "user_id": ("lk.pii.participant_identity", "lk.participant_identity", "lk.participant_id"),
        "input": (
            "lk.pii.user_input",
            "lk.user_input",
            "lk.pii.input_text",
            "lk.input_text",
            "lk.pii.chat_ctx",
            "lk.chat_ctx",
            "lk.pii.function_tool.arguments",
            "lk.function_tool.arguments",
        ),
        "output": (
            "lk.pii.response.text",
            "lk.response.text",
            "lk.pii.user_transcript",
            "lk.user_transcript",
            "lk.pii.function_tool.output",
            "lk.function_tool.output",
        ),
    },
    heads=frozenset({"lk"}),
    read=read,
    converse=converse,
)
