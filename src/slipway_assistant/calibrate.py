"""From a mind's own doubts to the probability that its call is right, learned from sentences it has not seen.

Platt's method with several inputs: a logistic regression, fitted by Newton's steps with a small ridge (Platt,
Probabilistic Outputs for Support Vector Machines, 1999). Start in `Calibration`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Calibration:
    """Weights of the doubts; the last one is the constant."""

    def __init__(self, weights: Values) -> None:
        self.weights = weights

    @classmethod
    def fit(cls, doubts: Sequence[Sequence[float]], right: Sequence[bool], *, ridge: float = 1.0) -> Calibration:
        """`doubts` is one row of numbers for each call, `right` whether it was right."""
        inputs = np.column_stack([np.array(doubts, dtype=np.float64), np.ones(len(right))])
        truth = np.array(right, dtype=np.float64)
        weights = np.zeros(inputs.shape[1])
        penalty = ridge * np.eye(inputs.shape[1])
        penalty[-1, -1] = 1e-6  # the constant is free
        for _ in range(30):
            chance = _logistic(inputs @ weights)
            slope = inputs.T @ (truth - chance) - penalty @ weights
            bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + penalty
            step = np.linalg.solve(bend, slope)
            weights = weights + step
            if float(np.abs(step).max()) < 1e-8:
                break
        return cls(weights)

    def probability(self, doubts: Sequence[float]) -> float:
        """The probability that a call with these doubts is right."""
        return float(_logistic(np.array([*doubts, 1.0]) @ self.weights))


def _logistic(z: Values) -> Values:
    result: Values = 1 / (1 + np.exp(-np.clip(z, -40, 40)))
    return result


def calibration_error(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> float:
    """Expected calibration error: the mean distance of confidence and accuracy over bins of equal size.

    Equal-mass bins as in Nixon et al., Measuring Calibration in Deep Learning, 2019. 0 is perfect.
    """
    order = np.argsort(np.array(confidences), kind="stable")
    said = np.array(confidences, dtype=np.float64)[order]
    was = np.array(right, dtype=np.float64)[order]
    parts = [part for part in np.array_split(np.arange(len(said)), bins) if len(part)]
    return float(sum(len(p) * abs(said[p].mean() - was[p].mean()) for p in parts) / max(len(said), 1))
