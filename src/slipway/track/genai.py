"""GenAI attributes in the dialects in use, under one name each. Raw attributes stay beside them, verbatim.

The names are ours because those published for OpenTelemetry are marked deprecated one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

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


_KIND = ("openinference.span.kind", "gen_ai.operation.name", "traceloop.span.kind", "langfuse.observation.type")
_PARAMETERS = "llm.invocation_parameters"
_KNOWN = frozenset((*(name for theirs in NAMES.values() for name in theirs), *_INPUTS, *_OUTPUTS, *_KIND, _PARAMETERS))


@dataclass(frozen=True, slots=True)
class Described:
    """What a span's attributes say about a model call."""

    kind: str | None
    input: Any
    output: Any
    attributes: Mapping[str, Any]


def describe(attributes: Mapping[str, Any]) -> Described:
    """Kind, input, output and normalised attributes; empty where nothing is said."""
    ours, kinds, inputs, outputs = _plan(_KNOWN.intersection(attributes))
    found: dict[str, Any] = {}
    for our, theirs in ours:
        for name in theirs:
            if attributes[name] is not None:
                found[our] = attributes[name]
                break
    if _PARAMETERS in attributes:
        _add_parameters(found, _json(attributes[_PARAMETERS]))
    kind = next((value for name in kinds if (value := attributes[name])), None)
    kind = kind.lower() if isinstance(kind, str) else None
    return Described(
        _KINDS.get(kind, kind) if kind else None, _first(attributes, inputs), _first(attributes, outputs), found
    )


@lru_cache(maxsize=512)
def _plan(
    said: frozenset[str],
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What to look at in a span that has these of the known names: a receiver meets the same few sets all the time."""

    def of(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name in said)

    ours = tuple((our, of(theirs)) for our, theirs in NAMES.items() if of(theirs))
    return ours, of(_KIND), of(_INPUTS), of(_OUTPUTS)


def _add_parameters(found: dict[str, Any], parameters: Any) -> None:
    if not isinstance(parameters, dict):
        return
    if isinstance(parameters.get("model"), str):
        found.setdefault("slipway.request.model", parameters["model"])
    for name in ("temperature", "max_tokens", "seed", "top_p"):
        if name in parameters:
            found.setdefault(f"slipway.{name}", parameters[name])


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if attributes[name] is not None:
            return _json(attributes[name])
    return None


def _json(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return _unusual(value)
    return value


def _unusual(value: str) -> Any:
    """What Python writes as JSON and msgspec does not read: NaN, infinities, lone surrogates."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
