"""Sentence patterns of our own in our three languages, and `generate()`, which makes training sentences of them.

The notation, one pattern a line:

- `= room_in` begins a list of fillers, parted by `|`; the words in brackets are the argument `room` (what stands
  before the `_`), the others only belong to the sentence. A filler without brackets is no argument.
- `# home.set action=off` begins the patterns of that call; `# none` those of sentences that call nothing.
- `{room_in}` takes a filler, `(allume|mets)` one of the choices, `の?` may be left out.
"""

from __future__ import annotations

import random
import re
from importlib.resources import files
from typing import Any

from slipway_assistant.data import Utterance
from slipway_assistant.values import value_arguments

LANGUAGES = ("en", "fr", "ja")
_PLACE = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\(([^()]*)\)")
_MAYBE = re.compile(r"(\w)\?")
_BRACKETS = re.compile(r"\[([^\]]*)\]")


def generate(lang: str, *, each: int = 6, seed: int = 0) -> list[Utterance]:
    """About `each` different sentences of every pattern of a language; the same ones for the same seed."""
    chance = random.Random(f"{seed}-{lang}")
    fillers, patterns = _read(lang)
    made: dict[str, Utterance] = {}
    for number, (head, pattern) in enumerate(patterns):
        for _ in range(each):
            text, words = _say(pattern, fillers, chance)
            if text in made:
                continue
            name = f"template-{lang}-{number}-{len(made)}"
            cluster = f"template-{lang}-{number}"
            made[text] = Utterance(name, "template", lang, text, _call(head, text, words), cluster=cluster)
    return list(made.values())


def _read(lang: str) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """The fillers by name, and the patterns with the head they stand under."""
    fillers: dict[str, list[str]] = {}
    patterns: list[tuple[str, str]] = []
    head = ""
    for line in files(__name__).joinpath(f"{lang}.txt").read_text("utf-8").splitlines()[1:]:
        if line.startswith(("# ", "= ")):
            head = line
        elif line.strip() and head.startswith("= "):
            fillers[head[2:].strip()] = [filler.strip() for filler in line.split("|")]
        elif line.strip():
            patterns.append((head[2:].strip(), line.strip()))
    return fillers, patterns


def _say(pattern: str, fillers: dict[str, list[str]], chance: random.Random) -> tuple[str, dict[str, str]]:
    """One sentence of a pattern and the words of its arguments."""
    words: dict[str, str] = {}

    def choose(match: re.Match[str]) -> str:
        return chance.choice(str(match.group(1)).split("|"))

    def fill(match: re.Match[str]) -> str:
        said = chance.choice(fillers[match.group(1)])
        for inside in _BRACKETS.findall(said):
            words[match.group(1).partition("_")[0]] = inside
        return said

    text = _CHOICE.sub(choose, pattern)
    text = _MAYBE.sub(lambda m: m.group(1) if chance.random() < 0.5 else "", text)
    text = _PLACE.sub(fill, text)
    return re.sub(r"\s+", " ", _BRACKETS.sub(r"\1", text)).strip(), words


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
