"""Logfire and pydantic-ai: what their older spans say beside, or in place of, OpenTelemetry's conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.data import ToolCall
from slipway.track.dialects.conversation import arguments, messages, tools
from slipway.track.dialects.shape import Dialect, Said, text


def read(said: Said) -> dict[str, Any]:
    """Kind of a span that names none."""
    return {"kind": _kind(said)}


def converse(said: Said) -> dict[str, Any]:
    """Messages out of lists of events, of whole requests and responses; tools; the tool that was run."""
    events = said.get("events")
    asked, answered = _split(events)
    request, response = said.get("request_data"), said.get("response_data")
    every = said.get("pydantic_ai.all_messages", "all_messages_events")
    return {
        "messages_in": asked or messages(request) or messages(every),
        "messages_out": answered or messages(response, "assistant") or messages(said.get("final_result"), "assistant"),
        "tools": tools(said.get("model_request_parameters")) or tools(_tools(request)),
        "tool_calls": _ran(said),
    }


def _kind(said: Said) -> str | None:
    """Older spans of pydantic-ai name no operation, and those of agents repeat the tokens of the calls inside them."""
    if said.span.scope != "pydantic-ai" or "gen_ai.operation.name" in said.attributes:
        return None
    if "gen_ai.tool.name" in said.attributes:
        return "tool"
    return "agent" if "agent_name" in said.attributes else None


def _tools(request: Any) -> Any:
    return request.get("tools") if isinstance(request, Mapping) else None


def _split(events: Any) -> tuple[Any, Any]:
    """Messages to the model, and from it, of a list of OpenTelemetry's message events."""
    if not isinstance(events, list) or not all(isinstance(each, Mapping) for each in events[:1]):
        return (), ()
    given = [each for each in events if isinstance(each, Mapping)]
    choices = [each for each in given if each.get("event.name") == "gen_ai.choice"]
    asked = [each for each in given if each.get("event.name") != "gen_ai.choice"]
    return messages(asked), messages(choices, "assistant")


def _ran(said: Said) -> tuple[ToolCall, ...]:
    name = text(said.attributes.get("gen_ai.tool.name"))
    if name is None or "tool_arguments" not in said.attributes:
        return ()
    return (ToolCall(name, arguments(said.get("tool_arguments")), text(said.attributes.get("gen_ai.tool.call.id"))),)


_HEADS = (
    "events",
    "pydantic_ai",
    "all_messages_events",
    "request_data",
    "response_data",
    "agent_name",
    "tool_arguments",
)

DIALECT = Dialect(
    name="logfire",
    rank=40,
    names={
        "model": ("model_name",),
        "cached_tokens": ("gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cached_tokens"),
        "reasoning_tokens": ("gen_ai.usage.details.reasoning_tokens",),
        "cost_usd": ("operation.cost",),
        "input": ("pydantic_ai.all_messages", "tool_arguments", "prompt", "request_data"),
        "output": ("final_result", "tool_response", "all_messages_events", "response_data"),
    },
    heads=frozenset((*_HEADS, "model_request_parameters")),
    read=read,
    converse=converse,
)
