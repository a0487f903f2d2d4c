"""Pipecat: conversations, turns, and what was heard, thought and said in them."""

from __future__ import annotations

from typing import Any

from slipway.track.dialects.conversation import messages, tools
from slipway.track.dialects.shape import Dialect, Said, amount, text

_KINDS = {"llm": "llm", "tts": "tts", "stt": "stt", "turn": "chain", "conversation": "chain"}


def read(said: Said) -> dict[str, Any]:
    """Its names are common words, so they are read in its own spans only."""
    if not said.span.scope.startswith("pipecat"):
        return {}
    given = said.attributes.get
    return {
        "kind": _KINDS.get(said.span.name),
        "first_token_s": amount(given("metrics.ttfb")),
        "session_id": text(given("conversation.id")),
        "user_id": text(given("user_id")),
        "max_tokens": given("param.max_tokens", given("param.max_completion_tokens")),
        "input": said.get("input", "text"),
        "output": said.get("output", "transcript"),
    }


def converse(said: Said) -> dict[str, Any]:
    """Messages and tools."""
    if not said.span.scope.startswith("pipecat"):
        return {}
    return {
        "messages_in": messages(said.get("input", "text")),
        "messages_out": messages(said.get("output"), "assistant") or messages(said.get("transcript")),
        "tools": tools(said.get("tools", "tools.definitions")),
    }


DIALECT = Dialect(
    name="pipecat",
    rank=80,
    heads=frozenset({"gen_ai", "conversation", "turn", "transcript"}),
    read=read,
    converse=converse,
)
