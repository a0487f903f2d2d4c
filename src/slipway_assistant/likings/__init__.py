"""The shapes of sentences in which English, French and Japanese speakers say what they like: one file a language.

The notation, one regular expression a line under its `[section]`:

- `[words]` has pieces that others use: `SO = (?:really |also )*` is written `{SO}` elsewhere.
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
from importlib.resources import files

_HEAD = re.compile(r"\[([a-z ]+)\]")
LANGUAGES = ("en", "fr", "ja")


@dataclass(frozen=True)
class Likings:
    """What a language's file says, ready to match."""

    sentences: Sequence[tuple[str, re.Pattern[str]]]
    """(liking, shape): dislikes first, then favourites, since "my least favourite" holds "favourite"."""
    kinds: Mapping[str, str]
    of_kind: Sequence[tuple[str, re.Pattern[str]]]
    wishes: Sequence[tuple[str, re.Pattern[str]]]
    references: Sequence[re.Pattern[str]]
    pieces: Mapping[str, re.Pattern[str]]


@cache
def likings(lang: str) -> Likings:
    """The shapes of a language (`en`, `fr` or `ja`)."""
    sections = _sections(lang)
    kinds: dict[str, str] = {}
    for kind, nouns in _pairs(sections["kinds"]):
        kinds.update({noun.strip(): kind for noun in nouns.split(",")})
    named = "|".join(re.escape(noun) for noun in sorted(kinds, key=len, reverse=True))
    likes = [(liking, _shape(line)) for liking in ("dislike", "favourite", "like") for line in sections[liking]]
    return Likings(
        sentences=tuple(likes),
        kinds=kinds,
        of_kind=tuple((kind, _shape(line)) for kind, line in _pairs(sections["of kind"])),
        wishes=tuple((act, _shape(line)) for act, line in _pairs(sections["wishes"])),
        references=tuple(_shape(line.replace("{NOUNS}", named)) for line in sections["references"]),
        pieces={
            name: _shape("".join(sections[name]))
            for name in ("opening", "closing", "tail", "this", "nothing", "asked", "articles", "command")
        },
    )


@cache
def genres() -> frozenset[str]:
    """Styles of music, in all languages: people mix them."""
    lines = [line for lang in LANGUAGES for line in _sections(lang).get("genres", ())]
    return frozenset(name.strip() for line in lines for name in line.split(","))


def _shape(line: str) -> re.Pattern[str]:
    return re.compile(line, re.I)


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(head, rest) for head, _, rest in (line.partition(": ") for line in lines)]


@cache
def _sections(lang: str) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    section = ""
    for line in files(__name__).joinpath(f"{lang}.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("# "):
            continue
        if head := _HEAD.fullmatch(line):
            section = head[1]
            found[section] = []
            continue
        for name, piece in words.items():
            line = line.replace("{" + name + "}", piece)
        if section == "words":
            name, _, piece = line.partition(" = ")
            words[name] = piece
        else:
            found[section].append(line)
    return found
