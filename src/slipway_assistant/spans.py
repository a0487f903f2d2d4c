"""Arguments that are words of the utterance: found in the text (training), read back from tags (use).

`tag_tokens` turns the expected arguments into one BIO tag per token, `read_tags` turns tags back into arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.text import Token, is_japanese

OUTSIDE = "O"
HINT = "~"
"""Marks the tags of words that are no argument of ours but that the data's source names."""


def span_arguments(function: str) -> tuple[str, ...]:
    """The arguments of a function that are words of the utterance (kinds span and soft)."""
    return tuple(a.name for a in FUNCTIONS[function].arguments if a.kind in {"span", "soft"})


def find_span(text: str, words: str, taken: Sequence[tuple[int, int]] = ()) -> tuple[int, int] | None:
    """Where `words` stand in `text`, whole words first, outside the places already `taken`; None if nowhere."""
    low, wanted = text.lower(), words.lower().strip()
    if not wanted or len(low) != len(text):
        return None
    places: list[int] = []
    at = low.find(wanted)
    while at >= 0:
        places.append(at)
        at = low.find(wanted, at + 1)
    free = [at for at in places if not any(at < end and start < at + len(wanted) for start, end in taken)]
    if not is_japanese(text):
        whole = [at for at in free if _is_whole(low, at, at + len(wanted))]
        free = whole or free
    return (free[0], free[0] + len(wanted)) if free else None


def _is_whole(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (before.isalnum() and text[start].isalnum()) and not (after.isalnum() and text[end - 1].isalnum())


def tag_tokens(text: str, tokens: Sequence[Token], function: str, arguments: Mapping[str, Any]) -> list[str] | None:
    """One tag per token (`B-artist`, `I-artist`, `O`); None when an argument's words are not in the text."""
    tags = [OUTSIDE] * len(tokens)
    taken: list[tuple[int, int]] = []
    wanted = [(name, str(arguments[name])) for name in span_arguments(function) if arguments.get(name)]
    # Longest first: a short title may also stand inside a longer one.
    for name, words in sorted(wanted, key=lambda pair: -len(pair[1])):
        place = find_span(text, words, taken)
        if place is None:
            return None
        taken.append(place)
        inside = [i for i, token in enumerate(tokens) if token.start < place[1] and token.end > place[0]]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{name}"
    return tags


def add_hints(text: str, tokens: Sequence[Token], tags: Sequence[str], slots: Sequence[Sequence[Any]]) -> list[str]:
    """The tags with the source's slots (name, words) marked where no argument stands."""
    marked = list(tags)
    taken = [(tokens[first].start, tokens[last].end) for _, first, last in segments(tags)]
    for name, words, *_ in slots:
        place = find_span(text, str(words), taken)
        if place is None:
            continue
        inside = [i for i, token in enumerate(tokens) if token.start < place[1] and token.end > place[0]]
        if any(marked[i] != OUTSIDE for i in inside):
            continue
        taken.append(place)
        for i in inside:
            marked[i] = f"{'B' if i == inside[0] else 'I'}-{HINT}{name}"
    return marked


def read_tags(text: str, tokens: Sequence[Token], tags: Sequence[str]) -> dict[str, str]:
    """The arguments that the tags mark: of an argument marked twice the longer place counts."""
    found: dict[str, str] = {}
    for name, first, last in segments(tags):
        words = text[tokens[first].start : tokens[last].end]
        if len(words) > len(found.get(name, "")):
            found[name] = words
    return found


def segments(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The marked places as (argument, first token, last token)."""
    found: list[tuple[str, int, int]] = []
    for i, tag in enumerate(tags):
        if tag == OUTSIDE or tag.startswith(HINT, 2):
            continue
        kind, name = tag[0], tag[2:]
        if kind == "I" and found and found[-1][0] == name and found[-1][2] == i - 1:
            found[-1] = (name, found[-1][1], i)
        else:
            found.append((name, i, i))
    return found
