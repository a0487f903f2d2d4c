"""What a person (or another system) said about a trace, and which values that can have."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.data.canonical import canonical_json, plain
from slipway.data.ids import new_id
from slipway.errors import DataError

FeedbackKind = Literal["thumb", "number", "label", "text", "correction"]
KINDS: Sequence[FeedbackKind] = ("thumb", "number", "label", "text", "correction")
THUMBS: dict[Any, int] = {True: 1, False: 0, "up": 1, "down": 0}  # 1 and 0 are True and False here
LONGEST_NAME, LONGEST_LABEL, LONGEST_TEXT = 128, 200, 10_000
LARGEST_CORRECTION = 262_144
_hex = re.compile("[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Feedback:
    """``kind`` says what ``value`` is: a thumb (0/1), a number, a label, a text or a correction (what the answer should have
    been, any JSON); empty where nobody said. ``name`` says what it is about: "helpful", "correction"."""

    id: str
    trace_id: str
    name: str
    value: Any
    created_ns: int
    who: str = ""
    comment: str = ""
    span_id: str | None = None
    project: str = "default"
    kind: str = ""


def make_feedback(
    trace_id: str,
    name: str,
    value: Any,
    *,
    created_ns: int,
    kind: str | None = None,
    who: str = "",
    comment: str = "",
    span_id: str | None = None,
    project: str = "default",
    key: str | None = None,
) -> Feedback:
    """Feedback whose parts were checked. ``kind`` follows from the value unless it is given: true or false is a thumb, a
    number a number, text a text, anything else a correction. The same ``key`` in a project gives the same id.

    Raises `DataError`, naming the part that cannot be used.
    """
    found = kind or _kind_of(value)
    return Feedback(
        id=new_id() if key is None else _id_for(project, _text("key", key, 1, LONGEST_LABEL)),
        trace_id=_id("trace_id", trace_id, 32),
        name=_text("name", name, 1, LONGEST_NAME),
        value=_value(found, value),
        created_ns=created_ns,
        who=_text("who", who, 0, LONGEST_LABEL),
        comment=_text("comment", comment, 0, LONGEST_TEXT, lines=True),
        span_id=None if span_id is None else _id("span_id", span_id, 16),
        project=project,
        kind=found,
    )


def _id_for(project: str, key: str) -> str:
    return hashlib.sha256(canonical_json([project, key])).hexdigest()[:32]


def _id(part: str, given: Any, length: int) -> str:
    text = given.lower() if isinstance(given, str) else ""
    if len(text) != length or not _hex.fullmatch(text) or not text.strip("0"):
        raise DataError(f"{part} {given!r:.80} is no id", mend=f"give {length} hex digits, not all zero")
    return text


def _text(part: str, given: Any, least: int, most: int, *, lines: bool = False) -> str:
    if not isinstance(given, str) or not least <= len(given) <= most:
        raise DataError(f"{part} {given!r:.80} cannot be used", mend=f"give text of {least} to {most:,} characters")
    if not lines and not given.isprintable():
        raise DataError(f"{part} {given!r:.80} has control characters", mend="leave them out")
    return given


def _kind_of(value: Any) -> FeedbackKind:
    if isinstance(value, bool):
        return "thumb"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "correction"


def _value(kind: str, value: Any) -> Any:
    if kind == "thumb":
        if not isinstance(value, bool | int | str) or value not in THUMBS:
            raise DataError(f"{value!r:.80} is no thumb", mend="give true or false, 1 or 0, up or down")
        return THUMBS[value]
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise DataError(f"{value!r:.80} is no number", mend="give a finite number")
        return value
    if kind == "label":
        return _text("value", value, 1, LONGEST_LABEL)
    if kind == "text":
        return _text("value", value, 1, LONGEST_TEXT, lines=True)
    if kind == "correction":
        if value is None or len(canonical_json(value)) > LARGEST_CORRECTION:
            raise DataError(
                "the correction is empty or too large",
                mend=f"give what the answer should have been, up to {LARGEST_CORRECTION:,} bytes of JSON",
            )
        return plain(value)
    raise DataError(f"no kind of feedback {kind!r:.80}", mend="there is " + ", ".join(KINDS))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
