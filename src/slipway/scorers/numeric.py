"""numeric: the number in the output is the expected one, within a tolerance."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from slipway.data import Score
from slipway.errors import UsageError
from slipway.registry import register
from slipway.scorers.base import text_of

# Digits in groups of three or in one row; a sign only where no word or digit stands before it (so 3-4 is 3 and 4).
_NUMBER = re.compile(
    r"(?:(?<![\w.)])[-+−])?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:(?<=\d)\.\d+|(?<![\d\w.])\.\d+)?(?:(?<=\d)[eE][-+]?\d+)?"
)
LONGEST = 400


@register("scorer", "numeric")
def numeric(output: Any, expected: Any, *, tolerance: float = 0.0, relative: float = 1e-9, take: str = "last") -> Score:
    """1 when the output's number is within max(``tolerance``, ``relative`` x |expected|) of the expected one, else 0.

    Both may be numbers or texts with numbers in them: ``1,234.5``, ``-3``, ``1e6``. ``take`` says which number of a text
    counts: "last" (where answers end up), "first", "any" (one of them is right) or "only" (there must be just one).
    0 when the output has no number; None when the expected value has none. ``metadata``: the number found, and how far off.
    """
    if take not in ("last", "first", "any", "only"):
        raise UsageError(f"take cannot be {take!r}", mend="use last, first, any or only")
    wanted = numbers(expected)
    if not wanted:
        return Score("numeric", None, "the expected value has no number")
    goal, found = wanted[-1], numbers(output)
    if not found:
        return Score("numeric", 0.0, "the output has no number")
    if take == "only" and len(found) > 1:
        return Score("numeric", 0.0, f"the output has {len(found)} numbers")
    chosen = found if take == "any" else [found[0] if take == "first" else found[-1]]
    best = min(chosen, key=lambda number: abs(number - goal))
    off = abs(best - goal)
    right = off <= max(Decimal(str(tolerance)), Decimal(str(relative)) * abs(goal))
    return Score(
        "numeric",
        float(right),
        "" if right else f"{best} is {off} off {goal}",
        metadata={"found": str(best), "off": str(off)},
    )


def numbers(value: Any) -> list[Decimal]:
    """The finite numbers in a value, in order."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, int | float):
        value = repr(value) if isinstance(value, float) else value
        return _decimals([str(value)])
    return _decimals(match.group() for match in _NUMBER.finditer(text_of(value)))


def _decimals(texts: Any) -> list[Decimal]:
    found: list[Decimal] = []
    for text in texts:
        if not text or len(text) > LONGEST or not any(letter.isdigit() for letter in text):
            continue
        try:
            number = Decimal(text.replace(",", "").replace("−", "-"))
        except InvalidOperation:
            continue
        if number.is_finite() and abs(number.adjusted()) <= LONGEST:
            found.append(number)
    return found
