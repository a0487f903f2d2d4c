"""Where no call is likelier to be right than the call at hand, it calls nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from slipway_assistant.data import Utterance
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.minds.calibrated import Calibrated
from slipway_assistant.minds.templates import Templates


@mind(
    "abstaining",
    step=110,
    parent="calibrated",
    note="calls nothing where that is likelier to be right than the call at hand, by the calibrated confidence",
)
class Abstaining(Calibrated):
    """A Calibrated that may decline."""

    @classmethod
    def grow(cls, parent: Templates, rows: Sequence[Utterance]) -> Self:
        """What the parent learned, used otherwise."""
        return cls.from_arrays(parent.arrays())

    def understand(self, text: str, lang: str) -> Understanding:
        """The call, or none where the classifier gives "none" a better chance than the call has."""
        said = super().understand(text, lang)
        if said.call is None:
            return said
        probabilities = self.classifier.probabilities(self.sentence_features(text))
        none = float(probabilities[self.classifier.labels.index("none|")])
        return Understanding(None, none) if none > said.confidence else said
