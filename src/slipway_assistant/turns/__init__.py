"""The words by which a turn hangs on the one before it: yes, no, "cancel that", "and tomorrow?", "no, I meant ...".

One file of expressions a language (shapes.py has the notation); the lines of a section are alternatives. In `[meant]` and
`[follow]` the fragment that is new is `f` or `f2`; `[switch]` says what is done to the thing spoken of last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from slipway_assistant.shapes import pairs, sections, shape


@dataclass(frozen=True)
class Words:
    """The expressions of a language."""

    shapes: Mapping[str, re.Pattern[str]]
    switch: Sequence[tuple[str, re.Pattern[str]]]

    def whole(self, name: str, text: str) -> bool:
        """Whether the text is one of those of the section, signs apart."""
        return self.shapes[name].fullmatch(text.strip(" .!?,;。！？、…")) is not None

    def fragment(self, name: str, text: str) -> str:
        """What a follow-up or correction adds; empty when the text is none."""
        found = self.shapes[name].fullmatch(text.strip(" .!?,;。！？、…"))
        if found is None:
            return ""
        return next((part.strip() for part in found.groupdict().values() if part), "")

    def named(self, text: str) -> str:
        """An answer that is a name, with its article: "it's La Bohème" is "La Bohème"."""
        plain = text.strip(" .!?,;。！？、…")
        plain = self.shapes["lead"].sub("", plain, count=1) or plain
        return self.shapes["ending"].sub("", plain, count=1) or plain

    def trimmed(self, text: str) -> str:
        """A fragment without the small words around it: "in the kitchen please" is "kitchen"."""
        plain = text.strip(" .!?,;。！？、…")
        plain = self.shapes["filler"].sub("", plain, count=1) or plain
        return self.shapes["ending"].sub("", plain, count=1) or plain


@cache
def words(lang: str) -> Words:
    """The words of a language (`en`, `fr` or `ja`)."""
    found = sections("turns", lang)
    return Words(
        {name: shape("|".join(lines)) for name, lines in found.items() if name != "switch"},
        tuple((action, shape(line)) for action, line in pairs(found["switch"])),
    )
