"""A sentence that is like none of the labelled ones calls nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from slipway_assistant.data import Utterance
from slipway_assistant.grade import grade_call
from slipway_assistant.mind import mind
from slipway_assistant.minds.nearest import Nearest

_TRIED = 600
_THRESHOLDS = [t / 100 for t in range(0, 80, 4)]


@mind(
    "nearest_threshold",
    step=30,
    parent="nearest",
    note="below a similarity, chosen on training sentences without themselves, nothing is called",
)
class NearestThreshold(Nearest):
    """A Nearest that may decline."""

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Choose the threshold with the most right calls on a sample, each sentence without itself and its variants."""
        fitted = super().fit(rows)
        sample = random.Random(0).sample(range(len(rows)), min(_TRIED, len(rows)))
        clusters = np.array([row.cluster or row.id for row in rows])
        outcomes = []
        for i in sample:
            similar = fitted.similarities(rows[i].text)
            similar[clusters == clusters[i]] = 0
            said = fitted.from_similarities(rows[i].text, similar)
            right = grade_call(rows[i].call, said.call, by=rows[i].grade).right
            outcomes.append((float(similar.max()), right, rows[i].call is None))

        def right_calls(threshold: float) -> int:
            return sum(right if near >= threshold else nothing for near, right, nothing in outcomes)

        fitted.threshold = max(_THRESHOLDS, key=right_calls)
        return fitted

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learned."""
        return super().arrays() | {"threshold": np.array([self.threshold])}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        loaded = super().from_arrays(arrays)
        loaded.threshold = float(arrays["threshold"][0])
        return loaded
