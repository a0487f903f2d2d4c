"""When two arguments of a function call mean the same, by the kind of argument.

exact: the same JSON (1 is 1.0). enum: the same text. int: the same whole number, read from a number or a text.
number: equal up to 1e-9 of its size. span: the same words, whatever their order, case, punctuation and small words.
soft: one's words are among the other's, or the token F1 is at least 0.6. math: expressions of equal value. free: anything.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway.scorers.exact import exact
from slipway.scorers.numeric import numbers

Same = Callable[[Any, Any], bool]

_SMALL = "the a an at on for in of my to is from by please me our around about le la les des du de l d"
LEADING = frozenset(f"{_SMALL} un une".split())
EMPTY = frozenset(f"{_SMALL} and s の に を は".split())
SOFT_F1 = 0.6
_JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
_PARTICLES = re.compile(r"[\sのにをはが]")


@dataclass(frozen=True, slots=True)
class Words:
    """Which words do not count: ``leading`` ones at the start of a span, ``empty`` ones anywhere unless all are."""

    leading: frozenset[str] = LEADING
    empty: frozenset[str] = EMPTY

    def normal(self, value: Any) -> str:
        """Lower case, NFKC, no possessive, no punctuation but inside 7:30 and 3.5, no leading small words."""
        text = unicodedata.normalize("NFKC", str(value)).lower()
        text = re.sub("[’`]", "'", text)
        text = re.sub(r"'s\b", "", text)
        text = re.sub(r"[^\w\s%:.]", " ", text)
        text = re.sub(r"(?<!\d)[.:]|[.:](?!\d)", " ", text)
        tokens = text.split()
        while tokens and tokens[0] in self.leading:
            del tokens[0]
        return " ".join(tokens)

    def of(self, value: Any) -> list[str]:
        """The words that count; of Japanese its characters, without particles."""
        text = self.normal(value)
        if _JAPANESE.search(text):
            return list(_PARTICLES.sub("", text))
        return self.meaningful(text) or re.split(r"\s+", text)

    def meaningful(self, text: str) -> list[str]:
        """The words of a normalised text without the empty ones; maybe none."""
        return [token for token in re.split(r"[\s']+", text) if token and token not in self.empty]

    def same(self, expected: Any, got: Any) -> bool:
        """Whether two spans have the same words."""
        return sorted(self.of(expected)) == sorted(self.of(got))

    def close(self, expected: Any, got: Any) -> bool:
        """Whether two free texts share their words."""
        first, second = self.of(expected), self.of(got)
        if sorted(first) == sorted(second):
            return True
        a, b = set(first), set(second)
        if not a or not b:
            return False
        return a <= b or b <= a or 2 * len(a & b) / (len(a) + len(b)) >= SOFT_F1


def kinds(words: Words | None = None) -> dict[str, Same]:
    """Every kind by name, with these words."""
    words = words or Words()
    return {
        "exact": same_json,
        "enum": lambda expected, got: str(expected) == str(got),
        "int": same_int,
        "number": same_number,
        "span": words.same,
        "soft": words.close,
        "math": same_math,
        "free": lambda expected, got: True,
    }


def same_json(expected: Any, got: Any) -> bool:
    """The same JSON value."""
    return exact(got, expected, strip=False).value == 1.0


def same_int(expected: Any, got: Any) -> bool:
    """The same whole number; ``got`` may be a text or have a fraction, which is cut off."""
    try:
        return int(expected) == int(float(got))
    except (ValueError, TypeError, OverflowError):
        return False


def same_number(expected: Any, got: Any) -> bool:
    """Equal up to 1e-9 of the expected size; either may be a text with one number."""
    a, b = numbers(expected), numbers(got)
    return len(a) == len(b) == 1 and math.isclose(a[0], b[0], rel_tol=1e-9)


def same_math(expected: Any, got: Any) -> bool:
    """Expressions of equal value (to 1e-6), or the same text when the expected one has no value."""
    a, b = math_value(expected), math_value(got)
    if a is None:
        return re.sub(r"\s", "", str(expected)) == re.sub(r"\s", "", str(got))
    return b is not None and bool(abs(a - b) < 1e-6 * max(1, abs(a)))


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
# Beyond these an expression is refused rather than computed: 9**9**9 would never end.
_MAX_EXPONENT = 1_000
_MAX_BASE = 10**100
_MAX_TEXT = 1_000


def math_value(expression: Any) -> Any:
    """The value of ``+ - * / ** ^``, ``sqrt()`` and ``factorial()`` over numbers; None for anything else."""
    source = str(expression).replace("^", "**").replace("×", "*").replace("÷", "/")
    if len(source) > _MAX_TEXT:
        return None
    try:
        return _evaluate(ast.parse(source.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None


def _evaluate(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and (abs(right) > _MAX_EXPONENT or abs(left) > _MAX_BASE):
            raise ValueError("the power is too big to compute")
        return _BINARY[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        value = _evaluate(node.args[0])
        if node.func.id == "sqrt":
            return math.sqrt(value)
        if node.func.id == "factorial" and value <= _MAX_EXPONENT:
            return math.factorial(value)
    raise ValueError("not arithmetic")
