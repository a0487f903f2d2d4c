"""Arithmetic said in words, in three languages, as an expression: "twelve divided by four" -> "12 / 4".

Start in `expression()`.
"""

from __future__ import annotations

import re

from slipway_assistant.numbers import Number, find_numbers
from slipway_assistant.schema import is_arithmetic

# Longest first, so that "to the power of" is not read as "of".
_OPERATORS: list[tuple[str, str]] = [
    (r"to the power of|raised to(?: the)?(?: power(?: of)?)?|puissance|exposant|の?\s*\*\*|\^|\*\*", "**"),
    (r"multiplied by|times|multiplié(?:e|s|es)? par|fois|かける|掛ける|×|\*|x", "*"),
    (r"divided by|over|divisé(?:e|s|es)? par|sur|わる|割る|÷|/", "/"),
    (r"subtracted from", "from"),
    (r"minus|less|take away|moins|ひく|引く|−|-", "-"),
    (r"plus|added to|ajouté à|たす|足す|\+", "+"),
]
# Shares and multiples that are said without a sign, before the number they are of.
_MULTIPLES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(rf"(?<![^\W\d_])(?:{pattern})\s+(?=\S)"), f"{factor} times ")
    for pattern, factor in (
        (r"three[- ]quarters of|les trois quarts de", "0.75"),
        (r"(?:a |one |le )?(?:quarter of|quart de)", "0.25"),
        (r"(?:one[- ]|the |a |la )?(?:half of|moitié de)", "0.5"),
        (r"(?:a |one |le )?(?:third of|tiers de)", "1 / 3"),
        (r"twice|double|le double de", "2"),
        (r"triple|le triple de", "3"),
    )
]
_SYMBOLS = re.compile(r"[\d(][\d\s.()+*/×÷^-]*[\d)]")
_PERCENT_OF = re.compile(r"\s*(?:%|percent|pourcents?|パーセント)\s*(?:of|de|des|du|d'|の)\s*\$?\s*")
_ROOT = re.compile(r"(?:square root|racine carrée|racine)\s*(?:of|de|d')?\s*$")
_SQUARE_BEFORE = re.compile(r"(?:square of|carré de)\s*$")
_CUBE_BEFORE = re.compile(r"(?:cube of|cube de)\s*$")
_CUBE = re.compile(r"^\s*(?:cubed|au cube|の三乗|の3乗)")
_SQUARE = re.compile(r"^\s*(?:squared|au carré|の二乗|の2乗)")
_FACTORIAL = re.compile(r"^\s*(?:factorial|factorielle|の階乗|!)")
_FACTORIAL_BEFORE = re.compile(r"(?:factorial|factorielle)\s*(?:of|de|d')?\s*$")
_ROOT_AFTER = re.compile(r"^\s*の(?:平方根|ルート)")
_VERBS: list[tuple[str, str]] = [
    (r"\b(?:add|sum|somme|ajoute|additionne|adding)\b|足(?:して|す|した)|合計", "+"),
    (r"\b(?:multiply|product|produit|multiplier?)\b|(?:掛け|かけ)(?:て|る|た)", "*"),
    (r"\b(?:divide|quotient|diviser?)\b|割(?:って|る|った)", "/"),
    (r"\b(?:subtract|difference|take|soustrais|soustraire|enlève|différence)\b|引(?:いて|く|いた)", "-"),
]
_SHARED = re.compile(r"\b(?:share|shared|split|divide|divided|partage|partager|partagé|réparti)\b")
_AMONG = re.compile(r"\b(?:between|among|into|entre)\s*$")
_GOES_INTO = re.compile(r"\bgo(?:es)? (?:in|into)\s*$")
_BETWEEN = re.compile(r"^\s*(?:and|et|by|par|,|と|に|を|から|from|de|to|à)\s*$")


def expression(text: str) -> str | None:
    """The arithmetic of an utterance with Python's operators; None when no expression is said."""
    # "pour cent" holds a number word (cent), "pourcent" does not.
    low = re.sub(r"\b(pour|per) cent\b", r"\1cent", text.lower().replace("’", "'"))
    written_out = _in_brackets(low)
    if written_out is not None:
        return written_out
    for pattern, factor in _MULTIPLES:
        low = pattern.sub(factor, low)
    numbers = find_numbers(low)
    if not numbers:
        return None
    parts = [_operand(low, number, numbers, i) for i, number in enumerate(numbers)]
    written = parts[0]
    said_operator = written != _plain(numbers[0].value)
    for i in range(1, len(numbers)):
        gap = low[numbers[i - 1].end : numbers[i].start]
        after = low[numbers[i].end : numbers[i + 1].start if i + 1 < len(numbers) else len(low)]
        sign = _sign(gap, low, after)
        if sign is None:
            break
        said_operator = True
        written = _join(written, sign, parts[i])
    return written if said_operator else None


def _in_brackets(text: str) -> str | None:
    """What is written in signs with brackets, as it stands; None where no brackets are or they make no sense."""
    for match in _SYMBOLS.finditer(text):
        written = match.group().replace("×", "*").replace("÷", "/").replace("^", "**")
        if "(" in written and re.search(r"[+*/-]", written) and is_arithmetic(written):
            return written
    return None


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
    if _SQUARE.match(after) or _SQUARE_BEFORE.search(before):
        return f"{value} ** 2"
    if _CUBE.match(after) or _CUBE_BEFORE.search(before):
        return f"{value} ** 3"
    return value


def _sign(gap: str, text: str, after: str) -> str | None:
    """The operator that stands between two numbers, or the verb around them ("add 5 and 89", "10から3を引く")."""
    if _PERCENT_OF.fullmatch(gap):
        return "percent"
    if gap == "の" and re.search("パーセント|%", text):
        return "share"
    if gap == "の" and after.startswith("乗"):
        return "**"
    if _GOES_INTO.search(gap):
        return "into"
    if _AMONG.search(gap) and _SHARED.search(text):
        return "/"
    for pattern, sign in _OPERATORS:
        if re.search(rf"(?<![^\W\d_])(?:{pattern})(?![a-zà-ÿ])", gap):
            return sign
    stripped = re.sub(r"square root(?: of)?|the|la racine carrée de", " ", gap)
    stripped = re.sub(r"\baway\b", " ", stripped)
    if _BETWEEN.match(stripped) or not stripped.strip():
        for pattern, sign in _VERBS:
            if re.search(pattern, text):
                turned = re.search(r"\bfrom\b|\bde\b", stripped) or after.startswith("から")
                return "from" if sign == "-" and turned else sign
    return None


def _join(left: str, sign: str, right: str) -> str:
    if sign == "percent":
        return f"{left} / 100 * {right}"
    if sign == "share":
        return f"{right} / 100 * {left}"
    if sign == "into":
        return f"{right} / {left}"
    if sign == "from":
        return f"{right} - {left}"
    return f"{left} {sign} {right}"
