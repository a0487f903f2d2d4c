"""LiteLLM's OpenTelemetry callback: OpenTelemetry's conventions, with what a call cost, and calls of tools beside messages."""

from __future__ import annotations

from typing import Any

from slipway.track.dialects.conversation import messages
from slipway.track.dialects.shape import Dialect, Said

_RAW = "raw_gen_ai_request"  # the request again, as it was sent: inside the span that has the tokens


def read(said: Said) -> dict[str, Any]:
    """Kind by the span's name."""
    return {"kind": "attempt" if said.span.name == _RAW else None}


def converse(said: Said) -> dict[str, Any]:
    """Calls of tools, which the messages of the same span leave out."""
    calls = messages(said.tree("gen_ai.completion"), "assistant")
    return {"messages_out": calls if any(each.tool_calls for each in calls) else ()}


DIALECT = Dialect(
    name="litellm",
    rank=15,
    names={
        "cost_usd": ("gen_ai.cost.total_cost", "gen_ai.cost.original_cost"),
        "session_id": ("metadata.session_id",),
        "user_id": ("llm.user", "metadata.user_api_key_end_user_id", "metadata.user_api_key_user_id"),
        "error": ("error.message",),
    },
    heads=frozenset({"litellm", "llm"}),
    read=read,
    converse=converse,
)
