"""The AI SDK of Vercel: spans of calls inside spans of functions, with the messages and tools as JSON."""

from __future__ import annotations

from typing import Any

from slipway.data import Message, ToolCall
from slipway.track.dialects.conversation import arguments, call, messages, tools
from slipway.track.dialects.shape import Dialect, Said, text


def converse(said: Said) -> dict[str, Any]:
    """Messages, tools offered, the tool that was run."""
    asked = said.get("ai.toolCall.calls", "ai.response.toolCalls", "ai.result.toolCalls")
    calls = tuple(found for each in asked[:1000] if (found := call(each))) if isinstance(asked, list) else ()
    answered = messages(
        said.get("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object"), "assistant"
    )
    if calls:
        answered = (Message("assistant", answered[0].content if answered else "", calls),)
    name = text(said.attributes.get("ai.toolCall.name"))
    if name is not None:
        calls = (ToolCall(name, arguments(said.get("ai.toolCall.args")), text(said.attributes.get("ai.toolCall.id"))),)
    return {
        "messages_in": messages(said.get("ai.prompt.messages", "ai.prompt")),
        "messages_out": answered,
        "tools": tools(said.get("ai.prompt.tools")),
        "tool_calls": calls,
    }


_OF = "ai.telemetry.metadata."
_FUNCTIONS = ("generatetext", "streamtext", "generateobject", "streamobject")

DIALECT = Dialect(
    name="vercel",
    rank=50,
    names={
        "model": ("ai.response.model", "ai.model.id"),
        "request_model": ("ai.model.id",),
        "provider": ("ai.model.provider",),
        "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
        "cached_tokens": ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        "reasoning_tokens": ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
        "temperature": ("ai.settings.temperature",),
        "top_p": ("ai.settings.topP",),
        "max_tokens": ("ai.settings.maxOutputTokens", "ai.settings.maxTokens"),
        "seed": ("ai.settings.seed",),
        "finish_reason": ("ai.response.finishReason", "ai.finishReason"),
        "first_token_ms": ("ai.response.msToFirstChunk",),
        "session_id": (_OF + "sessionId", _OF + "session_id", _OF + "threadId", _OF + "chatId"),
        "user_id": (_OF + "userId", _OF + "user_id"),
        "prompt_name": (_OF + "promptName",),
        "prompt_version": (_OF + "promptVersion",),
        "input": ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"),
        "output": ("ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.toolCall.result"),
    },
    kinds={
        "ai.operationId": {
            **{f"ai.{name}": "chain" for name in (*_FUNCTIONS, "embed", "embedmany", "rerank")},
            **{f"ai.{name}.do{verb}": "llm" for name in _FUNCTIONS for verb in ("generate", "stream")},
            "ai.embed.doembed": "embedding",
            "ai.embedmany.doembed": "embedding",
            "ai.rerank.dorerank": "reranker",
            "ai.toolcall": "tool",
        }
    },
    heads=frozenset({"ai"}),
    converse=converse,
)
