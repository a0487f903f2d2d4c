"""Deriving: what the attributes of a span say, as `Facts` to search it by. The one place that knows dialects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.data import Span
from slipway.data.text import shorten
from slipway.store.derived.facts import Facts
from slipway.store.derived.words import strings
from slipway.track.genai import describe

CALLS = frozenset({"llm", "embedding", "reranker", "stt", "tts"})
"""Kinds whose tokens and cost are summed. Agents and chains often repeat the totals of the calls below them."""
_UNSAID = frozenset({"internal", "client", "server", "producer", "consumer", "unspecified", ""})
_SESSIONS = (
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "traceloop.association.properties.session_id",
)
_USERS = ("user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id")
PREVIEW = 300


def derive(spans: Sequence[Span]) -> list[Facts]:
    """Facts of each span."""
    return [facts(span) for span in spans]


def facts(span: Span) -> Facts:
    """Facts of one span. Whatever the attributes hold, this does not raise."""
    described = describe(span.attributes)
    known = {**described.attributes, **{k: v for k, v in span.attributes.items() if k.startswith("slipway.")}}
    model = _text(known.get("slipway.model"))
    asked, answered = _count(known.get("slipway.tokens.input")), _count(known.get("slipway.tokens.output"))
    kind = _text(described.kind) if span.kind in _UNSAID else span.kind
    if kind is None or kind in _UNSAID:
        kind = "llm" if model and (asked is not None or answered is not None) else span.kind
    root = span.parent_id is None  # nobody shows a preview of another span
    given = span.input if span.input is not None else described.input
    output = span.output if span.output is not None else described.output
    said = " ".join((span.name, strings(_seen(given)), strings(_seen(output)), span.error or ""))
    return Facts(
        kind=kind,
        call=kind in CALLS,
        model=model,
        provider=_text(known.get("slipway.provider")),
        input_tokens=asked,
        output_tokens=answered,
        cached_tokens=_count(known.get("slipway.tokens.cached")),
        cost_usd=_cost(known.get("slipway.cost_usd")),
        session_id=span.session_id or _first(span.attributes, _SESSIONS),
        user_id=span.user_id or _first(span.attributes, _USERS),
        text=said,
        input=shorten(given, PREVIEW) if root and given is not None else None,
        output=shorten(output, PREVIEW) if root and output is not None else None,
    )


def _seen(value: Any) -> Any:
    """What is kept beside a big payload that is elsewhere."""
    if isinstance(value, dict) and "$blob" in value:
        return value.get("preview")
    return value


def _first(attributes: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((text for name in names if (text := _text(attributes.get(name)))), None)


def _text(value: Any) -> str | None:
    return value[:1000] if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if 0 <= value < 2**53 else None


def _cost(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        cost = float(value)
    except OverflowError:
        return None
    return cost if 0 <= cost < 1e12 else None
