"""The shapes of sentences in which English, French and Japanese speakers say what they like: one file a language.

shapes.py has the notation. The sections:

- `[kinds]` says which nouns name which kind of thing, `[genres]` lists styles of music.
- `[dislike]`, `[favourite]`, `[like]` are whole sentences: `v` is the thing, `n` its kind, `this` what plays now.
- `[of kind]` tells the kind from the words around a name, `[wishes]` what a request to the memory asks.
- The other sections say what may open and close a sentence, what cannot be a thing, and so on (preferences.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from slipway_assistant.memory import Liking
from slipway_assistant.shapes import LANGUAGES, pairs, sections, shape


@dataclass(frozen=True)
class Likings:
    """What a language's file says, ready to match."""

    sentences: Sequence[tuple[Liking, re.Pattern[str]]]
    """(liking, shape): dislikes first, then favourites, since "my least favourite" holds "favourite"."""
    kinds: Mapping[str, str]
    of_kind: Sequence[tuple[str, re.Pattern[str]]]
    wishes: Sequence[tuple[str, re.Pattern[str]]]
    references: Sequence[re.Pattern[str]]
    pieces: Mapping[str, re.Pattern[str]]


@cache
def likings(lang: str) -> Likings:
    """The shapes of a language (`en`, `fr` or `ja`)."""
    found = sections("likings", lang)
    kinds: dict[str, str] = {}
    for kind, nouns in pairs(found["kinds"]):
        kinds.update({noun.strip(): kind for noun in nouns.split(",")})
    named = "|".join(re.escape(noun) for noun in sorted(kinds, key=len, reverse=True))
    order: tuple[Liking, ...] = ("dislike", "favourite", "like")
    likes = [(liking, shape(line)) for liking in order for line in found[liking]]
    return Likings(
        sentences=tuple(likes),
        kinds=kinds,
        of_kind=tuple((kind, shape(line)) for kind, line in pairs(found["of kind"])),
        wishes=tuple((act, shape(line)) for act, line in pairs(found["wishes"])),
        references=tuple(shape(line.replace("{NOUNS}", named)) for line in found["references"]),
        pieces={
            name: shape("".join(found[name]))
            for name in ("opening", "closing", "tail", "this", "nothing", "asked", "articles", "command")
        },
    )


@cache
def genres() -> frozenset[str]:
    """Styles of music, in all languages: people mix them."""
    lines = [line for lang in LANGUAGES for line in sections("likings", lang).get("genres", ())]
    return frozenset(name.strip() for line in lines for name in line.split(","))
