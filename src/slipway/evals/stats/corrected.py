"""A model judge's scores corrected by people's labels (prediction-powered inference)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from slipway.errors import DataError
from slipway.evals.stats.checks import as_confidence, as_scores, is_unit
from slipway.evals.stats.intervals import NEAR_THE_EDGE, clopper_pearson, constant_ends, interval
from slipway.evals.stats.results import CorrectedMean

LEAST_LABELS = 100


def _ends(estimate: float, variance: float, n: int, confidence: float, *, unit: bool) -> tuple[float, float]:
    """t with n - 2 degrees of freedom; for scores in 0..1 near 0 and 1 Clopper-Pearson at the effective size."""
    from scipy.special import stdtrit

    half = float(stdtrit(n - 2, (1 + confidence) / 2)) * math.sqrt(variance)
    low, high = estimate - half, estimate + half
    if not unit:
        return low, high
    share = min(1.0, max(0.0, estimate))
    size = share * (1 - share) / variance
    if 0 < size * min(share, 1 - share) < NEAR_THE_EDGE:
        low, high = clopper_pearson(share * max(size, 1.0), max(size, 1.0), confidence)
    return max(0.0, low), min(1.0, high)


def corrected_mean(
    labels: ArrayLike, judged: ArrayLike, judged_unlabelled: ArrayLike, *, confidence: float = 0.95
) -> CorrectedMean:
    """The mean that people would give to everything, from their ``labels`` of some and the judge's scores of all.

    ``labels[i]`` and ``judged[i]`` are of one output, chosen at random among all; ``judged_unlabelled`` are the judge's
    scores of the rest; all in one unit. However biased the judge, the estimate is not: it is the judge's mean over the
    rest plus what the judge is off by on the labelled, the judge trusted by the ``weight`` that makes the variance least.

    Source: Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv:2311.01453; estimate and weight equal ppi_py's. Its interval
    misses too often where labels and judge seldom differ, so this one is t with n - 2 degrees of freedom; for scores in
    0..1 one imagined label that is off by 1 is added to the variance (as Agresti and Coull 1998 add to a share), and near 0
    and 1 it is Clopper-Pearson's at the effective size (Korn and Graubard 1998).

    Raises DataError under 100 labels.
    """
    confidence = as_confidence(confidence)
    y, f, rest = (
        as_scores(labels, "labels"),
        as_scores(judged, "judge's scores of the labelled"),
        as_scores(judged_unlabelled, "judge's scores of the unlabelled"),
    )
    if len(y) != len(f):
        raise DataError(
            f"{len(y)} labels for {len(f)} judged outputs", mend="give the judge's score of each labelled output"
        )
    if len(y) < LEAST_LABELS:
        raise DataError(
            f"{len(y)} labels are too few to correct a judge", mend=f"have people label {LEAST_LABELS - len(y)} more"
        )
    n, rest_n = len(y), len(rest)
    both = float(np.concatenate([f, rest]).var(ddof=1))
    weight = 0.0
    if both > 0:
        weight = float(np.clip(((y - y.mean()) * (f - f.mean())).mean() / ((1 + n / rest_n) * both), 0.0, 1.0))
    off = y - weight * f
    estimate = weight * float(rest.mean()) + float(off.mean())
    unit = is_unit(y, f, rest)
    squares = float(off.var()) * n + (1.0 if unit else 0.0)
    variance = weight**2 * float(rest.var()) / rest_n + squares / (n * (n - 2))
    low, high = _ends(estimate, variance, n, confidence, unit=unit)
    if unit:
        estimate = min(1.0, max(0.0, estimate))
    elif squares == 0:
        # The judge was off by the same on every label: a few that are unlike the rest may still have been missed.
        less, more = constant_ends(0.0, n, confidence, -float(np.ptp(y)), float(np.ptp(y)))
        low, high = low + less, high + more
    return CorrectedMean(
        estimate=estimate,
        low=min(low, estimate),
        high=max(high, estimate),
        n_labels=n,
        n_judged=n + rest_n,
        weight=weight,
        judge_alone=float(np.concatenate([f, rest]).mean()),
        labels_alone=interval(y, confidence=confidence),
        method="PPI++ mean, t",
        confidence=confidence,
    )
