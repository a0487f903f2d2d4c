"""What is known about an argument tidies the words that were marked for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

from slipway_assistant.data import Utterance
from slipway_assistant.mind import mind
from slipway_assistant.minds.templates import Templates
from slipway_assistant.text import word_set

# Words that name no room but all of them.
_EVERYWHERE = word_set(
    "the my our your this every each all of a entire whole in everywhere house home apartment flat building place "
    "room rooms la le toute tout toutes les dans maison appartement pièces partout"
)
_EVERYWHERE_JA = re.compile("^(?:家中|家|家全体|すべての部屋|全部の部屋|全部屋)$")
_EDGES = " \t.,;:!?\"'、。？！"


def names_every_room(words: str) -> bool:
    """Whether the words of a room mean the whole home ("every room", "the house")."""
    said = re.findall(r"\w+", words.lower())
    return all(word in _EVERYWHERE for word in said) or _EVERYWHERE_JA.match(words.strip()) is not None


def tidy(function: str, words: dict[str, str]) -> dict[str, str]:
    """The arguments without signs at their edges, and without a room that is every room."""
    clean = {name: said.strip(_EDGES) for name, said in words.items()}
    if function == "home.set" and names_every_room(clean.get("room", "kitchen")):
        del clean["room"]
    return {name: said for name, said in clean.items() if said}


@mind(
    "tidied",
    step=90,
    parent="templates",
    note="signs at the edges of an argument go, and a room that means the whole home is no argument",
)
class Tidied(Templates):
    """A Templates that tidies its arguments."""

    @classmethod
    def grow(cls, parent: Templates, rows: Sequence[Utterance]) -> Self:
        """What the parent learned, said more tidily."""
        return cls.from_arrays(parent.arrays())

    def call_for(self, label: str, text: str) -> tuple[dict[str, Any] | None, float]:
        """The call of a joint label with tidied words."""
        call, sure = super().call_for(label, text)
        if call is None:
            return call, sure
        words = {name: said for name, said in call["arguments"].items() if isinstance(said, str)}
        values = {name: said for name, said in call["arguments"].items() if not isinstance(said, str)}
        return {"name": call["name"], "arguments": tidy(call["name"], words) | values}, sure
