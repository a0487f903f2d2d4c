"""Japanese for a voice that reads kana only: words in kanji and numbers become what is spoken.

espeak-ng says "Chinese letter" for every kanji. `readable` knows the words of `readings.txt`, the longest first, and how numbers
are read with what is counted. A kanji that it does not know is left out of the sound. A piper voice reads kanji itself.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_DIGITS = ["ゼロ", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう"]
_TENS = {3: ("びゃく", "ぜん"), 6: ("ろっぴゃく", ""), 8: ("はっぴゃく", "はっせん")}
_MYRIADS = ("", "まん", "おく", "ちょう")

# What the last digit becomes before a counter; those that are not named are read as they are.
_COUNTERS: dict[str, tuple[str, dict[int, str]]] = {
    "時": ("じ", {4: "よ", 7: "しち", 9: "く"}),
    "年": ("ねん", {4: "よ"}),
    "月": ("がつ", {4: "し", 7: "しち", 9: "く"}),
    "円": ("えん", {4: "よ"}),
    "分": ("ふん", {1: "いっぷん", 3: "さんぷん", 4: "よんぷん", 6: "ろっぷん", 8: "はっぷん", 0: "っぷん"}),
    "個": ("こ", {1: "いっこ", 6: "ろっこ", 8: "はっこ", 0: "っこ"}),
    "回": ("かい", {1: "いっかい", 6: "ろっかい", 8: "はっかい", 0: "っかい"}),
    "曲": ("きょく", {1: "いっきょく", 6: "ろっきょく", 8: "はっきょく", 0: "っきょく"}),
    "件": ("けん", {1: "いっけん", 6: "ろっけん", 8: "はっけん", 0: "っけん"}),
    "歳": ("さい", {1: "いっさい", 8: "はっさい", 0: "っさい"}),
    "秒": ("びょう", {}),
    "度": ("ど", {}),
    "番": ("ばん", {}),
    "倍": ("ばい", {}),
    "枚": ("まい", {}),
    "台": ("だい", {}),
    "話": ("わ", {}),
}
_WHOLE = {
    "1日": "ついたち",
    "2日": "ふつか",
    "3日": "みっか",
    "4日": "よっか",
    "5日": "いつか",
    "6日": "むいか",
    "7日": "なのか",
    "8日": "ようか",
    "9日": "ここのか",
    "10日": "とおか",
    "14日": "じゅうよっか",
    "20日": "はつか",
    "24日": "にじゅうよっか",
    "1人": "ひとり",
    "2人": "ふたり",
    "4人": "よにん",
    "1つ": "ひとつ",
    "2つ": "ふたつ",
    "3つ": "みっつ",
    "4つ": "よっつ",
    "5つ": "いつつ",
    "6つ": "むっつ",
    "7つ": "ななつ",
    "8つ": "やっつ",
    "9つ": "ここのつ",
}
_SIGNS = {
    "%": "パーセント",
    "％": "パーセント",
    "℃": "ど",
    "°": "ど",
    "+": "プラス",
    "×": "かける",
    "÷": "わる",
    "=": "は",
}
_KANJI = re.compile(r"[\u4e00-\u9fff々〆]")
_NUMBER = re.compile(r"(\d[\d,]*)(?:\.(\d+))?")
_NARROW = str.maketrans("０１２３４５６７８９．：", "0123456789.:")


def readable(text: str) -> str:
    """The text in kana, with the particle は as it is spoken (わ)."""
    text = text.translate(_NARROW)
    text = re.sub(r"(\d{1,2}):(\d{2})(?!\d)", lambda m: f"{m[1]}時" + (f"{int(m[2])}分" if int(m[2]) else ""), text)
    out: list[str] = []
    at = 0
    after_word = False  # a は after a word is the particle
    while at < len(text):
        number = _NUMBER.match(text, at)
        if number:
            said, at = _counted(text, number)
            out.append(said)
            after_word = True
            continue
        word = _longest(text, at)
        if word:
            out.append(_readings()[word])
            at += len(word)
            after_word = True
            continue
        sign = text[at]
        at += 1
        if sign == "は" and after_word:
            out.append("わ")
        elif sign == "へ" and after_word:
            out.append("え")
        elif sign == "を":
            out.append("お")
        elif not _KANJI.match(sign):
            out.append(_SIGNS.get(sign, sign))
        after_word = bool(_KANJI.match(sign) or re.match(r"[ァ-ヿA-Za-z」』]", sign)) or sign in "にでとられ"
    return "".join(out)


def unknown(text: str) -> list[str]:
    """The kanji in a text that would be left out."""
    left = []
    at = 0
    while at < len(text):
        word = _longest(text, at)
        number = _NUMBER.match(text, at)
        if word or number:
            at += len(word) if word else 0
            at = _counted(text, number)[1] if number else at
            continue
        left += [text[at]] if _KANJI.match(text[at]) else []
        at += 1
    return left


def number(value: int) -> str:
    """A whole number as it is read: 3650 -> さんぜんろっぴゃくごじゅう."""
    if value == 0:
        return _DIGITS[0]
    parts = []
    for name in _MYRIADS:
        value, group = divmod(value, 10_000)
        if group:
            parts.append(_group(group, bool(name)) + name)
    if value:  # beyond what anybody says aloud: the digits one by one
        return "".join(_DIGITS[int(digit)] for digit in str(value))
    return "".join(reversed(parts))


def _group(value: int, named: bool) -> str:
    thousands, hundreds, tens, ones = (value // 10**power % 10 for power in (3, 2, 1, 0))
    said = ""
    if thousands:
        regular = "せん" if thousands == 1 else _DIGITS[thousands] + "せん"
        said += {3: "さんぜん", 8: "はっせん"}.get(thousands, regular)
    if hundreds:
        regular = "ひゃく" if hundreds == 1 else _DIGITS[hundreds] + "ひゃく"
        said += {3: "さんびゃく", 6: "ろっぴゃく", 8: "はっぴゃく"}.get(hundreds, regular)
    if tens:
        said += "じゅう" if tens == 1 else _DIGITS[tens] + "じゅう"
    return said + (_DIGITS[ones] if ones else "")


def _counted(text: str, found: re.Match[str]) -> tuple[str, int]:
    """A number with its counter, and where the text goes on."""
    whole, decimals, end = int(found[1].replace(",", "")), found[2], found.end()
    if len(str(whole)) > 16:
        return "".join(_DIGITS[int(digit)] for digit in str(whole)), end
    if decimals:
        return number(whole) + "てん" + "".join(_DIGITS[int(digit)] for digit in decimals), end
    counter = text[end : end + 1]
    if f"{whole}{counter}" in _WHOLE and text[end : end + 2] != "日間":
        return _WHOLE[f"{whole}{counter}"], end + 1
    if counter in {"日", "人"}:
        return number(whole) + {"日": "にち", "人": "にん"}[counter], end + 1
    if counter not in _COUNTERS or _is_word(text, end):
        return number(whole), end
    if text[end + 1 : end + 2] == "間" and counter in "時分秒年":
        return _with(whole, counter) + "かん", end + 2
    return _with(whole, counter), end + 1


def _with(whole: int, counter: str) -> str:
    said, changes = _COUNTERS[counter]
    last = whole % 10
    if last == 0 and 0 in changes and whole % 100:  # twenty minutes: にじゅっぷん
        return number(whole)[:-1] + changes[0]
    if last in changes and last:
        stem = number(whole - last) if whole > last else ""
        change = changes[last]
        return stem + (change if len(change) > 2 else change + said)
    return number(whole) + said


def _is_word(text: str, at: int) -> bool:
    """Whether what follows a number is a longer word that begins like a counter, such as 時間."""
    word = _longest(text, at)
    return word is not None and len(word) > 1 and word[0] not in "時分秒"


def _longest(text: str, at: int) -> str | None:
    table = _readings()
    return next((text[at : at + n] for n in range(min(8, len(text) - at), 0, -1) if text[at : at + n] in table), None)


@cache
def _readings() -> dict[str, str]:
    lines = (files("slipway_assistant.voice") / "readings.txt").read_text("utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {written: spoken for written, _, spoken in pairs}
