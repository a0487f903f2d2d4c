"""B against A on the same examples: the comparison everything else builds on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slipway.errors import DataError, UsageError
from slipway.evals.stats import mcnemar
from slipway.evals.stats.checks import Floats, as_codes, as_confidence, as_margin, as_scores, is_binary, is_unit
from slipway.evals.stats.clustered import MeanError, mean_error
from slipway.evals.stats.intervals import constant_ends, t_ends
from slipway.evals.stats.power import (
    needed_for_margin,
    needed_pairs,
    power_paired,
    smallest_effect,
    t_needed,
    t_power,
    t_smallest_effect,
)
from slipway.evals.stats.results import Comparison, Verdict

METHODS = ("auto", "mcnemar", "t", "cluster", "permutation")
# Up to here every sign pattern is tried; beyond, this many random ones.
ALL_PATTERNS_UP_TO = 13
RANDOM_PATTERNS = 9999


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a comparison, beside its data."""

    confidence: float = 0.95
    margin: float | None = None
    higher_is_better: bool = True

    @property
    def alpha(self) -> float:
        """The chance of a false verdict that is accepted."""
        return 1 - self.confidence


def decide(found: Comparison, p_value: float) -> Verdict:
    """The verdict on B against A from ``p_value`` and the interval and margin in ``found``.

    Better before not worse before worse: with a margin, a loss shown to be smaller than the margin is "not_worse" even
    where it is shown to be a loss, because that is what the margin asks.
    """
    sign = 1 if found.higher_is_better else -1
    decided = p_value <= 1 - found.confidence
    if decided and sign * found.delta > 0:
        return "better"
    worst = found.ci_low if found.higher_is_better else -found.ci_high
    if found.margin is not None and worst > -found.margin:
        return "not_worse"
    return "worse" if decided and sign * found.delta < 0 else "cannot_tell"


def settle(found: Comparison) -> Comparison:
    """``found`` with its verdict, its interval and p-value on the same side of 0 (rounding may part them by a hair)."""
    low, high = min(found.ci_low, found.delta), max(found.ci_high, found.delta)
    if found.p_value > 1 - found.confidence:
        low, high = min(low, 0.0), max(high, 0.0)
    found = replace(found, ci_low=low, ci_high=high)
    return replace(found, verdict=decide(found, found.p_value))


def t_comparison(
    delta: float,
    error: MeanError,
    question: Question,
    means: tuple[float, float],
    method: str,
    bound: float | None = None,
) -> Comparison:
    """A comparison by Student's t from a difference and its error; ``bound`` is the largest difference possible, if any."""
    from scipy.special import stdtr

    low, high = t_ends(error, question.confidence)
    if bound is not None:
        low, high = max(low, -bound), min(high, bound)
    known = error.df >= 1 and error.se > 0
    p_value = 2 * float(stdtr(error.df, -abs(delta) / error.se)) if known else 1.0
    p_not_worse, equivalent = None, None
    margin, sign = question.margin, 1 if question.higher_is_better else -1
    if margin is not None and known:
        p_not_worse = float(stdtr(error.df, -(sign * delta + margin) / error.se))
        equivalent = max(p_not_worse, float(stdtr(error.df, (sign * delta - margin) / error.se))) <= question.alpha
    sd = error.se * math.sqrt(error.n)
    needed = t_needed(delta, error.se, error.df, error.n, question.alpha)
    return settle(
        Comparison(
            verdict="cannot_tell",
            delta=delta,
            ci_low=low,
            ci_high=high,
            p_value=min(1.0, p_value),
            method=method,
            n=error.n,
            n_clusters=error.groups,
            mean_a=means[0],
            mean_b=means[1],
            confidence=question.confidence,
            higher_is_better=question.higher_is_better,
            power=t_power(delta, error.se, error.df, question.alpha) if known and delta != 0 else None,
            mde=t_smallest_effect(error.se, error.df, question.alpha),
            needed_n=needed,
            needed_n_power=0.8 if needed else None,
            margin=margin,
            p_not_worse=p_not_worse,
            equivalent=equivalent,
            needed_n_margin=needed_for_margin(sign * delta, margin, sd, question.alpha) if margin is not None else None,
        )
    )


def _mcnemar(a: Floats, b: Floats, question: Question) -> Comparison:
    """0/1 scores of independent pairs."""
    n, wins, losses = len(a), int((b > a).sum()), int((b < a).sum())
    confidence, margin = question.confidence, question.margin
    low, high = mcnemar.paired_interval(wins, losses, n, confidence)
    delta, discordance = (wins - losses) / n, (wins + losses) / n
    good, bad = (wins, losses) if question.higher_is_better else (losses, wins)
    p_not_worse, equivalent, needed_margin = None, None, None
    if margin is not None:
        p_not_worse = float(mcnemar.p_not_worse(good, bad, n, margin, confidence))
        other = float(mcnemar.p_not_worse(bad, good, n, margin, confidence))
        equivalent = max(p_not_worse, other) <= question.alpha
        spread = math.sqrt(max(discordance - delta**2, 0.0))
        needed_margin = needed_for_margin((good - bad) / n, margin, spread, question.alpha)
    needed = needed_pairs(delta, discordance, confidence=confidence)
    return settle(
        Comparison(
            verdict="cannot_tell",
            delta=delta,
            ci_low=float(low),
            ci_high=float(high),
            p_value=float(mcnemar.mid_p(wins, losses)),
            method="mid-p McNemar, Tango interval",
            n=n,
            n_clusters=n,
            mean_a=float(a.mean()),
            mean_b=float(b.mean()),
            confidence=confidence,
            higher_is_better=question.higher_is_better,
            discordant=wins + losses,
            power=power_paired(n, delta, discordance, confidence=confidence) if delta else None,
            mde=smallest_effect(n, discordance, confidence=confidence),
            needed_n=needed,
            needed_n_power=power_paired(needed, delta, discordance, confidence=confidence) if needed else None,
            margin=margin,
            p_not_worse=p_not_worse,
            equivalent=equivalent,
            needed_n_margin=needed_margin,
        )
    )


def _constant(a: Floats, b: Floats, error: MeanError, question: Question) -> Comparison:
    """Every pair differs by the same amount (most often by nothing): there is no spread to measure an error with."""
    delta = error.mean
    # How far another pair might differ: at most by the range that was seen, or where all was the same, by the value itself.
    seen = max(float(np.ptp(np.concatenate([a, b]))), abs(delta))
    reach = 1.0 if is_unit(a, b) else seen or abs(float(a[0]))
    low, high = constant_ends(delta, error.groups, question.confidence, -reach, reach)
    base = t_comparison(delta, error, question, (float(a.mean()), float(b.mean())), "all differences equal")
    # The level at which the end of that interval touches 0.
    p_value = min(1.0, 2 * (reach / (abs(delta) + reach)) ** error.groups) if delta else 1.0
    worst = low if question.higher_is_better else -high
    inside = None if question.margin is None else max(-low, high) < question.margin
    note = "every pair differs by the same amount, so the interval only bounds how many other pairs there may be"
    found = replace(base, ci_low=low, ci_high=high, p_value=p_value, equivalent=inside, notes=(note,))
    if question.margin is not None:
        room = (delta if question.higher_is_better else -delta) + question.margin
        q = min(1.0, max(room, 0.0) / ((delta if question.higher_is_better else -delta) + reach or 1.0))
        found = replace(found, p_not_worse=min(1.0, (1 - q) ** error.groups) if worst > -math.inf else None)
    return settle(found)


def subset_means(differences: Floats, seed: int) -> Floats:
    """Sorted means of subsets of the differences: all of them up to 13 differences, else 9,999 random ones.

    They are typical values (Hartigan 1969, JASA 64:1303): for differences symmetric about their centre, the centre is
    equally likely to fall between any two neighbours. Counting those below 0 is the sign-flip permutation test.
    """
    n = len(differences)
    if n <= ALL_PATTERNS_UP_TO:
        chosen = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
    else:
        rng = np.random.default_rng(seed)
        means = np.empty(RANDOM_PATTERNS)
        for start in range(0, RANDOM_PATTERNS, 500):
            part = rng.integers(0, 2, size=(min(500, RANDOM_PATTERNS - start), n), dtype=np.int8)
            means[start : start + len(part)] = (part @ differences) / np.maximum(part.sum(axis=1), 1)
        return np.sort(means)
    return np.sort((chosen @ differences) / chosen.sum(axis=1))


def _permutation(a: Floats, b: Floats, question: Question, seed: int) -> Comparison:
    """Sign-flip permutation test of the mean difference, with the interval that inverts it."""
    differences = b - a
    error = mean_error(differences, None)
    means = subset_means(differences, seed)
    patterns = len(means) + 1
    tolerance = 1e-12 * max(1.0, float(np.abs(differences).max()))
    tail = 1 + min(int((means <= tolerance).sum()), int((means >= -tolerance).sum()))
    k = math.floor(question.alpha / 2 * patterns * (1 + 1e-12))
    bound = 1.0 if is_unit(a, b) else math.inf
    low, high = (float(means[k - 1]), float(means[-k])) if k else (-bound, bound)
    base = t_comparison(error.mean, error, question, (float(a.mean()), float(b.mean())), "sign-flip permutation")
    found = replace(base, ci_low=low, ci_high=high, p_value=min(1.0, 2 * tail / patterns))
    if question.margin is not None:
        sign = 1 if question.higher_is_better else -1
        below = 1 + int((sign * means <= -question.margin).sum())
        above = 1 + int((sign * means >= question.margin).sum())
        worst = max(below, above) / patterns
        found = replace(found, p_not_worse=below / patterns, equivalent=worst <= question.alpha)
    return settle(found)


def compare_paired(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters: Sequence[Any] | NDArray[Any] | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    higher_is_better: bool = True,
    method: str = "auto",
    seed: int = 0,
) -> Comparison:
    """B against A, pair by pair: ``a[i]`` and ``b[i]`` are the scores of one example; ``delta`` is B minus A in their unit.

    0/1 scores: mid-p McNemar (Fagerland et al. 2013) with Tango's (1998) score interval. Other scores: paired t. With
    ``clusters`` (a label for each pair: the example when there are repeats, the group of related examples otherwise):
    CR1 with t(G - 1) on the differences. "permutation" is the sign-flip test, for a few pairs of skewed scores.

    ``margin``, in the unit of the scores, is the loss that would be accepted: the verdict can then be "not_worse", when
    the interval lies above -margin (non-inferiority at half of 1 - confidence), and ``equivalent`` says whether the two
    one-sided tests at 1 - confidence put the difference within plus or minus the margin (TOST; Schuirmann 1987).
    ``higher_is_better=False`` turns the verdict round for latency and cost; ``delta`` stays B minus A.

    Raises DataError when lengths differ or a score is not finite; match rows with ``pair_by_example`` first.
    """
    if method not in METHODS:
        raise UsageError(f"no comparison method {method!r}", mend="there is " + ", ".join(METHODS))
    scores_a, scores_b = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    if len(scores_a) != len(scores_b):
        raise DataError(
            f"{len(scores_a)} scores of A and {len(scores_b)} of B", mend="match them by example with pair_by_example"
        )
    question = Question(as_confidence(confidence), as_margin(margin), higher_is_better)
    codes = as_codes(clusters, len(scores_a))
    binary = is_binary(scores_a, scores_b)
    if codes is not None and method not in ("auto", "cluster"):
        raise UsageError(f"method {method!r} takes no clusters", mend="leave method at 'auto'")
    if method == "mcnemar" and not binary:
        raise UsageError("McNemar's test is for 0/1 scores", mend="leave method at 'auto'")
    if binary and codes is None and method in ("auto", "mcnemar"):
        return _mcnemar(scores_a, scores_b, question)
    if method == "permutation":
        return _permutation(scores_a, scores_b, question, seed)
    scale = max(float(np.abs(scores_a).max()), float(np.abs(scores_b).max()))
    error = mean_error(scores_b - scores_a, codes, scale=scale)
    if error.se == 0:
        alone = mean_error(scores_b - scores_a, None, scale=scale)
        if alone.se == 0:
            return _constant(scores_a, scores_b, error, question)
        # Every group gained alike: that is no proof that the next would, so fall back on the spread of single pairs.
        error = replace(alone, df=error.df, groups=error.groups)
    name = "paired t" if codes is None else "paired, CR1 clustered t(G-1)"
    bound = 1.0 if is_unit(scores_a, scores_b) else None
    found = t_comparison(error.mean, error, question, (float(scores_a.mean()), float(scores_b.mean())), name, bound)
    return replace(found, discordant=int((scores_a != scores_b).sum())) if binary else found
