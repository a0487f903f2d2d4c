"""Is a call right?  Our own deterministic grader, with the decisions of the data's reference grader.

How a call is compared (the kinds are in `schema.py`):

- no call is right only when no call was meant;
- the name must be equal; rows whose source has no argument labels (`grade == "name"`) stop there;
- enum: equal; int: equal once read as a number; math: equal value;
- span: the same words, order and small words aside; soft: one's words contain the other's, or token-F1 >= 0.6;
- free: never compared;
- a timer's hours, minutes and seconds count as one duration;
- a playlist's song and artist cannot be told apart from the words, so a swap is accepted;
- "lights" is not a device: naming it or not makes no difference.

Start in `grade()`.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.text import word_set

Arguments = dict[str, Any]

# Words that may lead a span without changing what it names.
_LEADING = frozenset({"the", "a", "an", "at", "on", "for", "in", "of", "my", "to", "is", "from", "by", "this is"})
_LEADING |= frozenset({"please", "me", "our", "around", "about"})
# Words that say nothing about which thing is meant, in the three languages.
_EMPTY = word_set(
    "music song songs this playlist playlists all the a an at on for in of my to is from by please me our around "
    "about and s list lists liste la le les des de du l d light lights lumière lumières の に を は"
)
_JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
_PARTICLES = re.compile(r"[\sのにをはが]")
_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
# Beyond these an expression is refused rather than computed: 9**9**9 would never end.
_MAX_EXPONENT = 1_000
_MAX_FACTORIAL = 1_000
_MAX_DIGITS = 4_000
_MAX_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether the call is right and, when not, why in a word or two (`name`, `arg when`, `missing arg list` ...)."""

    right: bool
    why: str


def normalise(words: object) -> str:
    """Lower case, narrow letters, no possessive, no punctuation (except inside 7:30 and 3.5), no leading article."""
    text = unicodedata.normalize("NFKC", str(words)).lower()
    text = re.sub("[’`]", "'", text)
    text = re.sub(r"'s\b", "", text)
    text = re.sub(r"[^\w\s%:.]", " ", text)
    text = re.sub(r"(?<!\d)[.:]|[.:](?!\d)", " ", text)
    tokens = text.split()
    while tokens and tokens[0] in _LEADING:
        del tokens[0]
    return " ".join(tokens)


def content_words(words: object) -> list[str]:
    """What is compared of a span: its words without the empty ones; of Japanese, its characters without particles."""
    text = normalise(words)
    if _JAPANESE.search(text):
        return list(_PARTICLES.sub("", text))
    return [t for t in re.split(r"[\s']+", text) if t and t not in _EMPTY] or re.split(r"\s+", text)


def math_value(expression: object) -> Any:
    """The value of `+ - * / **`, `sqrt()` and `factorial()` over numbers; None when it is not such an expression."""
    source = str(expression).replace("^", "**").replace("×", "*").replace("÷", "/")
    if len(source) > _MAX_LENGTH:
        return None
    try:
        return _evaluate(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _evaluate(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > _MAX_EXPONENT or abs(left) > 10**_MAX_DIGITS):
            raise ValueError("the power is too big to compute")
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        return _call(node.func.id, _evaluate(node.args[0]))
    raise ValueError("not an arithmetic expression")


def _call(name: str, value: Any) -> Any:
    if name == "sqrt":
        return math.sqrt(value)
    if name == "factorial" and value <= _MAX_FACTORIAL:
        return math.factorial(value)
    raise ValueError(f"{name} is not a function of arithmetic, or its argument is too big")


def _same_number(expected: Any, got: Any) -> bool:
    try:
        return int(expected) == int(float(got))
    except (ValueError, TypeError, OverflowError):
        return False


def _same_math(expected: object, got: object) -> bool:
    a, b = math_value(expected), math_value(got)
    if a is None:
        return re.sub(r"\s", "", str(expected)) == re.sub(r"\s", "", str(got))
    if b is None:
        return False
    try:
        return bool(abs(a - b) < 1e-6 * max(1, abs(a)))
    except OverflowError:
        return False


def _same_words(expected: object, got: object, *, soft: bool) -> bool:
    a, b = content_words(expected), content_words(got)
    if sorted(a) == sorted(b):
        return True
    first, second = set(a), set(b)
    if not soft or not first or not second:
        return False
    overlap = len(first & second)
    return first <= second or second <= first or 2 * overlap / (len(first) + len(second)) >= 0.6


def same_value(kind: str, expected: Any, got: Any) -> bool:
    """Whether two values of one argument kind (`enum`, `int`, `span`, `soft`, `math`, `free`) mean the same."""
    if kind == "free":
        return True
    if kind == "int":
        return _same_number(expected, got)
    if kind == "enum":
        return str(expected) == str(got)
    if kind == "math":
        return _same_math(expected, got)
    return _same_words(expected, got, soft=kind == "soft")


def _without_plain_lights(arguments: Arguments) -> Arguments:
    return {k: v for k, v in arguments.items() if k != "device" or not _says_only_lights(v)}


def _says_only_lights(words: object) -> bool:
    return all(token in _EMPTY for token in re.split(r"[\s']+", normalise(words)))


def _duration(arguments: Arguments) -> int:
    return sum(int(float(arguments.get(unit, 0))) * seconds for unit, seconds in _SECONDS.items())


def _same_duration(expected: Arguments, got: Arguments) -> bool:
    try:
        return _duration(expected) == _duration(got)
    except (ValueError, TypeError, OverflowError):
        return False


def _take_song_and_artist(arguments: Arguments) -> list[str]:
    taken = [arguments.pop(key) for key in ("song", "artist") if key in arguments]
    return sorted(str(content_words(value)) for value in taken)


def _compare(kinds: Mapping[str, str], expected: Arguments, got: Arguments) -> Grade:
    for key in [*expected, *(key for key in got if key not in expected)]:
        if key not in kinds:
            return Grade(False, f"unknown arg {key}")
        if kinds[key] == "free":
            continue
        if key not in expected:
            return Grade(False, f"extra arg {key}")
        if key not in got:
            return Grade(False, f"missing arg {key}")
        if not same_value(kinds[key], expected[key], got[key]):
            return Grade(False, f"arg {key}")
    return Grade(True, "")


def grade_call(expected: Mapping[str, Any] | None, call: Mapping[str, Any] | None, *, by: str = "call") -> Grade:
    """Compare one call with the expected one; `by="name"` compares the name only."""
    if expected is None or call is None:
        return Grade(expected is None and call is None, "null")
    name = expected["name"]
    if name != call.get("name"):
        return Grade(False, "name")
    if by == "name":
        return Grade(True, "name only")
    want: Arguments = dict(expected["arguments"])
    got: Arguments = {k: v for k, v in (call.get("arguments") or {}).items() if v not in (None, "", [])}
    if name == "home.set":
        want, got = _without_plain_lights(want), _without_plain_lights(got)
    elif name == "timer.set":
        if not _same_duration(want, got):
            return Grade(False, "duration")
        want = {k: v for k, v in want.items() if k == "name"}
        got = {k: v for k, v in got.items() if k == "name"}
    elif name == "playlist.add" and _take_song_and_artist(want) != _take_song_and_artist(got):
        return Grade(False, "song or artist")
    return _compare({a.name: a.kind for a in FUNCTIONS[name].arguments}, want, got)


def grade(row: Mapping[str, Any], call: Mapping[str, Any] | None) -> Grade:
    """Grade a call against a row with `call` (expected, or None) and `grade` (`call` or `name`).

    A row of two readings lists the other right calls under `extra["also"]`; the call may be any of them.
    Raises KeyError when the row's own call names a function that the schema does not have.
    """
    by = row.get("grade") or "call"
    first = grade_call(row["call"], call, by=by)
    if first.right:
        return first
    also = (row.get("extra") or {}).get("also") or []
    return next((other for wanted in also if (other := grade_call(wanted, call, by=by)).right), first)
