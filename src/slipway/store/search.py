"""Search: in which names a regular expression is found, in time linear in their length whatever the pattern (RE2; T38).

The names are one long text, a line each, and the pattern walks over it as ``(?m)^.*?(?:PATTERN).*$`` with an option that keeps it
from crossing a line: Python is called once for each name found, not once for each name there is. A test compares the
answers with those of searching every name by itself, on patterns made at random.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from slipway.errors import DataError

MAX_PATTERN = 10_000  # characters
# Anchors to the whole text, single bytes, an open quotation, and the undoing of (?m) mean something else in one long text.
_ALONE = re.compile(r"\\[AzCQ]|\(\?[a-zA-Z]*-")


class Lines:
    """Names to search in, sorted."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))
        odd = [name for name in self.names if "\n" in name or not (name.isascii() or _encodes(name))]
        # Names with a line break, or with a lone surrogate, which RE2 sees as its escape, are searched one by one.
        self._odd = {name: name.encode("utf-8", "backslashreplace").decode() for name in odd}
        self._text = "\n".join(name for name in self.names if name not in self._odd).encode()

    def search(self, pattern: str) -> list[str]:
        """The names in which ``pattern`` is found anywhere, sorted. Raises `DataError` for a pattern that is none."""
        alone, walking = compiled(pattern)
        if _finds_all(pattern, alone):
            return self.names
        if _ALONE.search(pattern):
            return [name for name in self.names if alone.search(self._odd.get(name, name))]
        found = self._walk(walking)
        odd = [name for name, text in self._odd.items() if alone.search(text)]
        return sorted(found + odd) if odd else found

    def _walk(self, walking: Any) -> list[str]:
        if not self._text and "" not in self.names:
            return []
        import re2

        anywhere, text, end, position = re2._Anchor.UNANCHORED, self._text, len(self._text), 0
        match = walking._regexp.Match  # the wrapper would convert every offset to characters
        found = []
        while True:
            start, stop = match(anywhere, text, position, end)[0]
            if start < 0:
                break
            found.append(text[start:stop].decode())
            if stop >= end:
                break
            position = stop + 1
        return found


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finds_all(pattern: str, alone: Any) -> bool:
    # What finds an empty text needs no character; without "$" and escapes it can ask for nothing but the beginning.
    return "\\" not in pattern and "$" not in pattern and alone.fullmatch("") is not None


@lru_cache(maxsize=32)
def compiled(pattern: str) -> tuple[Any, Any]:
    """The pattern for one name, and for the text of all. Raises `DataError` that says what is wrong and what to write instead."""
    import re2

    if len(pattern) > MAX_PATTERN:
        raise DataError(f"the pattern has {len(pattern)} characters", mend=f"give at most {MAX_PATTERN}")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        alone = re2.compile(pattern, options)
        if _ALONE.search(pattern):
            return alone, None
        options.never_nl = True
        return alone, re2.compile(f"(?m)^.*?(?:{pattern}).*$", options)
    except re2.error as error:
        cause = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
    except UnicodeEncodeError:
        cause = "it holds a lone surrogate"
    raise DataError(f"{pattern!r:.200} is no regular expression: {cause}", mend=_mend(pattern, cause))


def _mend(pattern: str, cause: str) -> str:
    if re.search(r"\(\?<?[=!]", pattern):
        return "RE2 has no look-around; search for less and filter the answer"
    if re.search(r"\\[1-9]", pattern):
        return "RE2 has no backreferences; write the alternatives out"
    piece = cause.rpartition(": ")[2]
    position = pattern.find(piece) if piece and piece != pattern else -1
    where = f" at character {position + 1}" if position >= 0 else ""
    return f"correct it{where}; put \\ before a character that stands for itself"
