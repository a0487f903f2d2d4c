"""Names as people say them, compared with names as they are written: `best("beatels", titles)`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from typing import TypeVar

from slipway_assistant.text import KANA_OR_KANJI, word_set

T = TypeVar("T")

ENOUGH = 0.74
"""From here on two names count as the same one, said or heard a little differently."""
MOST_COMPARED = 4_000
"""So many names are compared letter by letter; in a longer list only those that share a word."""

_NOISE = word_set("the a an le la les l un une des du de d my mon ma mes of and et by par please")
_KATAKANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


def fold(text: str) -> str:
    """Without case, accents, signs, and without the difference between katakana and hiragana."""
    apart = unicodedata.normalize("NFKD", text[:500]).casefold()
    # Only Latin accents go: without its mark, a kana is another syllable.
    plain = unicodedata.normalize("NFKC", re.sub(r"[\u0300-\u036f]", "", apart)).replace("&", " and ")
    apart = re.sub(r"\b(l|d|j|s|n|m|t|c|qu)['’]", r"\1 ", plain)
    return " ".join(re.findall(r"[^\W_]+", kana(re.sub("['’]", "", apart))))


def kana(text: str) -> str:
    """Katakana as hiragana: a pattern for what was folded has to be written so."""
    return text.translate(_KATAKANA)


def alike(said: str, written: str) -> float:
    """How well what was said names what is written, from 0 to 1; both are folded already."""
    if not said or not written:
        return 0.0
    if said == written or said.replace(" ", "") == written.replace(" ", ""):
        return 1.0
    if KANA_OR_KANJI.search(said + written):
        inside = len(said) > 1 and said in written
        return max(0.75 + 0.2 * len(said) / len(written) if inside else 0.0, _letters(said, written))
    words, there = _telling(said), _telling(written)
    if words == there:
        return 0.97
    if words <= there:
        return 0.75 + 0.2 * len(words) / len(there)
    # "the song hello by adele" names "hello" when not much else is said; one word of five does not.
    if there <= words and len(there) * 2 > len(words):
        return 0.75 + 0.1 * len(there) / len(words)
    return _letters(said, written)


def best(said: str, things: Iterable[T], name: Callable[[T], str] = str) -> tuple[T | None, float]:
    """The thing whose name fits best, and how well; (None, 0) when nothing reaches ENOUGH."""
    found, score = None, 0.0
    wanted = fold(said)
    candidates = list(things)
    if len(candidates) > MOST_COMPARED:
        words = _telling(wanted)
        candidates = [one for one in candidates if not words.isdisjoint(fold(name(one)).split())] or candidates
    for one in candidates[:50_000]:
        likeness = alike(wanted, fold(name(one)))
        if likeness > score:
            found, score = one, likeness
            if score == 1.0:
                break
    return (found, score) if score >= ENOUGH else (None, 0.0)


def _telling(folded: str) -> frozenset[str]:
    words = frozenset(folded.split())
    return words - _NOISE or words


def _letters(said: str, written: str) -> float:
    matcher = SequenceMatcher(None, written, said, autojunk=False)
    # The two cheap bounds first: most pairs have nothing in common.
    if matcher.real_quick_ratio() < ENOUGH or matcher.quick_ratio() < ENOUGH:
        return 0.0
    return 0.98 * matcher.ratio()
