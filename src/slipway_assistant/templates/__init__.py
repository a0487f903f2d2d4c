"""Sentence patterns of our own in our three languages, and `generate()`, which makes training sentences of them.

The notation, one pattern a line:

- `= room_in` begins a list of fillers, parted by `|` (lines of one list are joined); the words in brackets are the
  argument `room` (what stands before the `_`), the others only belong to the sentence. A filler without brackets is
  no argument. A filler may hold other fillers: `[{day} à {hour}]`.
- `= before` and `= after` list what may stand before and after any sentence ("please", "s'il te plaît").
- `# home.set action=off` begins the patterns of that call; `# none` those of sentences that call nothing.
- `{room_in}` takes a filler, `{room~}` only what its brackets hold ("salon" of "le [salon]"), `{2-59}` a number.
- `(allume|mets (en marche|en route))` is one of the choices; `の?` may be left out.
- French articles and prepositions contract by themselves: `de {room}` with "le [salon]" is "du salon".
"""

from __future__ import annotations

import math
import random
import re
from importlib.resources import files
from typing import Any

from slipway_assistant.data import Utterance
from slipway_assistant.values import value_arguments

LANGUAGES = ("en", "fr", "ja")
_PLACE = re.compile(r"\{(\w+)(~?)\}")
_NUMBER = re.compile(r"\{(\d+)-(\d+)\}")
_CHOICE = re.compile(r"\(([^()]*)\)")
_MAYBE = re.compile(r"([\w、「])\?")
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_DRESSED = 0.12
"""How often something polite stands before a sentence, and how often after it."""
_CAPITAL = 0.25
_CONTRACTED = {
    "fr": [
        (re.compile(r"\bde le (?=[\[\w])"), "du "),
        (re.compile(r"\bde les (?=[\[\w])"), "des "),
        (re.compile(r"\bà le (?=[\[\w])"), "au "),
        (re.compile(r"\bà les (?=[\[\w])"), "aux "),
        (re.compile(r"\bde (?=\[?(?!onze|huit|yoga)[aeiouyâéèêîôœ])", re.IGNORECASE), "d'"),
    ],
    "en": [(re.compile(r"\ba (?=\[?(?:[aeio]|hour\b))"), "an ")],
}


class _Deck:
    """Draws from lists so that nothing comes again before all has come once."""

    def __init__(self, seed: str) -> None:
        self.chance = random.Random(seed)
        self._left: dict[str, list[str]] = {}

    def draw(self, name: str, cards: list[str]) -> str:
        left = self._left.setdefault(name, [])
        if not left:
            left.extend(cards)
            self.chance.shuffle(left)
        return left.pop()


def generate(lang: str, *, each: int = 6, seed: int = 0) -> list[Utterance]:
    """About `each` different sentences of every pattern of a language, more of one with many choices.

    The same ones for the same seed.
    """
    deck = _Deck(f"{seed}-{lang}")
    fillers, patterns = _read(lang)
    made: dict[str, Utterance] = {}
    for number, (head, pattern) in enumerate(patterns):
        for _ in range(_wanted(pattern, each)):
            text, words = _say(pattern, fillers, deck, lang)
            if text in made:
                continue
            name = f"template-{lang}-{number}-{len(made)}"
            cluster = f"template-{lang}-{number}"
            made[text] = Utterance(name, "template", lang, text, _call(head, text, words), cluster=cluster)
    return list(made.values())


def _wanted(pattern: str, each: int) -> int:
    """How many sentences of a pattern: of set phrases nearly all, else more with the root of how much it can vary."""
    fillers = pattern.count("{")
    choices, longest = 1.0, 1
    while group := _CHOICE.search(pattern):
        longest = max(longest, 1 + group.group(1).count("|"))
        choices *= 1 + group.group(1).count("|")
        pattern = pattern[: group.start()] + pattern[group.end() :]
    if not fillers:
        return round(min(choices, 2.0 * each))
    return round(each * max(0.06 * longest, 0.1 + 0.065 * math.sqrt(min(choices * 3.0**fillers, 64.0))))


def _read(lang: str) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The fillers by name, and the patterns with the head they stand under."""
    fillers: dict[str, list[str]] = {}
    patterns: list[tuple[str, str]] = []
    head = ""
    for line in files(__name__).joinpath(f"{lang}.txt").read_text("utf-8").splitlines()[1:]:
        if line.startswith(("# ", "= ")):
            head = line
        elif line.strip() and head.startswith("= "):
            fillers.setdefault(head[2:].strip(), []).extend(filler.strip() for filler in line.split("|"))
        elif line.strip():
            patterns.append((head[2:].strip(), line.strip()))
    return fillers, patterns


def _say(pattern: str, fillers: dict[str, list[str]], deck: _Deck, lang: str) -> tuple[str, dict[str, str]]:
    """One sentence of a pattern and the words of its arguments."""
    words: dict[str, str] = {}
    text = pattern
    while _CHOICE.search(text):
        text = _CHOICE.sub(lambda m: deck.draw(m.group(), m.group(1).split("|")), text, count=1)
    text = _MAYBE.sub(lambda m: m.group(1) if deck.chance.random() < 0.5 else "", text)

    def inner(match: re.Match[str]) -> str:
        return deck.draw(match.group(1), fillers[match.group(1)])

    def fill(match: re.Match[str]) -> str:
        name, bare = match.groups()
        said = deck.draw(name, fillers[name])
        while _PLACE.search(said):
            said = _PLACE.sub(inner, said)
        said = _contract(_number(said, deck), lang)
        held = _BRACKETS.search(said)
        if held:
            words[name.partition("_")[0]] = held.group(1)
        return held.group() if held and bare else said

    text = _number(_PLACE.sub(fill, text), deck)
    text = _BRACKETS.sub(r"\1", _contract(text, lang))
    return _dress(re.sub(r"\s+", " ", text).strip(), fillers, deck, lang), words


def _number(text: str, deck: _Deck) -> str:
    return _NUMBER.sub(lambda m: str(deck.chance.randint(int(m.group(1)), int(m.group(2)))), text)


def _contract(text: str, lang: str) -> str:
    for pattern, instead in _CONTRACTED.get(lang, ()):
        text = pattern.sub(instead, text)
    return text


def _dress(text: str, fillers: dict[str, list[str]], deck: _Deck, lang: str) -> str:
    """The sentence as people and recognisers vary it: something polite around it, a capital, a full stop."""
    gap = "" if lang == "ja" else " "
    if deck.chance.random() < _DRESSED:
        text = f"{deck.draw('before', fillers['before'])}{gap}{text}"
    if deck.chance.random() < _DRESSED:
        text = f"{text}{gap}{deck.draw('after', fillers['after'])}".replace(" .", ".").replace(" ,", ",")
    return text[:1].upper() + text[1:] if deck.chance.random() < _CAPITAL else text


def _call(head: str, text: str, words: dict[str, str]) -> dict[str, Any] | None:
    function, *settings = head.split()
    if function == "none":
        return None
    chosen = dict(setting.split("=") for setting in settings)
    values = value_arguments(function, text, chosen.get("action"))
    return {"name": function, "arguments": {**chosen, **_arguments(words), **values}}


def _arguments(words: dict[str, str]) -> dict[str, str]:
    """Fillers are named after their argument; a query and a word to be defined are both `query`."""
    renamed = {"word": "query", "feast": "when"}
    return {renamed.get(name, name): said for name, said in words.items()}
