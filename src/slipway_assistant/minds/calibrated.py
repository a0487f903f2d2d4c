"""Its confidence is the probability that the call is right, learned from training sentences it had not seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from slipway_assistant.calibrate import Calibration
from slipway_assistant.data import Utterance
from slipway_assistant.grade import grade
from slipway_assistant.lexicon import fold
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.minds.templates import Templates
from slipway_assistant.minds.tidied import Tidied

_FOLDS = 2
_TINY = 1e-6


@mind(
    "calibrated",
    step=100,
    parent="tidied",
    note="confidence becomes the probability that the call is right, learned from half of the training sentences "
    "by a mind fitted on the other half",
)
class Calibrated(Tidied):
    """A Tidied that knows how often it errs."""

    calibration = Calibration(np.array([0.0, 0.0, 1.0, 0.0, 0.0]))

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Fit on all, and learn from the errors of a fit on one half."""
        return cls.from_arrays(Calibrated.grow(Tidied.fit(rows), rows).arrays())

    @classmethod
    def grow(cls, parent: Templates, rows: Sequence[Utterance]) -> Self:
        """What the parent learned, with the errors that a fit on one half makes on the other."""
        learning = super().fit([row for row in rows if fold(row, _FOLDS)])
        asked = [row for row in rows if not fold(row, _FOLDS)]
        doubts, right = [], []
        for row in asked:
            call, doubt = learning.weigh(row.text)
            doubts.append(doubt)
            right.append(grade(row.as_row(), call).right)
        return cls.from_arrays(parent.arrays() | {"calibration": Calibration.fit(doubts, right).weights})

    def weigh(self, text: str) -> tuple[dict[str, Any] | None, list[float]]:
        """The call and what speaks for and against it: margin, tagging, no call, length."""
        probabilities = self.classifier.probabilities(self.sentence_features(text))
        order = np.argsort(-probabilities)
        best = int(order[0])
        second = float(probabilities[order[1]]) if len(order) > 1 else 0.0
        call, sure = self.call_for(self.classifier.labels[best], text)
        first = float(probabilities[best])
        return call, [
            math.log(first + _TINY) - math.log(second + _TINY),
            math.log(first + _TINY),
            math.log(sure + _TINY),
            float(call is None),
        ]

    def understand(self, text: str, lang: str) -> Understanding:
        """The call and the probability that it is right."""
        call, doubts = self.weigh(text)
        return Understanding(call, self.calibration.probability(doubts))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learned."""
        return super().arrays() | {"calibration": self.calibration.weights}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        loaded = super().from_arrays(arrays)
        loaded.calibration = Calibration(arrays["calibration"])
        return loaded
