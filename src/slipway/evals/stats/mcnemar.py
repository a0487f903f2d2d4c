"""Paired 0/1 scores: the mid-p McNemar test and the interval that agrees with it.

``wins`` is the number of pairs that only B has right, ``losses`` that only A has right, ``n`` all pairs. What both have
right, or both wrong, says nothing about which is better. Functions take numbers or arrays of one shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.checks import Floats

STEPS = 44  # halvings: the ends are exact to 1e-13


def mid_p(wins: Any, losses: Any) -> Floats:
    """Two-sided mid-p of McNemar's exact test: P(more extreme) + P(as extreme) / 2 under Binomial(wins + losses, 1/2).

    Source: Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91, who find that it keeps its level where
    the exact test is conservative (0.036 for 0.05) and the asymptotic one is not. statsmodels has the other two.
    """
    wins, losses = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    pairs, least = wins + losses, np.minimum(wins, losses)
    up_to, below = binomial_cdf(least, pairs, 0.5), binomial_cdf(least - 1, pairs, 0.5)
    # 2 * (below + (up_to - below) / 2)
    p = np.where(wins == losses, 1.0, np.minimum(up_to + below, 1.0))
    return np.asarray(p, dtype=np.float64)


def score_statistic(wins: Any, losses: Any, n: Any, delta: Any) -> Floats:
    """Tango's z for "the difference of the paired shares is delta": positive when more was seen.

    Source: Tango (1998), Statistics in Medicine 17:891. At delta = 0 it is (wins - losses) / sqrt(wins + losses).
    """
    wins, losses, n, delta = (np.asarray(item, dtype=np.float64) for item in (wins, losses, n, delta))
    two_a = 4 * n
    b = -wins - losses + (2 * n - wins + losses) * delta
    c = -losses * delta * (1 - delta)
    root = np.sqrt(np.maximum(b * b - 2 * two_a * c, 0.0))
    nuisance = np.where(b > 0, np.where(b + root > 0, -2 * c / np.maximum(b + root, 1e-300), 0.0), (root - b) / two_a)
    variance = n * (2 * np.maximum(nuisance, 0.0) + delta * (1 - delta))
    top = wins - losses - n * delta
    with np.errstate(divide="ignore", invalid="ignore"):
        z = top / np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(np.where(np.isnan(z), 0.0, z), dtype=np.float64)


def agreement_ratio(wins: Any, losses: Any, confidence: float) -> Floats:
    """What the normal quantile of Tango's interval is multiplied with, so that it leaves out 0 exactly when the mid-p does.

    The score test and the mid-p test nearly agree; with few discordant pairs they do not quite. Where the mid-p is the more
    cautious the interval is widened in proportion (z of the score test at 0, over z of the mid-p). Where it is the less
    cautious, the interval is left as it is, unless the two would contradict each other at this confidence.
    """
    from scipy.special import ndtri

    wins, losses = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    seen = np.abs(wins - losses) / np.sqrt(np.maximum(wins + losses, 1.0))
    by_mid_p = -ndtri(np.maximum(mid_p(wins, losses), 1e-300) / 2)
    ratio = np.where(by_mid_p > 0, seen / np.where(by_mid_p > 0, by_mid_p, 1.0), 1.0)
    z = float(ndtri((1 + confidence) / 2))
    contradict = (by_mid_p >= z) & (seen <= z)
    return np.asarray(np.where(contradict, ratio, np.maximum(ratio, 1.0)), dtype=np.float64)


def paired_interval(wins: Any, losses: Any, n: Any, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Interval for the difference of two paired shares (B minus A), by inverting Tango's score test.

    Its quantile is scaled so that it agrees with the mid-p at 0 (``agreement_ratio``). It has a width even when no pair is
    discordant: z^2 / (n + z^2) either way.
    """
    from scipy.special import ndtri

    wins, losses, n = (np.asarray(item, dtype=np.float64) for item in (wins, losses, n))
    z = float(ndtri((1 + confidence) / 2)) * agreement_ratio(wins, losses, confidence)
    delta = (wins - losses) / n

    # Both ends at once: the first row walks down from delta, the second up.
    sign = np.array([-1.0, 1.0]).reshape((2,) + (1,) * delta.ndim)
    inside, outside = np.broadcast_arrays(delta, sign * np.ones_like(delta))
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        kept = -sign * score_statistic(wins, losses, n, middle) <= z
        inside, outside = np.where(kept, middle, inside), np.where(kept, outside, middle)
    return inside[0], inside[1]


def p_not_worse(wins: Any, losses: Any, n: Any, margin: float, confidence: float = 0.95) -> Floats:
    """One-sided p for "B is worse than A by ``margin`` or more", by the score test behind ``paired_interval``.

    Source: Tango (1998), who built the test for non-inferiority. At most (1 - confidence) / 2 exactly when the interval at that
    confidence lies above -margin.
    """
    from scipy.special import ndtr

    z = score_statistic(wins, losses, n, -margin) / agreement_ratio(wins, losses, confidence)
    return np.asarray(ndtr(-z), dtype=np.float64)
