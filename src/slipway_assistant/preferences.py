"""What people say about what they like: "I love jazz", "ma couleur préférée c'est le bleu", "この曲好き".

Start in `preference()`. `wish()` reads questions and requests about what is remembered, `favourite_in()` the words
"my favourite song" in a command. All of it is rules, so that a sentence that is kept can be told from one that is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway_assistant.likings import genres, likings
from slipway_assistant.memory import Liking
from slipway_assistant.text import word_set

UNNAMED = word_set("song songs track tune one artist singer band this that favorite favourite")
LONGEST_SENTENCE = 200
LONGEST_NAME = 7
"""Words in the name of a thing; what is longer is a story, not a name."""


@dataclass(frozen=True, slots=True)
class Preference:
    """What was said of a thing. An empty `value` is what plays now or was just spoken of; `rest` is a command said with it."""

    kind: str
    value: str
    liking: Liking
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """A question about the memory, or a request to it. `kind` and `value` are what it is about, where that was said."""

    act: str
    """"favourite", "list", "forget", "forget that" or "forget everything"."""
    kind: str = ""
    value: str = ""
    sure: bool = True
    """Not for "forget jazz", which is about the memory only where the memory knows jazz."""


@dataclass(frozen=True, slots=True)
class Favourite:
    """The words "my favourite song" in a sentence: its kind, and where they stand (`text[start:end]`)."""

    kind: str
    start: int
    end: int


def preference(text: str, lang: str) -> Preference | None:
    """The preference that a sentence states, or None. A question is none, and neither is a command about a favourite."""
    if len(text) > LONGEST_SENTENCE:
        return None
    plain, pieces = _sentence(text, lang), likings(lang).pieces
    if not plain or pieces["asked"].search(text.strip()):
        return None
    if favourite_in(text, lang) and pieces["command"].search(plain):
        return None
    for part, rest in _parts(plain, lang):
        for liking, shape in likings(lang).sentences:
            found = shape.fullmatch(part)
            if found is None:
                continue
            named = found.groupdict()
            kind = kind_of(named.get("n") or "", lang)
            if "this" in named and "v" not in named:
                return Preference(kind or "song", "", liking, rest)
            if (read := _thing(named.get("v") or "", kind, lang)) is not None:
                return Preference(*read, liking, rest)
    return None


def kind_of(noun: str, lang: str) -> str:
    """The kind that a noun names: "band" and "singer" are both an artist. A noun nobody listed is its own kind."""
    low = noun.strip().lower()
    known = likings(lang).kinds
    return known.get(low) or known.get(low.removesuffix("s")) or low


def _sentence(text: str, lang: str) -> str:
    """The sentence without its signs, its politeness and what only makes it longer."""
    plain = re.sub(r"\s+", " ", text.replace("’", "'")).strip(" .!?,;。！？、…~")
    opening = likings(lang).pieces["opening"].match(plain)
    return _closed(plain[opening.end() :] if opening else plain, lang)


def _closed(plain: str, lang: str) -> str:
    before = ""
    while before != plain:
        before, plain = plain, likings(lang).pieces["closing"].sub("", plain).strip(" ,、")
    return plain


def _parts(plain: str, lang: str) -> Iterator[tuple[str, str]]:
    """The sentence whole, and without the command that may follow: "I love this song, turn it up"."""
    cut = likings(lang).pieces["tail"].search(plain)
    if cut is not None and cut.start() > 0:
        yield _closed(plain[: cut.start()].strip(" ,.!;"), lang), cut["rest"].strip()
    yield plain, ""


def _thing(said: str, kind: str, lang: str) -> tuple[str, str] | None:
    """(kind, name) of what the verb was about; None where it is no thing that could be remembered."""
    said = _closed(said.strip(), lang)
    pieces = likings(lang).pieces
    if pieces["this"].fullmatch(said) or pieces["this"].fullmatch(_bare(said, lang)):
        return kind or "song", ""
    if not said or pieces["nothing"].fullmatch(said) or len(said.split()) > LONGEST_NAME or len(said) > 80:
        return None
    if not kind:
        kind, said = _of_kind(said, lang)
    name = said if kind == "song" else _bare(said, lang)
    if not name or (name.lower() in UNNAMED and not kind):
        return None
    if not kind:
        kind = "genre" if name.lower() in genres() else "thing"
    return kind, name


def _of_kind(said: str, lang: str) -> tuple[str, str]:
    bare = _bare(said, lang)
    if bare.lower() in genres():
        return "genre", bare
    for kind, shape in likings(lang).of_kind:
        for form in (said, bare):
            found = shape.fullmatch(form)
            if found is not None and found["v"].lower() not in UNNAMED:
                name = _bare(found["v"], lang)
                return ("genre" if name.lower() in genres() else kind), name
    return "", said


def _bare(said: str, lang: str) -> str:
    before = ""
    while before != said:
        before, said = said, likings(lang).pieces["articles"].sub("", said, count=1).strip()
    return said


_ADDRESS = re.compile(
    r"^(?:(?:hey|hi|ok|okay|olly|alexa|siri|google|please|so|and|dis|alors|et|s'il te plaît|ねえ|じゃあ)[\s,、]+)+",
    re.I,
)
_THANKS = re.compile(r"[\s,、]*(?:please|now|again|s'il te plaît|s'il vous plaît|ください|お願い(?:します)?)$", re.I)


def wish(text: str, lang: str) -> Wish | None:
    """What a sentence asks of the memory: a favourite, the list of all, or to forget something; None for any other."""
    if len(text) > LONGEST_SENTENCE:
        return None
    plain = re.sub(r"\s+", " ", text.replace("’", "'")).strip(" .!?,;。！？、…")
    plain = _THANKS.sub("", _ADDRESS.sub("", plain))
    for act, shape in likings(lang).wishes:
        found = shape.fullmatch(plain)
        if found is None:
            continue
        named = found.groupdict()
        value = _bare(_closed((named.get("v") or "").strip(), lang), lang)
        sure = act != "forget known"
        return Wish(act if sure else "forget", kind_of(named.get("n") or "", lang), value, sure)
    return None


def favourite_in(text: str, lang: str) -> Favourite | None:
    """Where a sentence names a favourite of a known kind instead of a thing: "play **my favourite song**"."""
    for shape in likings(lang).references:
        found = shape.search(text.replace("’", "'"))
        if found is not None:
            kind = kind_of(found["n"], lang) if found["n"] else "song"
            return Favourite(kind, found.start(), found.end())
    return None
