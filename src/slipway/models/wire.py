"""The OpenAI dialect: requests into JSON, JSON and events into replies. No network here."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data import Logprob, Message, Reply, Request, ToolCall, Usage
from slipway.errors import ModelError

Prices = Mapping[str, tuple[float, float]]
"""US dollars per million tokens of a model: (input, output). A model that is not in it has no known price."""

RAW = "$raw"
"""Where arguments are kept that are no JSON object."""


def path_of(request: Request) -> str:
    """Where a request goes below the base URL: a raw prompt is a text completion."""
    return "/completions" if request.prompt else "/chat/completions"


def payload_of(request: Request, model: str, *, stream: bool) -> dict[str, Any]:
    """The body of a chat completion, or of a text completion when the request has a raw prompt.

    ``grammar`` is llama.cpp's name for one, and ``json_schema`` its name for a schema beside a raw prompt. A server that does
    not know them should refuse them; some ignore what they do not know.
    """
    body: dict[str, Any] = {**request.extra, "model": request.model or model}
    if request.prompt:
        body["prompt"] = request.prompt
    else:
        body["messages"] = [_message(message) for message in request.messages]
    for key in ("temperature", "max_tokens", "seed"):
        if getattr(request, key) is not None:
            body[key] = getattr(request, key)
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [
            tool if "function" in tool else {"type": "function", "function": tool} for tool in request.tools
        ]
    if request.response_schema is not None:
        schema = {"name": "reply", "schema": request.response_schema, "strict": True}
        response_format = {"type": "json_schema", "json_schema": schema}
        body |= {"json_schema": request.response_schema} if request.prompt else {"response_format": response_format}
    if request.grammar:
        body["grammar"] = request.grammar
    if request.logprobs > 0:
        chat = {"logprobs": True, "top_logprobs": request.logprobs}
        body |= {"logprobs": request.logprobs} if request.prompt else chat
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        said["tool_calls"] = [
            {
                "id": call.id or f"call_{number}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for number, call in enumerate(message.tool_calls)
        ]
        said["content"] = message.content or None
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    return said


def reply_of(body: Any, model: str, prices: Prices) -> Reply:
    """The reply in the body of a chat completion. Raises `ModelError` when it is none."""
    try:
        choice = body["choices"][0]
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        calls = tuple(_call(call["id"], call["function"]) for call in message.get("tool_calls") or ())
        named = body.get("model") or model
        return Reply(
            text=message.get("content") or "",
            tool_calls=calls,
            usage=usage_of(body.get("usage"), named, model, prices),
            finish_reason=choice.get("finish_reason") or "stop",
            model=named,
            logprobs=logprobs_of(choice.get("logprobs")),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ModelError(
            "the provider's answer is no chat completion", mend="is the URL that of an /v1?", status=200
        ) from None


def usage_of(usage: Any, named: str, model: str, prices: Prices) -> Usage:
    """Tokens, and their price when the model's is known (by the name it answered with, or the one asked for)."""
    usage = usage if isinstance(usage, Mapping) else {}
    tokens = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    if not all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in tokens):
        return Usage()
    price = prices.get(named, prices.get(model))
    cost = None if price is None else (tokens[0] * price[0] + tokens[1] * price[1]) / 1_000_000
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
    return Usage(tokens[0], tokens[1], cost, cached if type(cached) is int and 0 < cached <= tokens[0] else 0)


def logprobs_of(said: Any) -> tuple[Logprob, ...]:
    """The tokens' log-probabilities in a choice, in either of the two forms in use; what is malformed is left out."""
    if not isinstance(said, Mapping):
        return ()
    content = said.get("content")
    if isinstance(content, list):
        return tuple(
            _logprob(each) for each in content if isinstance(each, Mapping) and _is_number(each.get("logprob"))
        )
    tokens, numbers = said.get("tokens"), said.get("token_logprobs")  # the older form, of text completions
    if not isinstance(tokens, list) or not isinstance(numbers, list):
        return ()
    tops = said.get("top_logprobs")
    rows = tops if isinstance(tops, list) else []
    rows = [*rows, *([None] * (len(tokens) - len(rows)))]
    return tuple(
        Logprob(str(token), float(number), _top(row.items()) if isinstance(row, Mapping) else ())
        for token, number, row in zip(tokens, numbers, rows, strict=False)
        if _is_number(number)
    )


def _logprob(said: Mapping[str, Any]) -> Logprob:
    top = said.get("top_logprobs")
    pairs = [(each.get("token"), each.get("logprob")) for each in top or () if isinstance(each, Mapping)]
    return Logprob(str(said.get("token", "")), float(said["logprob"]), _top(pairs))


def _top(pairs: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((str(token), float(number)) for token, number in pairs if _is_number(number))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _call(call_id: str | None, function: Mapping[str, Any]) -> ToolCall:
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            arguments = {RAW: arguments}
    if not isinstance(arguments, Mapping):
        arguments = {} if arguments is None else {RAW: arguments}
    return ToolCall(str(function.get("name", "")), dict(arguments), call_id)


@dataclass(slots=True)
class Gathering:
    """A streamed reply as it comes in: `add` each event, then `reply`."""

    model: str
    prices: Prices
    pieces: list[str] = field(default_factory=list)
    done: bool = False
    _calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    _finish: str | None = None
    _usage: Any = None
    _named: str = ""
    _logprobs: list[Logprob] = field(default_factory=list)

    def add(self, data: str) -> str:
        """Take one event in; returns the text it brings. Raises `ModelError` for an error event or one that is no JSON."""
        data = data.strip()
        self.done = self.done or data == "[DONE]"
        if data in ("", "[DONE]"):
            return ""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise self._broken("the stream has an event that is no JSON") from None
        if not isinstance(event, Mapping):
            raise self._broken("the stream has an event that is no object")
        if event.get("error"):
            raise self._broken(f"the provider broke off: {message_of(event)}")
        self._named = str(event.get("model") or self._named)
        self._usage = event.get("usage") or self._usage
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
            return ""
        self._finish = choices[0].get("finish_reason") or self._finish
        self._logprobs += logprobs_of(choices[0].get("logprobs"))
        delta = choices[0].get("delta")
        if not isinstance(delta, Mapping):
            delta = {"content": choices[0].get("text")}
        for part in delta.get("tool_calls") or ():
            self._add_call(part)
        text = delta.get("content")
        if not isinstance(text, str) or not text:
            return ""
        self.pieces.append(text)
        return text

    def reply(self) -> Reply:
        """The whole reply. Raises `ModelError` (with ``partial``) when the stream ended without saying that it is done."""
        if self._finish is None and not self.done:
            raise self._broken("the stream broke off before the answer was complete")
        named = self._named or self.model
        return Reply(
            text="".join(self.pieces),
            tool_calls=tuple(_call(call.get("id"), call) for _, call in sorted(self._calls.items())),
            usage=usage_of(self._usage, named, self.model, self.prices),
            finish_reason=self._finish or "stop",
            model=named,
            logprobs=tuple(self._logprobs),
        )

    def _add_call(self, part: Any) -> None:
        if not isinstance(part, Mapping):
            return
        index = part.get("index")
        call = self._calls.setdefault(index if isinstance(index, int) else 0, {"id": None, "name": "", "arguments": ""})
        call["id"] = part.get("id") or call["id"]
        function = part.get("function")
        if isinstance(function, Mapping):
            call["name"] += function.get("name") or ""
            call["arguments"] += function.get("arguments") or ""

    def _broken(self, message: str) -> ModelError:
        return ModelError(message, partial="".join(self.pieces))


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, *, clock: Callable[[], float] = time.time
) -> ModelError:
    """The error that an HTTP answer stands for, with the provider's own words and what it asks to wait."""
    try:
        said = message_of(json.loads(body))
    except (ValueError, RecursionError):
        said = body[:500].decode("utf-8", "replace").strip()
    mends = {
        401: "check the API key (OPENAI_API_KEY, or api_key=)",
        403: "check what the API key may do",
        404: "check the model's name and the URL (SLIPWAY_MODEL_URL)",
        429: "lower the rate (limit.per-second) or wait",
    }
    wait = _retry_after(headers, clock)
    return ModelError(
        f"the provider answered {status}: {said}"[:1000], mend=mends.get(status), status=status, retry_after_s=wait
    )


def message_of(body: Any) -> str:
    """The words of an error object."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("detail") or error
    return str(error)[:500]


def _retry_after(headers: Mapping[str, str], clock: Callable[[], float]) -> float | None:
    milliseconds = headers.get("retry-after-ms")
    value = headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        if value is None:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - clock())
    except (ValueError, TypeError, OverflowError):
        return None
