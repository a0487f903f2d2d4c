"""Deriving: tables of all dialects as one, and the functions that read a span by them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from slipway.data import LogRecord, Message, Span, ToolCall
from slipway.track.calls import COUNTED_ON
from slipway.track.dialects import conversation
from slipway.track.dialects.shape import (
    AS_SAID,
    Derived,
    Dialect,
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
_KEPT = {name: _OURS.get(name, f"slipway.{name}") for name in _FIELDS}
_SEARCHED = ("model", "request_model", "provider", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")
_OUTLINE = {name: _FIELDS[name] for name in (*_SEARCHED, "session_id", "user_id", "error")}


class Described(NamedTuple):
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
        # Of a field only the attributes that a span has are looked at, by their rank: there are ten times as many names.
        self.holds: dict[str, list[tuple[int, str]]] = {}
        for field, names in self.fields.items():
            for rank, name in enumerate(names):
                self.holds.setdefault(name, []).append((rank, field))
        self.heads = frozenset(head for each in found for head in each.heads)
        self.around: dict[str, list[tuple[int, str]]] = {}
        for field in ("input", "output"):
            for rank, name in enumerate(self.fields.get(field, ())):
                self.around.setdefault(name, []).append((rank, field))
        self.words = {each.name: _words(each) for each in found}
        self.inputs, self.outputs = self.fields.get("input", ()), self.fields.get("output", ())
        self.known = frozenset((*self.kept, *self.inputs, *self.outputs, *self.kinds, *self.parameters))

    def kind(self, attributes: Mapping[str, Any]) -> str | None:
        """The kind that an attribute names."""
        if self.kinds.keys().isdisjoint(attributes):
            return None
        for name in self.kind_order:
            if name not in attributes:
                continue
            value = decoded(attributes[name])
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
    said = tables.known.intersection(attributes)  # a loop over the attributes; `&` loops over all that is known
    if not said:
        return Described(None, None, None, {})
    found, around = _first(tables.kept, said, attributes), _first(tables.around, said, attributes)
    for name in tables.parameters:
        if name in said:
            _add_parameters(found, decoded(attributes[name]))
    return Described(tables.kind(attributes), decoded(around.get("input")), decoded(around.get("output")), found)


def _first(
    table: Mapping[str, Sequence[tuple[int, str]]], said: Iterable[str], attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """By field, of the attributes that are there the value of the one that goes before the others."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for name in said:
        if name in table and (value := attributes[name]) is not None:
            for rank, field in table[name]:
                if rank < ranks.get(field, rank + 1):
                    found[field], ranks[field] = value, rank
    return found


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
    fields = _fields(tables, said, found, _FIELDS)
    _fill_parameters(tables, said, fields, _PARAMETERS)
    if fields["first_token_ms"] is None and (seconds := fields["first_token_s"]) is not None:
        fields["first_token_ms"] = seconds * 1000
    del fields["first_token_s"]
    if span.first_token_ns is not None:
        fields["first_token_ms"] = span.first_token_ns / 1e6
    kind = _settle(tables, said, found, fields, prices)
    given, answered = _around(tables, span, found)
    asked, said_back = _messages(found, "messages_in"), _messages(found, "messages_out")
    if kind == "llm":
        asked = asked or conversation.messages(_shown(given))
        said_back = said_back or conversation.messages(_shown(answered), "assistant")
    asked = _with_system(found, asked)
    calls = tuple(found.get("tool_calls") or ()) or tuple(call for each in said_back for call in each.tool_calls)
    fields.update(
        input=given if given is not None else (conversation.as_json(asked) or None),
        output=answered if answered is not None else (conversation.as_json(said_back) or None),
    )
    return Derived(
        kind=kind,
        call=_counts(span, kind),
        messages_in=asked,
        messages_out=said_back,
        tools=tuple(found.get("tools") or ()),
        tool_calls=tuple(each for each in calls if isinstance(each, ToolCall)),
        dialects=spoke,
        **fields,
    )


def outline(
    span: Span, logs: Sequence[LogRecord] = (), *, prices: Mapping[str, tuple[float, float]] | None = None
) -> Derived:
    """As `derive`, of what spans are searched by and summed up: kind, model, provider, tokens, cost, session, user, error, input
    and output. Everything else is left empty. It takes a fifth of the time: messages are read only for spans that have their
    input or output in them alone."""
    tables, said = _tables(), Said(span, logs)
    found = _gathered(tables, said, "read") if not tables.heads.isdisjoint(said.heads) else {}
    fields = _fields(tables, said, found, _OUTLINE)
    if prices:
        _fill_parameters(tables, said, fields, ())
    kind = _settle(tables, said, found, fields, prices)
    given, answered = _around(tables, span, found)
    del fields["request_model"]
    if (given is None or answered is None) and not tables.heads.isdisjoint(said.heads):
        found = _gathered(tables, said, "converse")
        if given is None:
            given = conversation.as_json(_with_system(found, _messages(found, "messages_in"))) or None
        if answered is None:
            answered = conversation.as_json(_messages(found, "messages_out")) or None
    return Derived(kind=kind, call=_counts(span, kind), input=given, output=answered, **fields)


def _settle(
    tables: _Tables,
    said: Said,
    found: Mapping[str, Any],
    fields: dict[str, Any],
    prices: Mapping[str, tuple[float, float]] | None,
) -> str:
    """The kind; and the fields that depend on more than attributes put right."""
    span = said.span
    kind = _kind(tables, said, found, fields)
    if span.attributes.get(COUNTED_ON):
        counts = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost_usd")
        fields.update({name: None for name in counts if name in fields})
    elif fields["cost_usd"] is None and prices:
        fields["cost_usd"] = _price(kind, fields, prices)
    fields["session_id"] = span.session_id or fields["session_id"]
    fields["user_id"] = span.user_id or fields["user_id"]
    fields["error"] = span.error or fields["error"] or _exception(span)
    return kind


def _counts(span: Span, kind: str) -> bool:
    return kind in CALLS and not span.attributes.get(COUNTED_ON)


def _with_system(found: Mapping[str, Any], asked: tuple[Message, ...]) -> tuple[Message, ...]:
    return asked if any(each.role == "system" for each in asked) else (*_messages(found, "system"), *asked)


def _read(tables: _Tables, said: Said) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the functions of the dialects give; and the dialects that say anything."""
    spoke = {name: None for name, words in tables.words.items() if not words.isdisjoint(said.attributes)}
    found = {**_gathered(tables, said, "read", spoke), **_gathered(tables, said, "converse", spoke)}
    return found, tuple(sorted(spoke))


def _gathered(tables: _Tables, said: Said, which: str, spoke: dict[str, None] | None = None) -> dict[str, Any]:
    """What one of the two functions of the dialects gives, the first that says something first. ``spoke`` gets who said any."""
    found: dict[str, Any] = {}
    for dialect in tables.dialects:
        ask = dialect.read if which == "read" else dialect.converse
        if ask is not None and not dialect.heads.isdisjoint(said.heads):
            given = {name: value for name, value in ask(said).items() if value not in (None, "", ())}
            if given and spoke is not None:
                spoke[dialect.name] = None
            found = {**given, **found}
    return found


def _fields(
    tables: _Tables, said: Said, found: Mapping[str, Any], wanted: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """Each wanted field: what a function gave, or else the first attribute that holds it, or else what was kept on arrival."""
    attributes = said.attributes
    here: Mapping[str, Any] = attributes
    if said.details:
        here = {**said.details, **{name: value for name, value in attributes.items() if value is not None}}
    holders: dict[str, list[tuple[int, str]]] = {}
    for name in tables.holds.keys() & here.keys():
        for rank, field in tables.holds[name]:
            holders.setdefault(field, []).append((rank, name))
    fields: dict[str, Any] = {}
    for name, clean in wanted.items():
        value = clean(found[name]) if name in found else None
        if value is None and name in holders:
            for _, attribute in sorted(holders[name]):
                if (value := clean(decoded(here[attribute]))) is not None:
                    break
        if value is None and (kept := attributes.get(_KEPT[name])) is not None:
            value = clean(kept)
        fields[name] = value
    return fields


def _fill_parameters(tables: _Tables, said: Said, fields: dict[str, Any], wanted: Sequence[str]) -> None:
    for attribute in tables.parameters:
        given = decoded(said.attributes.get(attribute))
        if isinstance(given, Mapping):
            for name in wanted:
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
