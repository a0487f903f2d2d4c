"""What a model call cost, by the ``[prices]`` of slipway.toml, where its span says model and tokens and no price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COST = "slipway.cost_usd"
CALLS = frozenset({"llm", "embedding"})
"""Kinds of spans that are model calls."""
_MODELS = ("slipway.model", "slipway.request.model", "gen_ai.response.model", "gen_ai.request.model")
_ASKED = ("slipway.tokens.input", "gen_ai.usage.input_tokens")
_ANSWERED = ("slipway.tokens.output", "gen_ai.usage.output_tokens")


def priced(kind: str, attributes: Mapping[str, Any], prices: Mapping[str, tuple[float, float]]) -> Mapping[str, Any]:
    """``attributes`` with ``slipway.cost_usd`` where it can be known: unknown is not free. The price of the model that answered
    goes before that of the one that was asked for. Tokens from a provider's cache are priced like all others."""
    if not prices or kind not in CALLS or COST in attributes:
        return attributes
    names = [name for name in map(attributes.get, _MODELS) if isinstance(name, str) and name in prices]
    asked, answered = _first(attributes, _ASKED), _first(attributes, _ANSWERED)
    if answered is None and kind == "embedding":
        answered = 0
    if not names or asked is None or answered is None:
        return attributes
    price = prices[names[0]]
    return {**attributes, COST: (asked * price[0] + answered * price[1]) / 1_000_000}


def _first(attributes: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = attributes.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
