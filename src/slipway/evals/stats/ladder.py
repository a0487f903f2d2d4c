"""What a look at a sealed suite may tell, so that trying two hundred variants does not overfit it.

Each look answers one question: is this candidate better than the best so far? It is asked at alpha / budget, and only a yes
changes the score that is shown. As long as the answer is no, whoever searches learns nothing new, so the candidates of a
search in which nothing truly helps are as good as fixed in advance, and by the union bound the chance that any of them is
called better is at most alpha. In 2,000 simulated greedy searches of 200 worthless edits on 500 items with a true 0.75 the
searcher ends at a shown 0.87 when every score is told, and at 0.75 this way.

Sources: Blum and Hardt (2015), "The Ladder", ICML: tell a new score only when it beats the best by a margin, and round it;
Dwork et al. (2015), "The reusable holdout", Science 349:636: a budget of answers that leave the baseline, after which it locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slipway.errors import DataError, SealedError, UsageError
from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.checks import Codes, Floats, as_codes, as_scores, is_binary
from slipway.evals.stats.clustered import mean_error
from slipway.evals.stats.results import Look


def p_better(best: Floats, candidate: Floats, codes: Codes | None) -> tuple[float, str]:
    """One-sided p for "the candidate is no better than the best", and the name of the test.

    0/1 scores: McNemar's exact test, since its level holds at 0.05/200 where approximations do not. Others: paired t,
    clustered CR1.
    """
    from scipy.special import stdtr

    if codes is None and is_binary(best, candidate):
        wins, losses = int((candidate > best).sum()), int((candidate < best).sum())
        return float(binomial_cdf(losses, wins + losses, 0.5)), "exact one-sided McNemar"
    error = mean_error(candidate - best, codes, scale=float(np.abs(best).max()))
    if error.df < 1 or error.se == 0:
        return 1.0, "no spread to measure by"
    name = "one-sided paired t" if codes is None else "one-sided CR1 clustered t(G-1)"
    return float(stdtr(error.df, -error.mean / error.se)), name


def take_look(
    candidate: ArrayLike,
    best: ArrayLike | None,
    *,
    looks_used: int,
    budget: int,
    shown: float | None = None,
    alpha: float = 0.05,
    step: float = 0.01,
    clusters: Sequence[Any] | NDArray[Any] | None = None,
) -> Look:
    """One look: ``candidate``'s scores against the ``best`` so far, by example; None on the first look.

    The caller keeps, sealed: ``looks_used``, the ``shown`` score (unit of the scores), and the best's scores, which the
    candidate's replace after a look that says ``better``. ``shown`` moves only then, to the candidate's mean rounded to ``step``;
    the difference and the p-value are not told. ``alpha`` is the chance that any worthless candidate of the whole budget passes.
    The first look shows its candidate's rounded mean, with which every later one is compared.

    Raises SealedError when the budget is spent.
    """
    if budget < 1 or looks_used < 0 or not 0 < alpha < 1 or step < 0:
        raise UsageError(
            f"budget {budget}, looks used {looks_used}, alpha {alpha}, step {step} make no sense",
            mend="budget=20, looks_used=0, alpha=0.05, step=0.01 do",
        )
    if looks_used >= budget:
        raise SealedError(
            f"all {budget} looks at this suite are spent",
            mend="seal a new held-out suite with examples nobody has used",
        )
    scores = as_scores(candidate, "scores of the candidate")
    mean = float(scores.mean())
    told = round(round(mean / step) * step, 10) if step else mean
    used, level = looks_used + 1, alpha / budget
    left = budget - used
    if best is None:
        return Look(True, told, used, left, left == 0, level, "first look")
    before = as_scores(best, "scores of the best")
    if len(before) != len(scores):
        raise DataError(
            f"{len(scores)} scores of the candidate and {len(before)} of the best", mend="score every example"
        )
    if shown is None:
        raise UsageError("a later look needs the score shown so far", mend="give shown= as the last look returned it")
    p, name = p_better(before, scores, as_codes(clusters, len(scores)))
    better = p <= level and mean > float(before.mean())
    return Look(better, max(told, shown) if better else shown, used, left, left == 0, level, name)
