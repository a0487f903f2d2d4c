"""GenAI attributes in the dialects in use, under one name each. Raw attributes stay beside them, verbatim.

The names are ours because those published for OpenTelemetry are marked deprecated one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# our name -> theirs, the first that is there wins: OpenTelemetry GenAI, OpenInference, OpenLLMetry, Langfuse, Logfire
NAMES: Mapping[str, tuple[str, ...]] = {
    "slipway.model": (
        "gen_ai.response.model",
        "gen_ai.request.model",
        "llm.model_name",
        "embedding.model_name",
        "llm.request.model",
    ),
    "slipway.request.model": ("gen_ai.request.model", "llm.request.model_name", "llm.request.model"),
    "slipway.provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "slipway.tokens.input": ("gen_ai.usage.input_tokens", "llm.token_count.prompt", "gen_ai.usage.prompt_tokens"),
    "slipway.tokens.output": (
        "gen_ai.usage.output_tokens",
        "llm.token_count.completion",
        "gen_ai.usage.completion_tokens",
    ),
    "slipway.tokens.cached": ("gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read"),
    "slipway.cost_usd": ("gen_ai.usage.cost", "llm.cost.total", "gen_ai.usage.total_cost"),
    "slipway.temperature": ("gen_ai.request.temperature",),
    "slipway.max_tokens": ("gen_ai.request.max_tokens",),
    "slipway.finish_reason": ("gen_ai.response.finish_reasons", "llm.finish_reason", "anthropic.message.stop_reason"),
}
_INPUTS = (
    "input.value",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "traceloop.entity.input",
    "langfuse.observation.input",
    "prompt",
)
_OUTPUTS = (
    "output.value",
    "gen_ai.output.messages",
    "gen_ai.completion",
    "traceloop.entity.output",
    "langfuse.observation.output",
    "all_messages_events",
)
_KINDS: Mapping[str, str] = dict(
    [(name, "llm") for name in ("chat", "text_completion", "generate_content", "completion", "generation")]
    + [("embeddings", "embedding"), ("execute_tool", "tool"), ("invoke_agent", "agent"), ("create_agent", "agent")]
    + [("workflow", "chain"), ("task", "chain"), ("span", "internal")]
)


@dataclass(frozen=True, slots=True)
class Described:
    """What a span's attributes say about a model call."""

    kind: str | None
    input: Any
    output: Any
    attributes: Mapping[str, Any]


def describe(attributes: Mapping[str, Any]) -> Described:
    """Kind, input, output and normalised attributes; empty where nothing is said."""
    found: dict[str, Any] = {}
    for ours, theirs in NAMES.items():
        for name in theirs:
            if attributes.get(name) is not None:
                found[ours] = attributes[name]
                break
    parameters = _json(attributes.get("llm.invocation_parameters"))
    if isinstance(parameters, dict):
        if isinstance(parameters.get("model"), str):
            found.setdefault("slipway.request.model", parameters["model"])
        for name in ("temperature", "max_tokens", "seed", "top_p"):
            if name in parameters:
                found.setdefault(f"slipway.{name}", parameters[name])
    kind = attributes.get("openinference.span.kind") or attributes.get("gen_ai.operation.name")
    kind = kind or attributes.get("traceloop.span.kind") or attributes.get("langfuse.observation.type")
    kind = kind.lower() if isinstance(kind, str) and kind else None
    return Described(
        _KINDS.get(kind, kind) if kind else None, _first(attributes, _INPUTS), _first(attributes, _OUTPUTS), found
    )


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if attributes.get(name) is not None:
            return _json(attributes[name])
    return None


def _json(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
