"""Works out arithmetic exactly, and refuses what would never end: 9**9**9 is answered at once.

Start in `evaluate()`; `spoken()` says a number aloud.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Literal

LONGEST = 300
BITS = 40_000
"""The greatest number: about 12,000 digits. More is neither said nor waited for."""
FACTORIAL = 2_000

Number = Fraction | float
Trouble = Literal["unreadable", "too big", "by zero", "no real"]


class Unsolved(ArithmeticError):
    """An expression that has no answer; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


def evaluate(expression: str) -> Number:
    """The value: a Fraction where it is exact, a float where it cannot be. Raises `Unsolved`, and nothing else."""
    if len(expression) > LONGEST:
        raise Unsolved("too big")
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", expression)  # 1,000
    for sign, plain in (("^", "**"), ("×", "*"), ("÷", "/"), ("−", "-"), ("√", "sqrt"), (" ", " ")):
        text = text.replace(sign, plain)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%(?=\s*(?:of|de|$|[-+*/)]))(?:\s*(?:of|de)\b)?", _percent, text)
    text = re.sub(r"(\d+|\([^()]*\))!", r"factorial(\1)", text)
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _value(tree.body)
    except ZeroDivisionError:
        raise Unsolved("by zero") from None
    except OverflowError:
        raise Unsolved("too big") from None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unsolved("unreadable") from None


def _percent(match: re.Match[str]) -> str:
    of = re.search(r"of|de", match[0])
    return f"({match[1]}/100)" + ("*" if of else "")


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool() | complex()):
            raise Unsolved("unreadable")
        case ast.Constant(value=int(whole)):
            return Fraction(whole)
        case ast.Constant(value=float(broken)):
            return _fit(Fraction(repr(broken))) if math.isfinite(broken) else _too_big()
        case ast.Name(id="pi" | "π"):
            return math.pi
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _fit(_OPERATORS[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            return _fit(_FUNCTIONS[name](_value(argument)))
    raise Unsolved("unreadable")


def _too_big() -> Number:
    raise Unsolved("too big")


def _fit(value: Number) -> Number:
    """The value, if it is a number that can be said."""
    if isinstance(value, float):
        return value if math.isfinite(value) else _too_big()
    if value.numerator.bit_length() > BITS or value.denominator.bit_length() > BITS:
        raise Unsolved("too big")
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        # How long the result would be is known before it is worked out.
        size = max(abs(base.numerator), base.denominator).bit_length() - 1
        if size * abs(exponent.numerator) > BITS:
            raise Unsolved("too big")
        return Fraction(base**exponent.numerator)
    if base < 0:
        raise Unsolved("no real")
    return _fit(float(base) ** float(exponent))


def _root(value: Number) -> Number:
    if value < 0:
        raise Unsolved("no real")
    if isinstance(value, Fraction):
        above, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if above * above == value.numerator and below * below == value.denominator:
            return Fraction(above, below)
    return math.sqrt(value)


def _absolute(value: Number) -> Number:
    return -value if value < 0 else value


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise Unsolved("no real")
    if value > FACTORIAL:
        raise Unsolved("too big")
    return Fraction(math.factorial(value.numerator))


_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
}
_FUNCTIONS: dict[str, Callable[[Number], Number]] = {
    "sqrt": _root,
    "factorial": _factorial,
    "abs": _absolute,
}


def spoken(value: Number, lang: str, *, digits: int = 4) -> tuple[str, bool]:
    """A number as it is said, and whether that is exact: "1,234.5", "1234,5", "1.2 times 10 to the power of 30"."""
    exact = Fraction(value)
    if exact and not Fraction(1, 10_000) <= abs(exact) < 10**15:
        return _power_of_ten(value, lang)
    rounded = round(exact, digits if abs(exact) >= Fraction(1, 100) else digits + 2)
    whole, rest = divmod(abs(rounded), 1)
    text = f"{int(whole):,}" if lang == "en" else str(int(whole))
    if rest:
        places = f"{float(rest):.{digits + 2}f}"[2:].rstrip("0")
        text += (("," if lang == "fr" else ".") + places) if places else ""
    minus = {"en": "minus ", "fr": "moins ", "ja": "マイナス"}[lang]
    return (minus if rounded < 0 else "") + text, rounded == exact and isinstance(value, Fraction)


def _power_of_ten(value: Number, lang: str) -> tuple[str, bool]:
    exact = Fraction(value)
    size = abs(exact)
    power = int((size.numerator.bit_length() - size.denominator.bit_length()) * math.log10(2))
    while size >= Fraction(10) ** (power + 1):
        power += 1
    while size < Fraction(10) ** power:
        power -= 1
    shown = round(exact / Fraction(10) ** power, 2)
    front, _ = spoken(shown, lang)
    times = {"en": " times 10 to the power of ", "fr": " fois 10 puissance ", "ja": "かける10の"}[lang]
    back, _ = spoken(Fraction(power), lang)
    return front + times + back + ("乗" if lang == "ja" else ""), shown * Fraction(10) ** power == exact
