"""Numbers as people say them in English, French and Japanese: `find_numbers` gives each with its place.

Start in `find_numbers()`. The value is an int where it is whole and a float otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway_assistant.text import Token, is_japanese, tokenize


@dataclass(frozen=True, slots=True)
class Number:
    """A number said in the text: `text[start:end]` means `value`."""

    value: int | float
    start: int
    end: int


_WORDS_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS_EN = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS_FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
_TENS_FR = {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
_TENS_FR |= {"septante": 70, "huitante": 80, "octante": 80, "nonante": 90}


def _counted(words: str, *, first: int = 0, by: int = 1) -> dict[str, int]:
    return {word: first + by * i for i, word in enumerate(words.split())}


_UNITS_FR = _counted(_WORDS_FR)
_SMALL = _counted(_WORDS_EN) | _counted(_TENS_EN, first=20, by=10) | _UNITS_FR | _TENS_FR | {"fourty": 40, "une": 1}
_SCALES = {"hundred": 100, "cent": 100, "cents": 100, "thousand": 1000, "mille": 1000}
_SCALES |= {"million": 10**6, "millions": 10**6, "billion": 10**9, "milliard": 10**9, "milliards": 10**9}
_JOINERS = frozenset({"and", "et", "-"})
_DECIMAL_POINTS = frozenset({"point", "virgule"})
_KANJI_DIGITS = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {"零": 0}
_KANJI_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "億": 10**8}
_JAPANESE_NUMBER = re.compile("[〇零一二三四五六七八九十百千万億]+")
# Words in which a numeral does not count: 一緒 (together), 一番 (most), 千葉 (a town) ...
_JAPANESE_NOT_NUMBER = re.compile("一緒|一番|一日中|一般|一部|千葉|百貨|万博|三重県|四国|九州|一覧|統一|二人とも")


def find_numbers(text: str) -> list[Number]:
    """Every number of the text in order: digits, words, or a mix ("3 hundred"); "a" and "un" alone count as words.

    French "un" and "une" are articles far more often than numbers, so alone they are left out.
    """
    tokens = tokenize(text)
    found: list[Number] = []
    at = 0
    while at < len(tokens):
        number, used = _read_number(tokens, at)
        if number is not None:
            found.append(number)
        at += max(used, 1)
    return sorted([*found, *_japanese(text)], key=lambda n: n.start) if is_japanese(text) else found


def _read_number(tokens: list[Token], at: int) -> tuple[Number | None, int]:
    """The number that begins at token `at`, and how many tokens it takes (0: none begins here)."""
    words: list[Token] = []
    i = at
    while i < len(tokens):
        low = tokens[i].low
        if _digits(low) is not None or low in _SMALL or low in _SCALES:
            if words and not _continues(words[-1].low, low):
                break
            words.append(tokens[i])
        elif low in _JOINERS and words and _joins(tokens, i, words[-1].low):
            pass  # "and", "et" and the hyphen inside one number
        else:
            break
        i += 1
    if not words or (len(words) == 1 and words[0].low in {"un", "une", "cents", "vingts"}):
        return None, 0
    value: int | float = _combine([word.low for word in words])
    end = words[-1].end
    used = _index_after(tokens, end) - at
    value, end, used = _decimals(tokens, at, used, value, end)
    return Number(value, words[0].start, end), used


def _index_after(tokens: list[Token], end: int) -> int:
    return next((i for i, token in enumerate(tokens) if token.start >= end), len(tokens))


def _decimals(tokens: list[Token], at: int, used: int, value: int | float, end: int) -> tuple[int | float, int, int]:
    """Read on after "point" or "virgule": the digits said one by one ("three point one four")."""
    i = at + used
    if i + 1 >= len(tokens) or tokens[i].low not in _DECIMAL_POINTS:
        return value, end, used
    digits = ""
    j = i + 1
    while j < len(tokens):
        low = tokens[j].low
        piece = low if low.isdecimal() else str(_SMALL[low]) if _SMALL.get(low, 10) < 10 else ""
        if not piece:
            break
        digits += piece
        j += 1
    if not digits:
        return value, end, used
    return float(f"{int(value)}.{digits}"), tokens[j - 1].end, j - at


def _digits(word: str) -> int | float | None:
    """The value of a word of digits: 1,000 (thousands), 3.5, and 3,5 as French writes it."""
    if not word[:1].isdecimal():
        return None
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", word):
        word = word.replace(",", "")
    word = word.replace(",", ".")
    try:
        return float(word) if "." in word else int(word)
    except ValueError:  # dates such as 3.12.2020 are no number
        return None


def _joins(tokens: list[Token], i: int, before: str) -> bool:
    """Whether a joiner at `i` stands inside a number: "hundred and five", "vingt et un", "twenty-one"."""
    if i + 1 >= len(tokens):
        return False
    after = tokens[i + 1].low
    if after not in _SMALL and _digits(after) is None:
        return False
    if tokens[i].low == "-":
        return before in _SMALL and after in _SMALL
    if tokens[i].low == "et":
        return after in {"un", "une", "onze"} and before in _SMALL
    return before in _SCALES


def _continues(before: str, word: str) -> bool:
    """Whether `word` goes on with the number that ended in `before`, rather than starting another one."""
    if word in _SCALES:
        return True
    if before in _SCALES:
        return True
    if _digits(before) is not None or _digits(word) is not None:
        return False
    a, b = _SMALL[before], _SMALL[word]
    if before == "quatre" and word in {"vingt", "vingts"}:
        return True
    if a >= 20 and a % 10 == 0 and 0 < b < 10:
        return True
    # French says 70 as sixty-ten and 90 as four-twenty-ten.
    return before in {"soixante", "vingt", "vingts", "dix"} and word in _UNITS_FR and b < 20


def _combine(words: list[str]) -> int | float:
    """Add up a number's words: [two, hundred, five] -> 205; [quatre, vingt, dix] -> 90."""
    total: int | float = 0
    current: int | float = 0
    previous = ""
    for word in words:
        if word in _SCALES:
            scale = _SCALES[word]
            current = (current or 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
        else:
            digits = _digits(word)
            value = digits if digits is not None else _SMALL[word]
            if word in {"vingt", "vingts"} and previous == "quatre":
                current = current - 4 + 80
            else:
                current += value
        previous = word
    return total + current


def _japanese(text: str) -> list[Number]:
    blocked = [(m.start(), m.end()) for m in _JAPANESE_NOT_NUMBER.finditer(text)]
    numbers = []
    for match in _JAPANESE_NUMBER.finditer(text):
        if any(start < match.end() and match.start() < end for start, end in blocked):
            continue
        numbers.append(Number(_kanji_value(match.group()), match.start(), match.end()))
    return numbers


def _kanji_value(kanji: str) -> int:
    if all(char in _KANJI_DIGITS for char in kanji):  # 二〇二六 is read digit by digit
        return int("".join(str(_KANJI_DIGITS[char]) for char in kanji))
    total = section = digit = 0
    for char in kanji:
        if char in _KANJI_DIGITS:
            digit = _KANJI_DIGITS[char]
            continue
        scale = _KANJI_SCALES[char]
        if scale >= 10_000:
            total += (section + digit or 1) * scale
            section = 0
        else:
            section += (digit or 1) * scale
        digit = 0
    return total + section + digit
