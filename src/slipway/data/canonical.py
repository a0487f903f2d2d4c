"""Canonical JSON and content hashes: equal content, equal hash, on every machine.

Keys are sorted, there is no insignificant space, text is UTF-8, numbers are written as msgspec writes them (shortest
form that reads back the same), NaN and infinities become the strings "NaN", "Infinity", "-Infinity" (JSON has none),
and -0.0 is 0.0. The spirit is RFC 8785; the letter differs in that integers keep every digit. SHA-256 over that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

import msgspec

LATER: Mapping[str, bool] = {"later": True}
"""Metadata of a record's field that was added after hashes of such records were stored: at its default it is left out, so that
the old hashes stay equal."""

_encoder = msgspec.json.Encoder(order="deterministic")


def plain(value: Any) -> Any:
    """``value`` as JSON types only: dict with text keys, list, text, number, bool, None. Anything else becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {_text(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=_encoder.encode)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value) if not _left_out(value, each)}
    return _text(str(value))


def canonical_json(value: Any) -> bytes:
    """The one byte string that stands for ``value``."""
    return _encoder.encode(plain(value))


def content_hash(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest(data: bytes) -> str:
    """SHA-256 of raw bytes, 64 hex digits: the address of a blob."""
    return hashlib.sha256(data).hexdigest()


def _left_out(value: Any, field: Field[Any]) -> bool:
    return "later" in field.metadata and getattr(value, field.name) == field.default


def _text(text: str) -> str:
    # A lone surrogate cannot be UTF-8; it is kept visible rather than lost or raised.
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def _number(number: float) -> float | str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number + 0.0  # -0.0 + 0.0 is 0.0
