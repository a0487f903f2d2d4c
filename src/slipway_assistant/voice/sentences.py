"""A text divided into what is said in one breath: `sentences("It is 7.5 degrees. It rains.", "en")` gives two."""

from __future__ import annotations

import re

LONGEST = 240
"""A sentence longer than this is divided at a comma or a space: its first sound shall not wait for its last word."""

_WORDS = "mr mrs ms dr st jr sr vs no prof approx etc e.g i.e m mm mme mlle env ex p.ex av"
_ABBREVIATED = frozenset(_WORDS.split())
_END = re.compile(r"[.!?…]+[\"'»”’)\]]*(?=\s)|[。！？!?…]+[」』）]*|\n+")
_BREATH = re.compile(r"[,;:，、；：—–]\s*|\s+")


def sentences(text: str, lang: str) -> list[str]:
    """The sentences in order; a text without any word gives none."""
    found: list[str] = []
    begun = 0
    for end in _END.finditer(text):
        if lang != "ja" and _goes_on(text, begun, end):
            continue
        found += _breaths(text[begun : end.end()])
        begun = end.end()
    found += _breaths(text[begun:])
    return [part for part in found if re.search(r"\w", part)]


def _goes_on(text: str, begun: int, end: re.Match[str]) -> bool:
    """Whether this sign ends no sentence: after an abbreviation or an initial, or before a small letter."""
    if not end[0].startswith(".") or len(end[0]) > 1:
        # "... Non !" in French: a sign with a space before it ends the sentence all the same.
        return end[0][0] in "!?" and end.end() < len(text) and not text[end.end()].isspace()
    words = text[begun : end.start()].split()
    last = words[-1].lower().lstrip("(«\"'") if words else ""
    after = text[end.end() :].lstrip(" \u00a0»”’\"')")[:1]
    return last in _ABBREVIATED or (len(last) == 1 and last.isalpha()) or after.islower()


def _breaths(sentence: str) -> list[str]:
    sentence = sentence.strip()
    parts = []
    while len(sentence) > LONGEST:
        pauses = [match.end() for match in _BREATH.finditer(sentence, 40, LONGEST)]
        commas = [at for at in pauses if sentence[at - 1] != " " or sentence[at - 2 : at - 1] in ",;:"]
        cut = (commas or pauses or [LONGEST])[-1]
        parts.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*parts, sentence] if sentence else parts
