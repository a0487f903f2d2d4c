"""The noise floor: how different two runs of the same variant look (an A/A comparison)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from slipway.errors import DataError
from slipway.evals.stats.checks import as_confidence, as_scores
from slipway.evals.stats.intervals import interval
from slipway.evals.stats.results import NoiseFloor


def noise_floor(scores: Sequence[Sequence[float]] | np.ndarray, *, confidence: float = 0.95) -> NoiseFloor:
    """What repeats of one variant say about chance: ``scores[i]`` are the scores of example i, at least two for some.

    Between two runs of one repeat each, the difference of the means has variance 2 s^2 / n, with s^2 the variance within an
    example (one-way random effects: Searle, Casella and McCulloch, Variance Components (1992), chapter 3). A difference below
    ``delta_noise`` is what nothing looks like. Where no repeat ever differed, the bound is taken from the upper end of
    the flip rate, since "never seen" in a few repeats is not "never". Examples are held fixed: this is the doubt that a re-run
    has, smaller than the doubt about other examples that ``interval`` states.
    """
    from scipy.special import ndtri

    confidence = as_confidence(confidence)
    rows = [as_scores(row, f"scores of example {i}") for i, row in enumerate(scores)]
    repeated = [row for row in rows if len(row) > 1]
    if not repeated:
        raise DataError("no example was repeated", mend="run with repeats of 2 or more")
    spare = sum(len(row) - 1 for row in repeated)
    within = sum(float(((row - row.mean()) ** 2).sum()) for row in repeated) / spare
    means = np.array([row.mean() for row in rows])
    repeats = sum(len(row) for row in rows) / len(rows)
    spread = float(means.var(ddof=1)) if len(rows) > 1 else 0.0
    between = max(0.0, spread - within * float(np.mean([1 / len(row) for row in rows])))
    flips = interval([_flips(row) for row in repeated], confidence=confidence)
    n = len(rows)
    variance = 2 * within / n
    if within == 0:
        reach = max(float(np.ptp(np.concatenate(rows))), 1.0 if float(np.abs(means).max()) <= 1 else 0.0)
        variance = flips.high * reach**2 / n
    z = float(ndtri((1 + confidence) / 2))
    total = within + between
    return NoiseFloor(
        delta_noise=z * math.sqrt(variance),
        within_sd=math.sqrt(within),
        between_sd=math.sqrt(between),
        icc=between / total if total > 0 else 1.0,
        flip_rate=flips.estimate,
        flip_low=flips.low,
        flip_high=flips.high,
        n=n,
        repeats=repeats,
        confidence=confidence,
    )


def _flips(row: np.ndarray) -> float:
    """The share of pairs of an example's repeats that differ."""
    counts = np.unique(row, return_counts=True)[1]
    size = len(row)
    return 1 - float((counts * (counts - 1)).sum()) / (size * (size - 1))
