"""Deriving: tables of all dialects as one, and the functions that read a span by them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from slipway.data import LogRecord, Message, Span, ToolCall
from slipway.track.calls import COUNTED_ON
from slipway.track.dialects import conversation
from slipway.track.dialects.shape import (
    AS_SAID,
    Derived,
    Dialect,
    Names,
    Said,
    amount,
    count,
    decoded,
    label,
    number,
    text,
    whole,
)
from slipway.track.prices import priced

CALLS = frozenset({"llm", "embedding", "reranker", "stt", "tts"})
"""Kinds whose tokens and cost are summed. Agents and chains often repeat the totals of the calls below them."""
UNSAID = frozenset({"internal", "client", "server", "producer", "consumer", "unspecified", ""})
"""Kinds of OpenTelemetry, which say nothing of what was done."""
OWN = "slipway"
# A field -> the name that it is kept under beside raw attributes, where it is read when they arrive.
_OURS = {
    "model": "slipway.model",
    "request_model": "slipway.request.model",
    "provider": "slipway.provider",
    "input_tokens": "slipway.tokens.input",
    "output_tokens": "slipway.tokens.output",
    "cached_tokens": "slipway.tokens.cached",
    "cost_usd": "slipway.cost_usd",
    "temperature": "slipway.temperature",
    "max_tokens": "slipway.max_tokens",
    "finish_reason": "slipway.finish_reason",
}
_COMMON = frozenset({"session.id", "user.id"})  # words of many
_PARAMETERS = ("temperature", "max_tokens", "seed", "top_p")
_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("model", "request_model", "provider", "session_id", "user_id", "finish_reason", "error"), text),
    **dict.fromkeys(("prompt_name", "prompt_version"), label),
    **dict.fromkeys(("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "max_tokens"), count),
    **dict.fromkeys(("temperature", "top_p"), number),
    **dict.fromkeys(("cost_usd", "first_token_ms", "first_token_s"), amount),
    "seed": whole,
}


@dataclass(frozen=True, slots=True)
class Described:
    """What a span's attributes alone say, uncut: what is kept beside them when the span arrives."""

    kind: str | None
    input: Any
    output: Any
    attributes: Mapping[str, Any]


class _Tables:
    """All dialects as one."""

    def __init__(self, found: Sequence[Dialect]) -> None:
        self.dialects = found
        self.fields = {name: _merged(found, name) for name in dict.fromkeys(n for each in found for n in each.names)}
        self.kinds = {name: table for each in reversed(found) for name, table in each.kinds.items()}
        self.kind_order = tuple(dict.fromkeys(name for each in found for name in each.kinds))
        self.parameters = tuple(name for each in found for name in each.parameters)
        # Most attributes say nothing here, so only those that both sides have are looked at: a receiver does this for every span.
        self.kept: dict[str, list[tuple[int, str]]] = {}
        for field, ours in _OURS.items():
            for rank, name in enumerate(self.fields.get(field, ())):
                self.kept.setdefault(name, []).append((rank, ours))
        self.names = frozenset(name for names in self.fields.values() for name in names)
        self.words = {each.name: _words(each) for each in found}
        self.inputs, self.outputs = self.fields.get("input", ()), self.fields.get("output", ())
        self.known = frozenset((*self.kept, *self.inputs, *self.outputs, *self.kinds, *self.parameters))

    def kind(self, attributes: Mapping[str, Any]) -> str | None:
        """The kind that an attribute names."""
        for name in self.kind_order:
            value = decoded(attributes.get(name))
            if isinstance(value, str) and value:
                table, value = self.kinds[name], value.strip('"').lower()[:100]
                kind = table.get(value) or (value if AS_SAID in table else "")
                if kind:
                    return kind
        return None


def _words(dialect: Dialect) -> frozenset[str]:
    names = (name for names in dialect.names.values() for name in names)
    return frozenset((*names, *dialect.kinds, *dialect.parameters)) - _COMMON


def _merged(found: Iterable[Dialect], field: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in found for name in each.names.get(field, ())))


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect, those that go before others first."""
    package = __name__.rpartition(".")[0]
    modules = [
        importlib.import_module(f"{package}.{i.name}") for i in pkgutil.iter_modules([str(Path(__file__).parent)])
    ]
    found = [each for module in modules if isinstance(each := getattr(module, "DIALECT", None), Dialect)]
    return tuple(sorted(found, key=lambda each: (each.rank, each.name)))


@cache
def _tables() -> _Tables:
    return _Tables(dialects())


def describe(attributes: Mapping[str, Any]) -> Described:
    """Kind, input, output and normalised attributes; empty where nothing is said."""
    tables = _tables()
    said = tables.known & attributes.keys()
    if not said:
        return Described(None, None, None, {})
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for name in said:
        for rank, ours in tables.kept.get(name, ()):
            if rank < ranks.get(ours, rank + 1) and attributes[name] is not None:
                found[ours], ranks[ours] = attributes[name], rank
    for name in tables.parameters:
        if name in said:
            _add_parameters(found, decoded(attributes[name]))
    return Described(
        tables.kind(attributes), _value(attributes, tables.inputs), _value(attributes, tables.outputs), found
    )


def _add_parameters(found: dict[str, Any], parameters: Any) -> None:
    if isinstance(parameters, dict):
        if isinstance(parameters.get("model"), str):
            found.setdefault("slipway.request.model", parameters["model"])
        for name in _PARAMETERS:
            if name in parameters:
                found.setdefault(f"slipway.{name}", parameters[name])


def _value(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((decoded(value) for name in names if (value := attributes.get(name)) is not None), None)


def derive(
    span: Span, logs: Sequence[LogRecord] = (), *, prices: Mapping[str, tuple[float, float]] | None = None
) -> Derived:
    """What ``span`` and the log records that belong to it say. Whatever they hold, this does not raise, and takes time in
    proportion to their size. ``prices`` is ``[prices]`` of slipway.toml, for spans that give none."""
    tables, said = _tables(), Said(span, logs)
    found, spoke = _read(tables, said)
    silent = not said.details and tables.names.isdisjoint(said.attributes)  # as most spans that are no calls of models
    fields = {
        name: _field(tables.fields if not silent else {}, said, found, name, clean) for name, clean in _FIELDS.items()
    }
    _fill_parameters(tables, said, fields)
    if fields["first_token_ms"] is None and (seconds := fields["first_token_s"]) is not None:
        fields["first_token_ms"] = seconds * 1000
    del fields["first_token_s"]
    if span.first_token_ns is not None:
        fields["first_token_ms"] = span.first_token_ns / 1e6
    kind = _kind(tables, said, found, fields)
    counted_on = span.attributes.get(COUNTED_ON)
    if counted_on:
        fields.update(input_tokens=None, output_tokens=None, cached_tokens=None, reasoning_tokens=None, cost_usd=None)
    elif fields["cost_usd"] is None and prices:
        fields["cost_usd"] = _price(kind, fields, prices)
    given, answered = _around(tables, span, found)
    asked, said_back = _messages(found, "messages_in"), _messages(found, "messages_out")
    if kind == "llm":
        asked = asked or conversation.messages(_shown(given))
        said_back = said_back or conversation.messages(_shown(answered), "assistant")
    if not any(each.role == "system" for each in asked):
        asked = (*_messages(found, "system"), *asked)
    calls = tuple(found.get("tool_calls") or ()) or tuple(call for each in said_back for call in each.tool_calls)
    fields.update(
        session_id=span.session_id or fields["session_id"],
        user_id=span.user_id or fields["user_id"],
        error=span.error or fields["error"] or _exception(span),
        input=given if given is not None else (conversation.as_json(asked) or None),
        output=answered if answered is not None else (conversation.as_json(said_back) or None),
    )
    return Derived(
        kind=kind,
        call=kind in CALLS and not counted_on,
        messages_in=asked,
        messages_out=said_back,
        tools=tuple(found.get("tools") or ()),
        tool_calls=tuple(each for each in calls if isinstance(each, ToolCall)),
        dialects=spoke,
        **fields,
    )


def _read(tables: _Tables, said: Said) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the functions of the dialects give, the first that says something first; and the dialects that say anything."""
    found: dict[str, Any] = {}
    spoke = {name: None for name, words in tables.words.items() if not words.isdisjoint(said.attributes)}
    for dialect in tables.dialects:
        if dialect.read is not None and dialect.heads & said.heads:
            given = {name: value for name, value in dialect.read(said).items() if value not in (None, "", ())}
            if given:
                spoke[dialect.name] = None
            found = {**given, **found}
    return found, tuple(sorted(spoke))


def _field(names: Names, said: Said, found: Mapping[str, Any], name: str, clean: Callable[[Any], Any]) -> Any:
    if (value := clean(found.get(name))) is not None:
        return value
    for attribute in names.get(name, ()):
        value = said.attributes.get(attribute)
        if value is None and said.details:
            value = said.details.get(attribute)
        if value is not None and (value := clean(decoded(value))) is not None:
            return value
    return clean(said.attributes.get(_OURS.get(name, f"slipway.{name}")))


def _fill_parameters(tables: _Tables, said: Said, fields: dict[str, Any]) -> None:
    for attribute in tables.parameters:
        given = decoded(said.attributes.get(attribute))
        if isinstance(given, Mapping):
            for name in _PARAMETERS:
                if fields[name] is None:
                    fields[name] = _FIELDS[name](given.get(name))
            if fields["request_model"] is None:
                fields["request_model"] = text(given.get("model"))


def _kind(tables: _Tables, said: Said, found: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    span = said.span
    if span.scope == OWN and span.kind not in UNSAID:
        return span.kind  # somebody chose it
    kind = text(found.get("kind")) or tables.kind(said.attributes)
    if kind is None and span.kind not in UNSAID:
        kind = span.kind
    if kind is None or kind in UNSAID:
        tokens = fields["input_tokens"] is not None or fields["output_tokens"] is not None
        kind = "llm" if fields["model"] and tokens else span.kind
    return kind


def _price(kind: str, fields: Mapping[str, Any], prices: Mapping[str, tuple[float, float]]) -> float | None:
    known = {_OURS[name]: fields[name] for name in ("model", "request_model", "input_tokens", "output_tokens")}
    said = {name: value for name, value in known.items() if value is not None}
    return amount(priced(kind, said, prices).get("slipway.cost_usd"))


def _around(tables: _Tables, span: Span, found: Mapping[str, Any]) -> tuple[Any, Any]:
    given, answered = span.input, span.output
    if given is None and (given := found.get("input")) is None:
        given = _value(span.attributes, tables.inputs)
    if answered is None and (answered := found.get("output")) is None:
        answered = _value(span.attributes, tables.outputs)
    return given, answered


def _shown(value: Any) -> Any:
    """What is kept beside a big payload that is elsewhere."""
    return value.get("preview") if isinstance(value, Mapping) and "$blob" in value else value


def _messages(found: Mapping[str, Any], name: str) -> tuple[Message, ...]:
    return tuple(each for each in found.get(name) or () if isinstance(each, Message))


def _exception(span: Span) -> str | None:
    for event in reversed(span.events):
        if event.name == "exception":
            return text(event.attributes.get("exception.message")) or text(event.attributes.get("exception.type"))
    return text(span.attributes.get("exception.message")) or (
        text(span.attributes.get("error.type")) if span.status == "error" else None
    )
