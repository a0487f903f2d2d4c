"""JSON columns: any value in, JSON text out, and back, with nothing silently lost.

msgspec does the usual values. What it refuses or would lose (lone surrogates, NaN and infinities, deep nesting, keys that are not
text, objects) takes a slower way: lone surrogates as ``\\udxxx`` escapes, NaN and infinities as the literals that Python's
json module reads, what is nested deeper than `DEPTH` as ``{"$json": "<the text of the inner part>"}``, integers of more
than `DIGITS` digits as hexadecimal text, and any other object as its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

DEPTH = 200
DIGITS = 4000  # CPython refuses to convert more than 4,300 digits unless it is told otherwise

_EMPTY: dict[type[Any], str] = {dict: "{}", tuple: "[]", list: "[]"}
_encode = msgspec.json.Encoder().encode
_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def encode(value: Any) -> str:
    """``value`` as JSON text."""
    if not value and value.__class__ in _EMPTY:
        return _EMPTY[value.__class__]
    try:
        data = _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeEncodeError):
        return _text(_plain(value, 0))
    if b"null" in data and _unfinite(value):  # msgspec writes NaN and infinities as null
        return _text(_plain(value, 0))
    return data.decode()


class Decoder:
    """Reads what `encode` wrote as one type."""

    __slots__ = ("_decode", "_type")

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._decode = msgspec.json.Decoder(type_).decode

    def __call__(self, text: str) -> Any:
        try:
            return self._decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return msgspec.convert(json.loads(text), self._type, strict=False)


def _unfinite(value: Any) -> bool:
    """Whether a NaN or an infinity is somewhere inside."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            if item - item != 0.0:
                return True
        elif isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            waiting.extend(item)
        elif is_dataclass(item):
            waiting.extend(getattr(item, field.name) for field in fields(item))
    return False


def _plain(value: Any, depth: int) -> Any:
    """JSON types only."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= DIGITS * 3.3 else hex(value)
    if isinstance(value, float):
        return float(value)
    if depth == DEPTH and isinstance(value, Mapping | list | tuple):
        return {"$json": _deep(value)}
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    try:
        return _encode(value).decode().strip('"')  # dates, UUIDs, decimals and bytes as msgspec writes them
    except (TypeError, ValueError, OverflowError, RecursionError):
        return str(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, int) and key.bit_length() > DIGITS * 3.3:
        return hex(key)
    return _text(key) if key is None or isinstance(key, bool | int | float) else str(key)


def _deep(value: Any) -> str:
    """JSON text of something nested too deep for a recursive encoder, without recursion. Raises `ValueError` on a loop."""
    parts: list[str] = []
    inside: set[int] = set()
    waiting: list[tuple[str, Any]] = [("write", value)]
    while waiting:
        what, item = waiting.pop()
        if what == "copy":
            parts.append(item)
        elif what == "leave":
            inside.remove(item)
        elif isinstance(item, Mapping | list | tuple):
            if id(item) in inside:
                raise ValueError("it contains itself")
            inside.add(id(item))
            waiting.append(("leave", id(item)))
            waiting.extend(reversed(_members(item)))
        else:
            parts.append(_text(_plain(item, DEPTH + 1)))
    return "".join(parts)


def _members(value: Any) -> list[tuple[str, Any]]:
    """What to do to write a container: text to copy, members to write."""
    steps: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        for key, member in value.items():
            steps += [("copy", ("," if steps else "") + _text(_key(key)) + ":"), ("write", member)]
        return [("copy", "{"), *steps, ("copy", "}")]
    for member in value:
        steps += [("copy", ","), ("write", member)] if steps else [("write", member)]
    return [("copy", "["), *steps, ("copy", "]")]
