"""Rules by hand: the first pattern that fits says the call. The beginning of the journey: no data needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from slipway_assistant.data import Utterance
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.rules import WHICH, WORDS
from slipway_assistant.values import value_arguments

Rule = tuple[str, str, re.Pattern[str]]


def read_rules(table: str) -> list[Rule]:
    """The lines of a table of rules.py as (function, action or argument, pattern)."""
    rules = []
    for line in table.strip().splitlines():
        head, _, pattern = line.partition(" | ")
        function, _, second = head.partition(" ")
        rules.append((function, second, re.compile(pattern, re.IGNORECASE)))
    return rules


@mind("keywords", step=10, parent=None, note="hand-written patterns in three languages, the first that fits wins")
class Keywords:
    """Start in `understand`. The patterns are in rules.py."""

    def __init__(self) -> None:
        self.which = read_rules(WHICH)
        self.words = read_rules(WORDS)

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Nothing is learned."""
        return cls()

    def understand(self, text: str, lang: str) -> Understanding:
        """The call of the first rule that fits; none when no rule does. Rules know no doubt: confidence is 1/2."""
        plain = text.replace("’", "'").strip()
        for function, choice, pattern in self.which:
            if pattern.search(plain) and function != "none":
                return Understanding({"name": function, "arguments": self.arguments(function, choice, plain)}, 0.5)
            if pattern.search(plain):
                break
        return Understanding(None, 0.5)

    def arguments(self, function: str, choice: str, text: str) -> dict[str, Any]:
        """The chosen action, the words that the patterns find, and the values read from the text."""
        found: dict[str, Any] = {}
        if choice:
            found["field" if function == "datetime.get" else "action"] = choice
        for name, argument, pattern in self.words:
            if name == function and argument not in found and (match := pattern.search(text)):
                found[argument] = match.group(1).strip()
        return found | value_arguments(function, text, choice)

    def save(self, folder: Path) -> None:
        """Nothing to write: the rules are code."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The rules."""
        return cls()
