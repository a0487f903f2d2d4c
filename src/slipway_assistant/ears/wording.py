"""Text as it is said and as it is written: `spoken("wake me at 7:30")` and `written("twenty percent")`.

A recogniser knows words, the mind was taught on what people write: numbers, times and units are turned here.
English only, since the recogniser without weights is; Whisper writes by itself.
"""

from __future__ import annotations

import re
import unicodedata

_UNITS: list[str] = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen",
)
_TENS: list[str] = re.findall(r"\w+", "zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_ODD_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ODD_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
_VALUES = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * i for i, word in enumerate(_TENS) if i > 1}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_SIGNS = {
    "%": " percent ",
    "&": " and ",
    "+": " plus ",
    "*": " times ",
    "×": " times ",
    "÷": " divided by ",
    "=": " equals ",
    "@": " at ",
    "°": " degrees ",
    "’": "'",
}
_CURRENCY = {"$": "dollars", "£": "pounds", "€": "euros"}
_TIME = re.compile(r"\b(\d{1,2})(?::(\d\d)\b|\.(\d\d)(?=\s*[ap] m\b))")
_CLOCK = re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_DECADE = re.compile(r"\b(\d\d)?(\d)0'?s\b")
_ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*'?")


def cardinal(number: int) -> str:
    """The words of a whole number: `cardinal(205)` is "two hundred and five"."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    for value, name in ((1_000_000, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= value:
            rest = number % value
            joined = " and " if rest and (rest < 100) else " "
            return f"{cardinal(number // value)} {name}" + (joined + cardinal(rest) if rest else "")
    raise AssertionError(number)


def ordinal(number: int) -> str:
    """The words of a place in a row: `ordinal(21)` is "twenty first"."""
    *before, last = cardinal(number).split()
    if last in _ODD_ORDINALS:
        last = _ODD_ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*before, last])


def _year(number: int) -> str:
    if (1100 <= number < 2100 and number // 100 != 20) or 2010 <= number < 2100:
        low = number % 100
        rest = "hundred" if low == 0 else f"oh {_UNITS[low]}" if low < 10 else cardinal(low)
        return f"{cardinal(number // 100)} {rest}"
    return cardinal(number)


def _said_number(match: re.Match[str]) -> str:
    whole, _, decimals = match.group().replace(",", "").partition(".")
    if len(whole) > 9 or (whole.startswith("0") and len(whole) > 1):
        return " ".join(_UNITS[int(digit)] for digit in whole)
    said = _year(int(whole)) if len(whole) == 4 and "," not in match.group() and not decimals else cardinal(int(whole))
    return said + (" point " + " ".join(_UNITS[int(digit)] for digit in decimals) if decimals else "")


def _said_time(match: re.Match[str]) -> str:
    hour, minute = int(match.group(1)), int(match.group(2) or match.group(3))
    if hour > 24 or minute > 59:
        return f"{hour} {minute}"
    said = "o'clock" if minute == 0 else f"oh {_UNITS[minute]}" if minute < 10 else cardinal(minute)
    return f"{cardinal(hour)} {said}"


def _said_decade(match: re.Match[str]) -> str:
    tens = "noughties" if match.group(2) == "0" else _TENS[int(match.group(2))].removesuffix("y") + "ies"
    return f"{cardinal(int(match.group(1)))} {tens}" if match.group(1) else tens


def spoken(text: str) -> list[str]:
    """The words that a person says for a written sentence, in lower case: numbers, times and signs become words."""
    text = unicodedata.normalize("NFC", text).lower()
    for sign, said in _SIGNS.items():
        text = text.replace(sign, said)
    text = re.sub(r"([$£€])\s?(\d[\d,.]*)", lambda m: f"{m.group(2)} {_CURRENCY[m.group(1)]}", text)
    text = re.sub(r"(?<=\d)\s*/\s*(?=\d)", " divided by ", text)
    text = re.sub(r"(?<=\d)\s*[-−–]\s*(?=\d)", " minus ", text)
    text = re.sub(r"(?<=\d)\s*([ap])\.?m\b\.?", r" \1 m ", text)
    text = _CLOCK.sub(lambda m: f"{m.group(1)} m" if m.group() not in ("am", "pm") or m.group() == "pm" else "am", text)
    text = _TIME.sub(_said_time, text)
    text = _DECADE.sub(_said_decade, text)
    text = _ORDINAL.sub(lambda m: ordinal(int(m.group(1))) if len(m.group(1)) < 7 else m.group(1), text)
    text = _NUMBER.sub(lambda m: f" {_said_number(m)} ", text)
    return [word.strip("'") for word in _WORD.findall(text) if word.strip("'")]


def written(text: str) -> str:
    """The sentence as people would write it: "wake me at seven thirty a m" becomes "wake me at 7:30 am".

    Only what is surely a time, a percentage or a clock's half is turned. The mind reads other number words by itself.
    """
    words = text.split()
    out: list[str] = []
    at = 0
    while at < len(words):
        said, used = _written_at(words, at)
        out.append(said)
        at += used
    return " ".join(out)


def _written_at(words: list[str], at: int) -> tuple[str, int]:
    """What stands at a place of the sentence, and how many words it takes there."""
    word = words[at]
    if word in ("a", "p") and words[at + 1 : at + 2] == ["m"]:
        return f"{word}m", 2
    hour = _VALUES.get(word)
    if hour is None or not 1 <= hour <= 12:
        return word, 1
    minutes, used = _minutes(words, at + 1)
    after = words[at + 1 + used : at + 2 + used]
    if minutes is None or (after and (after[0] in _SCALES or after[0] in _VALUES or after[0] in ("percent", "point"))):
        return word, 1
    return f"{hour}:{minutes:02d}", 1 + used


def _minutes(words: list[str], at: int) -> tuple[int | None, int]:
    """Minutes after an hour: "oh five", "fifteen", "forty five"; not "five" alone, since "four five" are two numbers."""
    if words[at : at + 1] == ["oh"] and 0 < _VALUES.get("".join(words[at + 1 : at + 2]), 0) < 10:
        return _VALUES[words[at + 1]], 2
    tens = _VALUES.get("".join(words[at : at + 1]), 0)
    if not 10 <= tens < 60:
        return None, 0
    units = _VALUES.get("".join(words[at + 1 : at + 2]), 0)
    if tens >= 20 and 0 < units < 10:
        return tens + units, 2
    return tens, 1
