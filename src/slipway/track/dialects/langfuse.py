"""Langfuse's attributes on OpenTelemetry spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.track.dialects.conversation import messages
from slipway.track.dialects.shape import AS_SAID, Dialect, Said, text


def read(said: Said) -> dict[str, Any]:
    """Tokens and cost of a generation, and its error."""
    found: dict[str, Any] = {}
    usage, cost = said.get("langfuse.observation.usage_details"), said.get("langfuse.observation.cost_details")
    if isinstance(usage, Mapping):
        found["input_tokens"] = usage.get("input", usage.get("prompt_tokens"))
        found["output_tokens"] = usage.get("output", usage.get("completion_tokens"))
        found["cached_tokens"] = usage.get("input_cached_tokens", usage.get("cache_read_input_tokens"))
        found["reasoning_tokens"] = usage.get("output_reasoning_tokens")
    if isinstance(cost, Mapping):
        found["cost_usd"] = cost.get("total")
    if said.attributes.get("langfuse.observation.level") == "ERROR":
        found["error"] = text(said.attributes.get("langfuse.observation.status_message"))
    return found


def converse(said: Said) -> dict[str, Any]:
    """Messages of a generation."""
    if said.attributes.get("langfuse.observation.type") != "generation":
        return {}
    return {
        "messages_in": messages(said.get("langfuse.observation.input")),
        "messages_out": messages(said.get("langfuse.observation.output"), "assistant"),
    }


DIALECT = Dialect(
    name="langfuse",
    rank=90,
    names={
        "model": ("langfuse.observation.model.name",),
        "session_id": ("langfuse.session.id",),
        "user_id": ("langfuse.user.id",),
        "prompt_name": ("langfuse.observation.prompt.name",),
        "prompt_version": ("langfuse.observation.prompt.version",),
        "input": ("langfuse.observation.input",),
        "output": ("langfuse.observation.output",),
    },
    kinds={
        "langfuse.observation.type": {
            **dict.fromkeys(("generation",), "llm"),
            "span": "internal",
            "event": "internal",
            AS_SAID: "",
        }
    },
    parameters=("langfuse.observation.model.parameters",),
    heads=frozenset({"langfuse"}),
    read=read,
    converse=converse,
)
