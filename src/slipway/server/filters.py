"""Filters: the language in which traces and spans are searched. Its grammar is docs/reference/filters.md."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import NamedTuple, NoReturn

from slipway.errors import DataError, NotFound
from slipway.store.derived.conditions import And, Compare, Condition, Field, Not, Operator, Or, Value, Words
from slipway.store.derived.words import words
from slipway.store.search import compiled

MOST_CHARACTERS, MOST_TERMS, DEEPEST = 10_000, 100, 50
TEXTS = ("model", "provider", "status", "name", "kind", "session", "user", "run", "trace")
NUMBERS = ("cost", "tokens")
KEYED = ("attributes", "resource", "feedback")
FIELDS = ("time", "duration", *TEXTS, *NUMBERS, *KEYED, "text")
OPERATORS: dict[str, Operator] = {name: name for name in ("=", "!=", "<", "<=", ">", ">=", "in", "contains", "~")}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|!=|[=<>~(),])|(?P<word>[^\s()=<>!~,'"]+))""",
    re.DOTALL,
)
_UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
_UNITS_NS |= {"d": 24 * _UNITS_NS["h"], "w": 7 * 24 * _UNITS_NS["h"]}
_AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([a-z]+)")
_NUMBER = re.compile(r"-?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][-+]?[0-9]{1,3})?")
_LARGEST = 2**63 - 1


class Token(NamedTuple):
    """A piece of the filter: ``kind`` is text (quoted), sign, word or end."""

    kind: str
    text: str
    column: int


def parse(text: str, *, now_ns: int) -> Condition | None:
    """The condition that ``text`` says; None for an empty one. ``now_ns`` is what times like ``-24h`` are relative to.

    Raises `DataError` that names the column and the nearest field.
    """
    if len(text) > MOST_CHARACTERS:
        raise DataError(f"the filter has {len(text):,} characters", mend=f"give at most {MOST_CHARACTERS:,}")
    tokens = _tokens(text)
    if len(tokens) == 1:
        return None
    return _Parser(tokens, now_ns).whole()


def _tokens(text: str) -> list[Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            what = "a quotation that does not end" if text[at] in "'\"" else f"{text[at]!r} is not understood"
            _refuse(at + 1, what, "close it with the same mark" if text[at] in "'\"" else "see the grammar of filters")
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _refuse(column: int, what: str, mend: str | None) -> NoReturn:
    raise DataError(f"column {column} of the filter: {what}", mend=mend)


class _Parser:
    """Recursive descent: `or` of `and` of `not`, parentheses and comparisons."""

    def __init__(self, tokens: list[Token], now_ns: int) -> None:
        self._tokens, self._at, self._now = tokens, 0, now_ns
        self._depth = self._terms = 0

    def whole(self) -> Condition:
        """All of it."""
        condition = self._either()
        if self._next.kind != "end":
            _refuse(
                self._next.column,
                f"{self._next.text!r:.40} is one too many",
                "put 'and' or 'or' between two conditions",
            )
        return condition

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _is(self, word: str) -> bool:
        """Take the next token if it is that word or sign."""
        token = self._next
        same = token.kind != "text" and token.text.lower() == word
        if same:
            self._take()
        return same

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._is("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._is("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self) -> Condition:
        column = self._next.column
        self._depth += 1
        if self._depth > DEEPEST:
            _refuse(column, f"more than {DEEPEST} levels deep", "write it flatter")
        condition = self._deeper()
        self._depth -= 1
        return condition

    def _deeper(self) -> Condition:
        if self._is("not"):
            return Not(self._one())
        if self._is("("):
            inside = self._either()
            if not self._is(")"):
                _refuse(self._next.column, "a parenthesis is open", "close it with )")
            return inside
        return self._term()

    def _term(self) -> Condition:
        token = self._take()
        self._terms += 1
        if self._terms > MOST_TERMS:
            _refuse(token.column, f"more than {MOST_TERMS} conditions", "ask for less at once")
        if token.kind != "word":
            said = "it ends" if token.kind == "end" else f"{token.text!r:.40} stands"
            _refuse(token.column, f"{said} where a field should be", "write for instance: status = error")
        if token.text.lower() == "text":
            return self._words()
        field = self._field(token)
        operator = self._operator(field)
        column = self._next.column
        values = self._several(field) if operator == "in" else (self._value(field),)
        self._check(field, operator, values, column)
        return Compare(field, operator, values)

    def _words(self) -> Condition:
        token = self._take()
        if token.kind not in ("text", "word"):
            _refuse(token.column, "text wants words", 'write for instance: text "rate limit"')
        said = _unquoted(token)
        if not words(said):
            _refuse(token.column, f"{token.text!r:.40} has no word in it", "give letters or digits")
        return Words(said)

    def _field(self, token: Token) -> Field:
        name, dot, key = token.text.partition(".")
        name = name.lower()
        if name not in KEYED:
            known = name in FIELDS and not dot
            if not known:
                _refuse(token.column, f"there is no field {token.text!r:.40}", _nearest(name))
            return Field(name)
        if dot and not key and self._next.kind == "text":
            key = _unquoted(self._take())
        if not key:
            example = {"feedback": "feedback.helpful"}.get(name, f"{name}.'service.name'")
            _refuse(token.column, f"{name} wants a key", f"write for instance: {example} = ...")
        return Field(name, key)

    def _operator(self, field: Field) -> Operator:
        token = self._take()
        operator = OPERATORS.get(token.text.lower()) if token.kind != "text" else None
        if operator is None:
            _refuse(token.column, f"{token.text!r:.40} is no comparison", f"there is {' '.join(OPERATORS)}")
        if operator in ("~", "contains") and field.name not in (*TEXTS, *KEYED):
            _refuse(token.column, f"{field.name} is no text", "compare it with = != < <= > >= or in")
        return operator

    def _several(self, field: Field) -> tuple[Value, ...]:
        if not self._is("("):
            _refuse(self._next.column, "in wants a list", "write for instance: model in (a, b)")
        values = [self._value(field)]
        while self._is(","):
            values.append(self._value(field))
        if not self._is(")"):
            _refuse(self._next.column, "the list is open", "close it with )")
        return tuple(values)

    def _value(self, field: Field) -> Value:
        token = self._take()
        if token.kind not in ("text", "word"):
            _refuse(token.column, "a value is missing", "quote it when it has spaces or signs in it")
        if token.kind == "word" and token.text.lower() == "null":
            return None
        if field.name == "time":
            return self._time(token)
        if field.name == "duration":
            return self._duration(token)
        if field.name in NUMBERS:
            return _number(token)
        if token.kind == "text" or field.name in TEXTS:
            return _unquoted(token)
        flag = {"true": True, "false": False}.get(token.text.lower())
        if flag is not None:
            return flag
        return _number(token) if _NUMBER.fullmatch(token.text) else token.text

    def _time(self, token: Token) -> int:
        said = _unquoted(token)
        if said.lower() == "now":
            return self._now
        if said.startswith("-") and (ago := _amount(said[1:])) is not None:
            return max(self._now - ago, -_LARGEST)
        try:
            moment = datetime.fromisoformat(said)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            whole = int(moment.replace(microsecond=0).timestamp()) * 10**9
        except (ValueError, OverflowError):
            _refuse(token.column, f"{said!r:.40} is no time", "write 2026-01-31, 2026-01-31T12:00:00Z or -24h")
        return max(-_LARGEST, min(_LARGEST, whole + moment.microsecond * 1000))

    def _duration(self, token: Token) -> int:
        amount = _amount(_unquoted(token))
        if amount is None:
            _refuse(
                token.column, f"{token.text!r:.40} is no duration", f"give a unit: 300ms, 2s ({' '.join(_UNITS_NS)})"
            )
        return amount

    def _check(self, field: Field, operator: Operator, values: tuple[Value, ...], column: int) -> None:
        if operator in ("<", "<=", ">", ">=", "contains", "~") and values[0] is None:
            _refuse(column, "null is only equal or unequal", "write: = null, or != null")
        if operator == "~":
            try:
                compiled(str(values[0]))
            except DataError as error:
                _refuse(column, Exception.__str__(error), error.mend)


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL) if token.kind == "text" else token.text


def _amount(said: str) -> int | None:
    found = _AMOUNT.fullmatch(said.lower())
    unit = _UNITS_NS.get(found[2]) if found else None
    return min(round(float(found[1]) * unit), _LARGEST) if found and unit else None


def _number(token: Token) -> int | float:
    said = _unquoted(token).removeprefix("$")
    if not _NUMBER.fullmatch(said):
        _refuse(token.column, f"{token.text!r:.40} is no number", "write for instance: 0.05")
    value = float(said)
    if not math.isfinite(value) or abs(value) > _LARGEST:
        _refuse(token.column, f"{token.text!r:.40} is too large", "write a number below 9e18")
    return int(said) if said.lstrip("-").isdigit() else value


def _nearest(name: str) -> str | None:
    return NotFound.among("field", name, FIELDS).mend
