"""B against A on different examples, and the front door that decides which comparison two runs allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slipway.errors import NothingRan
from slipway.evals.stats.checks import (
    Codes,
    Floats,
    as_codes,
    as_confidence,
    as_margin,
    as_scores,
    is_binary,
    is_unit,
    pair_by_example,
)
from slipway.evals.stats.clustered import MeanError, mean_error
from slipway.evals.stats.paired import Question, compare_paired, settle, t_comparison
from slipway.evals.stats.power import needed_for_margin, needed_per_arm
from slipway.evals.stats.results import Comparison, Pairs

NOT_PAIRED = "the runs share no examples: compared unpaired, which takes several times the examples"


def _share_test(counts: tuple[int, int, int, int], value: float, alternative: str, method: str) -> float:
    """p for "the shares differ by ``value``", by statsmodels; 0 where the difference is impossible."""
    from statsmodels.stats.proportion import test_proportions_2indep

    with np.errstate(all="ignore"):
        p = float(
            test_proportions_2indep(*counts, value=value, compare="diff", method=method, alternative=alternative).pvalue
        )
    return 0.0 if math.isnan(p) else p


def _share_ends(counts: tuple[int, int, int, int], delta: float, alpha: float) -> tuple[float, float]:
    """The differences that the score test does not reject.

    statsmodels' confint_proportions_2indep(method="score") is the same inversion, but its root finder fails on some tables.
    """
    ends = []
    for edge in (-1.0, 1.0):
        inside, outside = delta, edge
        for _ in range(40):
            middle = (inside + outside) / 2
            kept = _share_test(counts, middle, "two-sided", "score") > alpha
            inside, outside = (middle, outside) if kept else (inside, middle)
        ends.append(inside)
    return ends[0], ends[1]


def _share_power(p_a: float, p_b: float, n_a: int, n_b: int, alpha: float) -> float | None:
    from statsmodels.stats.proportion import power_proportions_2indep

    if p_a == p_b:
        return None
    with np.errstate(all="ignore"):
        power = float(power_proportions_2indep(p_b - p_a, p_a, n_b, ratio=n_a / n_b, alpha=alpha).power)
    return None if math.isnan(power) else power


def _two_shares(a: Floats, b: Floats, question: Question) -> Comparison:
    """Miettinen and Nurminen's (1985, Statistics in Medicine 4:213) score test, by statsmodels, and its inversion."""
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import confint_proportions_2indep

    n_a, n_b, count_a, count_b = len(a), len(b), int(a.sum()), int(b.sum())
    p_a, p_b = count_a / n_a, count_b / n_b
    counts, alpha = (count_b, n_b, count_a, n_a), question.alpha
    margin, sign = question.margin, 1 if question.higher_is_better else -1
    # The score equations have no solution at shares of 0 and 1; Agresti and Caffo (2000) add one success and one failure to each.
    inner = 0 < p_a < 1 and 0 < p_b < 1
    method = "score" if inner else "agresti-caffo"
    if inner:
        low, high = _share_ends(counts, p_b - p_a, alpha)
    else:
        low, high = confint_proportions_2indep(*counts, compare="diff", method=method, alpha=alpha)
    p_not_worse, equivalent = None, None
    if margin is not None:
        above = _share_test(counts, -margin, "larger", method)
        below = _share_test(counts, margin, "smaller", method)
        p_not_worse, equivalent = above if sign > 0 else below, max(above, below) <= alpha
    needed = needed_per_arm(p_a, p_b, confidence=question.confidence)
    pooled = (count_a + count_b) / (n_a + n_b)
    # The pooled spread is what both shares have if they are equal, as the smallest visible effect supposes.
    spread = math.sqrt(pooled * (1 - pooled))
    shift = float(NormalIndPower().solve_power(nobs1=n_b, ratio=n_a / n_b, alpha=alpha, power=0.8)) if spread else None
    sd = math.sqrt(p_a * (1 - p_a) + p_b * (1 - p_b))
    return settle(
        Comparison(
            verdict="cannot_tell",
            delta=p_b - p_a,
            ci_low=max(-1.0, float(low)),
            ci_high=min(1.0, float(high)),
            p_value=_share_test(counts, 0.0, "two-sided", method) if spread else 1.0,
            method="unpaired, " + ("Miettinen-Nurminen score" if inner else "Agresti-Caffo"),
            n=min(n_a, n_b),
            n_clusters=min(n_a, n_b),
            mean_a=p_a,
            mean_b=p_b,
            confidence=question.confidence,
            paired=False,
            higher_is_better=question.higher_is_better,
            power=_share_power(p_a, p_b, n_a, n_b, alpha),
            mde=shift * spread if shift is not None else None,
            needed_n=needed,
            needed_n_power=0.8 if needed else None,
            margin=margin,
            p_not_worse=p_not_worse,
            equivalent=equivalent,
            needed_n_margin=needed_for_margin(sign * (p_b - p_a), margin, sd, alpha) if margin is not None else None,
        )
    )


def _two_means(a: Floats, b: Floats, codes: tuple[Codes | None, Codes | None], question: Question) -> Comparison:
    """Welch's t (1947, Biometrika 34:28) on the two means, each with its own (clustered) error."""
    error_a, error_b = mean_error(a, codes[0]), mean_error(b, codes[1])
    squares = error_a.se**2, error_b.se**2
    df = 0.0
    if min(error_a.df, error_b.df) >= 1 and sum(squares) > 0:
        df = sum(squares) ** 2 / (squares[0] ** 2 / error_a.df + squares[1] ** 2 / error_b.df)
    n, groups = min(len(a), len(b)), min(error_a.groups, error_b.groups)
    error = MeanError(error_b.mean - error_a.mean, math.sqrt(sum(squares)), df, n, groups)
    clustered = codes[0] is not None or codes[1] is not None
    name = "unpaired, CR1 clustered Welch t" if clustered else "unpaired, Welch t"
    bound = 1.0 if is_unit(a, b) else None
    if error.se == 0:
        error = replace(error, se=math.inf)
        name += " (no spread: nothing to measure by)"
    found = t_comparison(error.mean, error, question, (error_a.mean, error_b.mean), name, bound)
    return replace(found, paired=False)


def compare_unpaired(
    a: ArrayLike,
    b: ArrayLike,
    *,
    clusters_a: Sequence[Any] | NDArray[Any] | None = None,
    clusters_b: Sequence[Any] | NDArray[Any] | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    higher_is_better: bool = True,
) -> Comparison:
    """B against A when they were scored on different examples; ``delta`` is mean B minus mean A in the unit of the scores.

    0/1 scores: Miettinen and Nurminen's score test and interval. Others, or with clusters: Welch's t. ``n``, ``mde`` and
    ``needed_n`` count examples for each run: 1,736 to tell 75 % from 79 %, where pairs need 292 to 979. Use it only where
    nothing is shared.
    """
    scores_a, scores_b = as_scores(a, "scores of A"), as_scores(b, "scores of B")
    question = Question(as_confidence(confidence), as_margin(margin), higher_is_better)
    codes = as_codes(clusters_a, len(scores_a)), as_codes(clusters_b, len(scores_b))
    if codes[0] is None and codes[1] is None and is_binary(scores_a, scores_b):
        found = _two_shares(scores_a, scores_b, question)
    else:
        found = _two_means(scores_a, scores_b, codes, question)
    return replace(found, notes=(NOT_PAIRED,))


def _notes(pairs: Pairs) -> tuple[str, ...]:
    """What was left out of a paired comparison, said aloud."""
    notes = []
    if pairs.only_a or pairs.only_b:
        notes.append(
            f"compared on the {pairs.n} shared examples; left out: {pairs.only_a} only in A, {pairs.only_b} only in B"
        )
    if pairs.unscored_a or pairs.unscored_b:
        notes.append(f"rows without a score, left out: {pairs.unscored_a} in A, {pairs.unscored_b} in B")
    if pairs.repeats > 1:
        notes.append(f"up to {pairs.repeats} repeats of an example were averaged")
    return tuple(notes)


def compare_runs(
    ids_a: Sequence[Any],
    scores_a: Sequence[Any],
    ids_b: Sequence[Any],
    scores_b: Sequence[Any],
    *,
    clusters_a: Sequence[Any] | None = None,
    clusters_b: Sequence[Any] | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    higher_is_better: bool = True,
) -> Comparison:
    """Run B against run A from their rows (example id, score, and where known the cluster label), in any order.

    Matched by example with repeats averaged, then ``compare_paired``; when no example is shared ``compare_unpaired``, which
    ``method``, ``paired`` and ``notes`` say. Raises NothingRan when a run has no score at all.
    """
    pairs = pair_by_example(ids_a, scores_a, ids_b, scores_b, clusters_a=clusters_a, clusters_b=clusters_b)
    options: dict[str, Any] = {"margin": margin, "confidence": confidence, "higher_is_better": higher_is_better}
    if pairs.n:
        found = compare_paired(pairs.a, pairs.b, clusters=pairs.clusters, **options)
        return replace(found, notes=found.notes + _notes(pairs))
    alone_a = pair_by_example(ids_a, scores_a, ids_a, scores_a, clusters_a=clusters_a)
    alone_b = pair_by_example(ids_b, scores_b, ids_b, scores_b, clusters_a=clusters_b)
    for name, alone in (("A", alone_a), ("B", alone_b)):
        if not alone.n:
            raise NothingRan(f"run {name} has no scored example", mend="look at its errors before comparing it")
    found = compare_unpaired(
        alone_a.a, np.asarray(alone_b.a), clusters_a=alone_a.clusters, clusters_b=alone_b.clusters, **options
    )
    return replace(found, notes=found.notes + _notes(replace(pairs, only_a=0, only_b=0)))
