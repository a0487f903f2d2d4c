"""It learns from sentences made of our own patterns in three languages as well."""

from __future__ import annotations

from collections.abc import Sequence

from slipway_assistant.data import Utterance
from slipway_assistant.mind import mind
from slipway_assistant.minds.trilingual import Trilingual
from slipway_assistant.templates import LANGUAGES, generate


@mind(
    "templates",
    step=80,
    parent="trilingual",
    note="sentences made of our own patterns in three languages are learned as well",
)
class Templates(Trilingual):
    """A Trilingual with generated sentences to learn from."""

    each = 10

    @classmethod
    def more_rows(cls, rows: Sequence[Utterance]) -> Sequence[Utterance]:
        """The rows, our own training rows, and a few sentences of every pattern."""
        made = [row for lang in LANGUAGES for row in generate(lang, each=cls.each)]
        return [*super().more_rows(rows), *made]
