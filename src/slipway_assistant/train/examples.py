"""What the network learns from: utterances as words with tags, varied anew each time they are shown. No torch here."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from slipway_assistant.data import Utterance
from slipway_assistant.minds.linear_crf import joint_label
from slipway_assistant.spans import segments, tag_tokens
from slipway_assistant.text import is_japanese, tokenize

Span = tuple[str, int, int]
"""An argument and where its words stand: `text[start:end]`."""

# Whole questions and free text: another value would make no sentence.
_NEVER_SWAPPED = frozenset({"query"})
_SWAPPED = 0.35
_POLITE = ("please", "hey", "ok", "could you", "can you", "would you please", "i want you to", "i'd like you to", "now")
_POLITE_END = (" please", " for me", " thanks", " now please", ", please")
_POLITE_FR = ("s'il te plaît", "dis", "est-ce que tu peux", "peux-tu", "ok")


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence, the label it should get, and its marked words; `spans` None where the words are not labelled."""

    text: str
    lang: str
    source: str
    label: str
    spans: tuple[Span, ...] | None
    intent: str = ""
    weight: float = 1.0

    @property
    def function(self) -> str:
        """The function of the label."""
        return self.label.partition("|")[0]


def example(row: Utterance, weight: float = 1.0) -> Example:
    """The utterance as the network learns it."""
    spans: tuple[Span, ...] | None = ()
    if row.call is not None:
        tokens = tokenize(row.text)
        tags = tag_tokens(row.text, tokens, row.function, row.arguments) if row.grade == "call" else None
        spans = (
            None
            if tags is None
            else tuple((name, tokens[first].start, tokens[last].end) for name, first, last in segments(tags))
        )
    intent = str(row.extra.get("intent") or "")
    named = f"{row.source.partition('-')[0]}:{intent}" if intent else ""
    return Example(row.text, row.lang, row.source, joint_label(row), spans, named, weight)


def skeleton(found: Example) -> str:
    """The sentence with names in place of its arguments: variants of one phrasing have the same one."""
    text = found.text
    for name, start, end in sorted(found.spans or (), key=lambda span: -span[1]):
        text = f"{text[:start]} _{name}_ {text[end:]}"
    words = re.findall(r"\w+", text.lower())
    return " ".join("0" if word.isdecimal() else word for word in words)


class Gazetteer:
    """The values each argument has had, by source and function: what one sentence says can stand in another."""

    def __init__(self, examples: Iterable[Example]) -> None:
        found: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        for one in examples:
            for name, start, end in one.spans or ():
                if name not in _NEVER_SWAPPED:
                    found[_group(one, name)].add(one.text[start:end])
        self.values: Mapping[tuple[str, str, str], list[str]] = {key: sorted(said) for key, said in found.items()}

    def swap(self, one: Example, chance: random.Random) -> Example:
        """Some of the arguments with other values; the spans move with them."""
        if not one.spans:
            return one
        text, moved, spans = one.text, 0, []
        for name, start, end in sorted(one.spans, key=lambda span: span[1]):
            start, end = start + moved, end + moved
            others = self.values.get(_group(one, name), ())
            if len(others) > 3 and chance.random() < _SWAPPED:
                said = chance.choice(others)
                text = text[:start] + said + text[end:]
                moved += len(said) - (end - start)
                end = start + len(said)
            spans.append((name, start, end))
        return replace(one, text=text, spans=tuple(spans))


def _group(one: Example, name: str) -> tuple[str, str, str]:
    return (one.source if one.lang == "en" else one.lang, one.function, name)


def vary(one: Example, gazetteer: Gazetteer, chance: random.Random) -> Example:
    """The example as somebody else might have said or written it; its label and the words of its arguments keep."""
    one = gazetteer.swap(one, chance)
    if is_japanese(one.text):
        return _end(one, chance, "。")
    if chance.random() < 0.3:
        one = replace(one, text=_same_length_lower(one.text))
    if chance.random() < 0.08:
        polite = _POLITE_FR if one.lang == "fr" else _POLITE
        one = _before(one, f"{chance.choice(polite)} ")
    if one.lang == "en" and chance.random() < 0.04:
        one = replace(one, text=one.text.rstrip(".?! ") + chance.choice(_POLITE_END)) if _free_end(one) else one
    if chance.random() < 0.06:
        one = _mistype(one, chance)
    return _end(one, chance, ".?!")


def _same_length_lower(text: str) -> str:
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _before(one: Example, words: str) -> Example:
    spans = None if one.spans is None else tuple((n, s + len(words), e + len(words)) for n, s, e in one.spans)
    return replace(one, text=words + one.text, spans=spans)


def _free_end(one: Example) -> bool:
    """Whether nothing is marked at the end, where a sign may go and words may come."""
    last = len(one.text.rstrip(".?! "))
    return all(end <= last for _, _, end in one.spans or ())


def _end(one: Example, chance: random.Random, signs: str) -> Example:
    drawn = chance.random()
    bare = one.text.rstrip(signs + " ")
    if drawn < 0.3 and bare and _free_end(one):
        return replace(one, text=bare)
    if drawn < 0.42 and bare == one.text:
        return replace(one, text=one.text + chance.choice(signs))
    return one


def _mistype(one: Example, chance: random.Random) -> Example:
    """One letter inside a longer word outside of the arguments changes places with its neighbour."""
    marked = one.spans or ()
    words = [
        match
        for match in re.finditer(r"[a-z]{5,}", one.text)
        if not any(start < match.end() and match.start() < end for _, start, end in marked)
    ]
    if not words:
        return one
    word = chance.choice(words)
    at = chance.randrange(word.start() + 1, word.end() - 2)
    text = one.text
    return replace(one, text=text[:at] + text[at + 1] + text[at] + text[at + 2 :])


def tags_for(one: Example) -> tuple[list[str], bool]:
    """A tag for each word, and whether the words are labelled at all."""
    tokens = tokenize(one.text)
    tags = ["O"] * len(tokens)
    for name, start, end in one.spans or ():
        inside = [i for i, token in enumerate(tokens) if token.start < end and token.end > start]
        for i in inside:
            tags[i] = f"{'B' if i == inside[0] else 'I'}-{one.function}.{name}"
    return tags, one.spans is not None and one.function != "none"


def shares(examples: Sequence[Example], power: float = 0.6) -> list[float]:
    """How often each example is shown: a source of n sentences weighs n**power in all, so that none drowns the others."""
    sizes: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in examples:
        sizes[_pool(one)] += 1
    return [one.weight * sizes[_pool(one)] ** (power - 1) for one in examples]


def _pool(one: Example) -> tuple[str, str]:
    return one.source, one.lang
