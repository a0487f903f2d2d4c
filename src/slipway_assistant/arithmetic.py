"""Arithmetic said in words, in three languages, as an expression: "twelve divided by four" -> "12 / 4".

Start in `expression()`.
"""

from __future__ import annotations

import re

from slipway_assistant.numbers import Number, find_numbers

# Longest first, so that "to the power of" is not read as "of".
_OPERATORS: list[tuple[str, str]] = [
    (r"to the power of|raised to(?: the)?(?: power(?: of)?)?|puissance|exposant|の?\s*\*\*|\^|\*\*", "**"),
    (r"multiplied by|times|multiplié(?:e|s|es)? par|fois|かける|掛ける|×|\*|x", "*"),
    (r"divided by|over|divisé(?:e|s|es)? par|sur|わる|割る|÷|/", "/"),
    (r"subtracted from", "from"),
    (r"minus|less|take away|moins|ひく|引く|−|-", "-"),
    (r"plus|added to|ajouté à|たす|足す|\+", "+"),
]
_PERCENT_OF = re.compile(r"\s*(?:%|percent|pourcents?|パーセント)\s*(?:of|de|des|du|d'|の)\s*\$?\s*")
_ROOT = re.compile(r"(?:square root|racine carrée|racine)\s*(?:of|de|d')?\s*$")
_CUBE = re.compile(r"^\s*(?:cubed|au cube|の三乗|の3乗)")
_SQUARE = re.compile(r"^\s*(?:squared|au carré|の二乗|の2乗)")
_FACTORIAL = re.compile(r"^\s*(?:factorial|factorielle|の階乗|!)")
_FACTORIAL_BEFORE = re.compile(r"(?:factorial|factorielle)\s*(?:of|de|d')?\s*$")
_ROOT_AFTER = re.compile(r"^\s*の(?:平方根|ルート)")
_VERBS: list[tuple[str, str]] = [
    (r"\b(?:add|sum|somme|ajoute|additionne|adding)\b|足して|合計", "+"),
    (r"\b(?:multiply|product|produit|multiplie)\b|掛けて|かけて", "*"),
    (r"\b(?:divide|quotient|divise)\b|割って", "/"),
    (r"\b(?:subtract|difference|soustrais|différence)\b|引いて", "-"),
]
_BETWEEN = re.compile(r"^\s*(?:and|et|by|par|,|と|に|を|から|from|de|to|à)\s*$")


def expression(text: str) -> str | None:
    """The arithmetic of an utterance with Python's operators; None when no expression is said."""
    # "pour cent" holds a number word (cent), "pourcent" does not.
    low = re.sub(r"\b(pour|per) cent\b", r"\1cent", text.lower().replace("’", "'"))
    numbers = find_numbers(low)
    if not numbers:
        return None
    parts = [_operand(low, number, numbers, i) for i, number in enumerate(numbers)]
    written = parts[0]
    said_operator = written != _plain(numbers[0].value)
    for i in range(1, len(numbers)):
        gap = low[numbers[i - 1].end : numbers[i].start]
        sign = _sign(gap, low)
        if sign is None:
            break
        said_operator = True
        written = _join(written, sign, parts[i])
    return written if said_operator else None


def _plain(value: int | float) -> str:
    return str(value) if isinstance(value, int) or not value.is_integer() else str(int(value))


def _operand(text: str, number: Number, numbers: list[Number], i: int) -> str:
    """A number with the root, square, cube or factorial that is said around it."""
    before = text[numbers[i - 1].end if i else 0 : number.start]
    after = text[number.end : numbers[i + 1].start if i + 1 < len(numbers) else len(text)]
    value = _plain(number.value)
    if _ROOT.search(before) or _ROOT_AFTER.match(after):
        return f"sqrt({value})"
    if _FACTORIAL.match(after) or _FACTORIAL_BEFORE.search(before):
        return f"factorial({value})"
    if _SQUARE.match(after):
        return f"{value} ** 2"
    if _CUBE.match(after):
        return f"{value} ** 3"
    return value


def _sign(gap: str, text: str) -> str | None:
    """The operator that stands between two numbers, or the verb before them ("add 5 and 89")."""
    if _PERCENT_OF.fullmatch(gap):
        return "percent"
    if gap == "の" and re.search("パーセント|%", text):
        return "share"
    for pattern, sign in _OPERATORS:
        if re.search(rf"(?<![^\W\d_])(?:{pattern})(?![a-zà-ÿ])", gap):
            return sign
    stripped = re.sub(r"square root(?: of)?|the|la racine carrée de", " ", gap)
    if _BETWEEN.match(stripped) or not stripped.strip():
        for pattern, sign in _VERBS:
            if re.search(pattern, text):
                return "from" if sign == "-" and re.search(r"from|から", stripped) else sign
    return None


def _join(left: str, sign: str, right: str) -> str:
    if sign == "percent":
        return f"{left} / 100 * {right}"
    if sign == "share":
        return f"{right} / 100 * {left}"
    if sign == "from":
        return f"{right} - {left}"
    return f"{left} {sign} {right}"
