"""MLflow's attributes, each of which is JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slipway.track.dialects.conversation import messages, tools
from slipway.track.dialects.shape import Dialect, Said

_KINDS = {
    "CHAT_MODEL": "llm",
    "LLM": "llm",
    "EMBEDDING": "embedding",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "RERANKER": "reranker",
    "WORKFLOW": "chain",
    "TASK": "chain",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}


def read(said: Said) -> dict[str, Any]:
    """Tokens and cost, and what is text in quotes."""
    found: dict[str, Any] = {}
    usage, cost = said.get("mlflow.chat.tokenUsage"), said.get("mlflow.llm.cost")
    if isinstance(usage, Mapping):
        found["input_tokens"], found["output_tokens"] = usage.get("input_tokens"), usage.get("output_tokens")
        found["cached_tokens"] = usage.get("cache_read_input_tokens")
    if isinstance(cost, Mapping):
        found["cost_usd"] = cost.get("total_cost")
    for field, name in _QUOTED.items():
        found[field] = unquoted(said.attributes.get(name))
    return found


def converse(said: Said) -> dict[str, Any]:
    """Messages and tools."""
    found: dict[str, Any] = {"tools": tools(said.get("mlflow.chat.tools"))}
    kind = unquoted(said.attributes.get("mlflow.spanType"))
    if isinstance(kind, str) and _KINDS.get(kind) == "llm":
        found["messages_in"] = messages(said.get("mlflow.chat.messages", "mlflow.spanInputs"))
        found["messages_out"] = messages(said.get("mlflow.spanOutputs"), "assistant")
    return found


_QUOTED = {
    "model": "mlflow.llm.model",
    "provider": "mlflow.llm.provider",
    "session_id": "mlflow.trace.session",
    "user_id": "mlflow.trace.user",
}


def unquoted(value: Any) -> Any:
    """Text without the quotes of JSON."""
    if isinstance(value, str) and value[:1] == '"' and len(value) < 10_000:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


DIALECT = Dialect(
    name="mlflow",
    rank=100,
    names={"input": ("mlflow.spanInputs",), "output": ("mlflow.spanOutputs",)},
    kinds={"mlflow.spanType": {name.lower(): kind for name, kind in _KINDS.items()}},
    heads=frozenset({"mlflow"}),
    read=read,
    converse=converse,
)
