"""Words: text cut into words in one way, for both databases and for what is searched as well as for what is found.

A word is a run of letters and digits, without case and accents. In Chinese and Japanese, written without spaces, each
character is a word, so that any part of a sentence is found as a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import islice
from typing import Any

LONGEST = 64  # characters of a word; what is longer is no word, and is cut
MOST_CHARACTERS = 32_000  # of one field
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_LOWER = bytes(ord(_ASCII[code]) if code < 128 else 32 for code in range(256))
_RUNS = bytes(32 if code == 32 else 97 for code in _LOWER)
_TOO_LONG = b"a" * (LONGEST + 1)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\W_]+")
_MIXED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]|[^\u3040-\u9fff\uf900-\ufaff]+")


def words(text: str, most: int | None = None) -> list[str]:
    """The words of ``text``, in order."""
    if text.isascii():  # a third of what the same takes with regular expressions, and most text is
        found = text.translate(_ASCII).split()[:most]
        return found if len(max(found, key=len, default="")) <= LONGEST else [word[:LONGEST] for word in found]
    folded = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not _accent(char))
    parts = (part for word in _WORD.findall(folded) for part in _MIXED.findall(word))
    return [part[:LONGEST] for part in islice(parts, most)]


def _accent(char: str) -> bool:
    return unicodedata.combining(char) != 0


def spaced(text: str, most: int) -> str:
    """The words of ``text``, ``most`` at most, with spaces between: what an index is given, and where spaces cut as here."""
    if len(text) <= 2 * most and text.isascii():
        raw = text.encode()
        if _TOO_LONG not in raw.translate(_RUNS):  # a third of what cutting and joining take
            return raw.translate(_LOWER).decode().strip()
    return " ".join(words(text, most))


def strings(value: Any, most: int = MOST_CHARACTERS) -> str:
    """All text and numbers inside a JSON value, in order, up to ``most`` characters. Keys are not among them."""
    found: list[str] = []
    waiting = [value]
    while waiting and most > 0:
        item = waiting.pop()
        if isinstance(item, str):
            found.append(item[:most])
            most -= len(item) + 1
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(islice(item.values(), 1000))))
        elif isinstance(item, list | tuple):
            waiting.extend(reversed(item[:1000]))
        elif isinstance(item, int | float) and not isinstance(item, bool):
            text = f"{item:.17g}" if isinstance(item, float) else str(item) if item.bit_length() < 200 else ""
            found.append(text)
            most -= len(text) + 1
    return " ".join(found)
