"""An interval for one score: share of right answers, mean, percentile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slipway.errors import UsageError
from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.checks import Codes, Floats, as_codes, as_confidence, as_scores, is_binary, is_unit
from slipway.evals.stats.clustered import MeanError, mean_error
from slipway.evals.stats.results import Interval

# Below this many successes or failures Wilson's interval covers less than it says (0.922 at n = 50, p = 0.98).
NEAR_THE_EDGE = 5
# The same for the symmetric interval of clustered or fractional scores, counted in effective ones
# (0.92 at 50 clusters of 10, p = 0.95).
NEAR_THE_EDGE_CLUSTERED = 15


def wilson(count: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval for a share. Source: Wilson (1927), JASA 22:209. Equals statsmodels' proportion_confint."""
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    share, weight = count / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(count: float, n: float, confidence: float) -> tuple[float, float]:
    """The exact interval for a share; ``count`` and ``n`` may be fractional (effective sizes).

    Source: Clopper and Pearson (1934), Biometrika 26:404. Equals scipy's binomtest().proportion_ci("exact").
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if count <= 0 else float(betaincinv(count, n - count + 1, tail))
    high = 1.0 if count >= n else float(betaincinv(count + 1, n - count, 1 - tail))
    return low, high


def constant_ends(value: float, groups: int, confidence: float, low: float, high: float) -> tuple[float, float]:
    """Ends for ``groups`` equal values of a quantity that lies in low..high.

    All that is known is that few others exist: by Clopper and Pearson at most the share q = 1 - (alpha/2)^(1/groups) of
    the population differs, and by no more than the distance to the bounds.
    """
    share = 1 - ((1 - confidence) / 2) ** (1 / groups)
    return value - share * (value - low), value + share * (high - value)


def t_ends(error: MeanError, confidence: float) -> tuple[float, float]:
    """Student's interval for a mean; infinite with a single group."""
    from scipy.special import stdtrit

    if error.df < 1:
        return -math.inf, math.inf
    half = float(stdtrit(error.df, (1 + confidence) / 2)) * error.se
    return error.mean - half, error.mean + half


def effective_ends(error: MeanError, confidence: float) -> tuple[float, float] | None:
    """Clopper-Pearson at the effective sample size of clustered or fractional 0..1 scores; None away from 0 and 1.

    Source: Korn and Graubard (1998), Survey Methodology 24:193: n_eff = p(1-p)/var, shrunk by (t(n-1)/t(G-1))^2.
    """
    from scipy.special import stdtrit

    share = error.mean
    size = share * (1 - share) / error.se**2
    low, high = t_ends(error, confidence)
    if size * min(share, 1 - share) >= NEAR_THE_EDGE_CLUSTERED and low >= 0 and high <= 1:
        return None
    upper = (1 + confidence) / 2
    size = min(size, error.n) * float(stdtrit(error.n - 1, upper) / stdtrit(error.df, upper)) ** 2
    low, high = clopper_pearson(share * size, size, confidence)
    return min(low, share), max(high, share)


def _constant(value: float, n: int, groups: int, confidence: float) -> Interval:
    """The interval of values that are all the same."""
    bounds = (0.0, 1.0) if 0 <= value <= 1 else (value - abs(value), value + abs(value))
    low, high = constant_ends(value, groups, confidence, *bounds)
    return Interval(
        value, low, high, n, groups, "all equal: Clopper-Pearson bound on the share that differs", confidence
    )


def _share(values: Floats, method: str, confidence: float) -> Interval:
    """0/1 values, each standing alone."""
    n, count = len(values), int(values.sum())
    if method == "auto":
        method = "clopper-pearson" if min(count, n - count) < NEAR_THE_EDGE else "wilson"
    low, high = (wilson if method == "wilson" else clopper_pearson)(count, n, confidence)
    estimate = count / n
    return Interval(estimate, min(low, estimate), max(high, estimate), n, n, method, confidence)


def _mean(values: Floats, codes: Codes | None, confidence: float, *, plain: bool = False) -> Interval:
    """Any values, alone or in clusters; ``plain`` keeps to the symmetric interval near 0 and 1 too."""
    error = mean_error(values, codes)
    name = "t" if codes is None else "CR1 clustered t(G-1)"
    unit = is_unit(values)
    if error.df < 1:
        low, high = (0.0, 1.0) if unit else (-math.inf, math.inf)
        return Interval(
            error.mean, low, high, error.n, error.groups, "one group: nothing to measure spread by", confidence
        )
    alone = error if codes is None else mean_error(values, None)
    if alone.se == 0:
        return _constant(error.mean, error.n, error.groups, confidence)
    # Clusters that balance out exactly say that their means agree, not that the next one will.
    ends = effective_ends(error, confidence) if unit and error.se > 0 and not plain else None
    if ends is not None:
        return Interval(error.mean, *ends, error.n, error.groups, "Korn-Graubard effective size", confidence)
    if error.se == 0:
        error = MeanError(error.mean, alone.se, error.df, error.n, error.groups)
        name += ", cluster means equal: error as if unclustered"
    low, high = t_ends(error, confidence)
    if unit:
        low, high = max(low, 0.0), min(high, 1.0)
    return Interval(error.mean, low, high, error.n, error.groups, name, confidence)


def _bootstrap(values: Floats, codes: Codes | None, confidence: float, seed: int) -> Interval:
    """BCa over values or, when clustered, over whole clusters. Source: Efron (1987), JASA 82:171; scipy.stats.bootstrap."""
    from scipy.stats import bootstrap

    if float(values.min()) == float(values.max()):
        return _mean(values, codes, confidence)
    options = {"confidence_level": confidence, "rng": np.random.default_rng(seed), "n_resamples": 9999, "batch": 200}
    if codes is None:
        found = bootstrap((values,), np.mean, vectorized=True, **options)
        groups = len(values)
    else:
        sums, sizes = np.bincount(codes, weights=values), np.bincount(codes).astype(np.float64)
        groups = len(sums)

        def ratio(top: Any, bottom: Any, axis: int = -1) -> Any:
            return top.sum(axis=axis) / bottom.sum(axis=axis)

        found = bootstrap((sums, sizes), ratio, paired=True, vectorized=True, **options)
    low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    mean = float(values.mean())
    if math.isnan(low) or math.isnan(high):
        return _mean(values, codes, confidence)
    return Interval(mean, min(low, mean), max(high, mean), len(values), groups, "BCa bootstrap", confidence)


def interval(
    values: ArrayLike,
    *,
    clusters: Sequence[Any] | NDArray[Any] | None = None,
    confidence: float = 0.95,
    method: str = "auto",
    seed: int = 0,
) -> Interval:
    """The mean of ``values`` with its interval, in their unit.

    ``clusters``: a label for each value when values are not independent: the example ids when examples were repeated,
    or groups such as one template's examples (repeats then belong to the group of their example).

    ``method`` "auto" takes, for 0/1 values, Wilson's interval, or Clopper-Pearson's with fewer than 5 right or wrong; for
    other values Student's; for clustered ones CR1 with t(G - 1), and with fewer than 15 effectively right or wrong
    Clopper-Pearson's at the effective size (Korn and Graubard). "bootstrap" is BCa (for a few, very skewed values); "wilson",
    "clopper-pearson", "t" and "cluster" force one. Values that are all equal still get an interval with a width.

    Examples run in random order are a random sample of the suite, so the interval of a part that a time budget cut
    short is the ordinary one of what ran. No finite population correction is applied: it would describe only this suite's
    other rows, while the question is about inputs like them, and without it the interval errs to the wide side.
    """
    confidence = as_confidence(confidence)
    known = ("auto", "wilson", "clopper-pearson", "t", "cluster", "bootstrap")
    if method not in known:
        raise UsageError(f"no interval method {method!r}", mend="there is " + ", ".join(known))
    array = as_scores(values, "values")
    codes = as_codes(clusters, len(array))
    if method in ("wilson", "clopper-pearson") and (codes is not None or not is_binary(array)):
        raise UsageError(f"{method} is for independent 0/1 values", mend="leave method at 'auto'")
    if method == "bootstrap":
        return _bootstrap(array, codes, confidence, seed)
    if codes is None and method in ("auto", "wilson", "clopper-pearson") and is_binary(array):
        return _share(array, method, confidence)
    return _mean(array, None if method == "t" else codes, confidence, plain=method in ("t", "cluster"))


def percentile(values: ArrayLike, q: float = 0.95, *, confidence: float = 0.95) -> Interval:
    """The ``q`` quantile (0.5 is p50) of independent values, such as latencies, with an interval; unit of the values.

    The ends are order statistics, whatever the distribution: those ranks between which a Binomial(n, q) count falls.
    Where no observed value is extreme enough (the 95th percentile of 20 values), that end is infinite.
    Source: David and Nagaraja, Order Statistics (2003), section 7.1; equals scipy.stats.quantile_test's interval.
    """
    from scipy.special import ndtri

    confidence = as_confidence(confidence)
    if not 0 < q < 1:
        raise UsageError(f"quantile {q!r} is not between 0 and 1", mend="for p95 give 0.95")
    array = np.sort(as_scores(values, "values"))
    n, tail = len(array), (1 - confidence) / 2

    def rank(probability: float) -> int:
        """The smallest k with P(Binomial(n, q) <= k) >= probability."""
        guess = n * q + float(ndtri(probability)) * math.sqrt(n * q * (1 - q))
        near = np.arange(max(0, math.floor(guess) - 20), min(n, math.ceil(guess) + 20) + 1)
        return int(near[int(np.searchsorted(binomial_cdf(near, n, q), probability))])

    low, high = rank(tail) - 1, rank(1 - tail)
    estimate = float(np.quantile(array, q))
    bottom = float(array[low]) if low >= 0 else -math.inf
    top = float(array[high]) if high < n else math.inf
    return Interval(estimate, bottom, top, n, n, "order statistics", confidence)
