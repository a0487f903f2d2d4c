"""How much the network and the linear mind are believed, fitted on sentences that neither has seen. No torch here.

First the weights, by the calls that come out right; then the calibration of the confidence. Start in `fit_weighing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from slipway_assistant.calibrate import Calibration
from slipway_assistant.data import Utterance
from slipway_assistant.grade import grade
from slipway_assistant.minds.neural import Heard, Neural, Weighed, Weighing

LABELS = (0.25, 0.5, 0.75, 1.0)
NONE = (0.0, 0.5, 1.0)
TAGS = (0.0, 0.25, 0.5)
LABELS_ELSEWHERE = (1.0, 2.0, 3.0)
TAGS_ELSEWHERE = (0.25, 1.0, 2.0)
_POWER = 0.6


def fit_weighing(mind: Neural, rows: Sequence[Utterance]) -> Weighing:
    """The best weights of a small grid, one after another, and the calibration for them."""
    heard = [mind.hear(row.text) for row in rows]
    share = shares(rows)
    best = mind.weighing

    def exact(one: Weighing) -> float:
        return float(right(mind.weighed_by(one), rows, heard)[1] @ share)

    best = max((replace(best, label_linear=value) for value in LABELS), key=exact)
    best = max((replace(best, none_bias=value) for value in NONE), key=exact)
    best = max((replace(best, tag_linear=value) for value in TAGS), key=exact)
    best = max((replace(best, label_linear_elsewhere=value) for value in LABELS_ELSEWHERE), key=exact)
    best = max((replace(best, tag_linear_elsewhere=value) for value in TAGS_ELSEWHERE), key=exact)
    weighed, truth = right(mind.weighed_by(best), rows, heard)
    learned = Calibration.fit([one.doubts for one in weighed], [bool(one) for one in truth])
    return replace(best, calibration=tuple(float(weight) for weight in learned.weights))


def right(mind: Neural, rows: Sequence[Utterance], heard: Sequence[Heard]) -> tuple[list[Weighed], NDArray[np.float64]]:
    """What the mind makes of each sentence, and 1 where that is right."""
    weighed = [mind.weigh(row.text, row.lang, one) for row, one in zip(rows, heard, strict=True)]
    truth = [grade(row.as_row(), one.call).right for row, one in zip(rows, weighed, strict=True)]
    return weighed, np.array(truth, dtype=np.float64)


def shares(rows: Sequence[Utterance]) -> NDArray[np.float64]:
    """What each sentence counts: a source of n sentences counts n**0.6 in all. They add up to one."""
    sizes = Counter(row.source for row in rows)
    found = np.array([sizes[row.source] ** (_POWER - 1) for row in rows])
    result: NDArray[np.float64] = found / found.sum()
    return result
