"""Worlds with a known truth, for the calibration tests: each returns how often something happened."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from slipway.evals import stats
from slipway.evals.stats.ladder import take_look
from slipway.evals.stats.sequential import TEST_PART, log_e_discordant, log_e_mean

Rng = np.random.Generator

DIFFERENCES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n) - 1,
    "thirds": lambda rng, n: (rng.random(n) < 0.1) * rng.choice([-1, -1 / 3, 1 / 3, 1], size=n),
}


def most(level: float, simulations: int) -> float:
    """The largest rate that ``simulations`` may show (1 in 100) when the true one is ``level``: 0.0613 for 0.05 and 2,000."""
    return level + 2.33 * math.sqrt(level * (1 - level) / simulations)


def least(level: float, simulations: int) -> float:
    """The smallest rate that ``simulations`` may show (1 in 100) when the true one is ``level``."""
    return level - 2.33 * math.sqrt(level * (1 - level) / simulations)


def pair(rng: Rng, n: int, p_a: float, p_b: float, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """0/1 scores of two variants whose items share a latent difficulty (Gaussian copula of that correlation)."""
    from scipy.special import ndtri

    shared = rng.standard_normal(n) * math.sqrt(correlation)
    own = math.sqrt(1 - correlation)
    a = shared + own * rng.standard_normal(n) < ndtri(p_a)
    b = shared + own * rng.standard_normal(n) < ndtri(p_b)
    return a.astype(float), b.astype(float)


def false_verdicts(rng: Rng, simulations: int, n: int, correlation: float, share: float = 0.75) -> float:
    """How often two equally good variants are told apart."""
    wrong = 0
    for _ in range(simulations):
        a, b = pair(rng, n, share, share, correlation)
        wrong += stats.compare_paired(a, b).verdict != "cannot_tell"
    return wrong / simulations


def clustered_pair(rng: Rng, groups: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Null 0/1 scores in groups: each group has its own difficulty and its own leaning to A or B."""
    labels = np.repeat(np.arange(groups), size)
    easy, leaning = rng.normal(0.75, 0.12, groups)[labels], rng.normal(0, 0.12, groups)[labels]
    u = rng.random((2, len(labels)))
    return (u[0] < easy - leaning).astype(float), (u[1] < easy + leaning).astype(float), labels


def false_clustered_verdicts(rng: Rng, simulations: int, groups: int, size: int, *, use: bool = True) -> float:
    """How often equally good variants are told apart on clustered examples; ``use=False`` forgets the clusters."""
    wrong = 0
    for _ in range(simulations):
        a, b, labels = clustered_pair(rng, groups, size)
        wrong += stats.compare_paired(a, b, clusters=labels if use else None).verdict != "cannot_tell"
    return wrong / simulations


def share_coverage(rng: Rng, simulations: int, n: int, p: float) -> float:
    """How often the interval of n independent 0/1 scores holds the true share."""
    found = [stats.interval((rng.random(n) < p).astype(float)) for _ in range(simulations)]
    return float(np.mean([item.low <= p <= item.high for item in found]))


def clustered_coverage(
    rng: Rng, simulations: int, groups: int, size: int, p: float, icc: float, *, use: bool = True, uneven: bool = False
) -> float:
    """How often the clustered interval holds the true share; groups' own shares are Beta with this intraclass correlation."""
    hits, strength = 0, 1 / icc - 1
    for _ in range(simulations):
        sizes = rng.integers(size // 2, size + size // 2 + 1, groups) if uneven else np.full(groups, size)
        labels = np.repeat(np.arange(groups), sizes)
        own = rng.beta(p * strength, (1 - p) * strength, groups)
        values = (rng.random(len(labels)) < own[labels]).astype(float)
        found = stats.interval(values, clusters=labels if use else None)
        hits += found.low <= p <= found.high
    return hits / simulations


def paired_coverage(rng: Rng, simulations: int, n: int, discordance: float, delta: float) -> float:
    """How often the paired interval holds the true difference (vectorised over simulations)."""
    from slipway.evals.stats.mcnemar import paired_interval

    shares = [(discordance + delta) / 2, (discordance - delta) / 2, 1 - discordance]
    drawn = rng.multinomial(n, shares, size=simulations)
    low, high = paired_interval(drawn[:, 0], drawn[:, 1], np.full(simulations, n))
    return float(((low <= delta) & (delta <= high)).mean())


def found_rate(rng: Rng, simulations: int, n: int, discordance: float, delta: float) -> float:
    """How often the mid-p test on n pairs finds the difference (vectorised over simulations)."""
    from slipway.evals.stats.mcnemar import mid_p

    shares = [(discordance + delta) / 2, (discordance - delta) / 2, 1 - discordance]
    drawn = rng.multinomial(n, shares, size=simulations)
    return float((mid_p(drawn[:, 0], drawn[:, 1]) <= 0.05).mean())


def peeked_pairs(
    rng: Rng, simulations: int, discordance: float, looks: int = 5000, every: int = 50
) -> tuple[float, float]:
    """How often a null run is ever called by a look after every 50: by the e-process, and by naive mid-p."""
    from slipway.evals.stats.mcnemar import mid_p

    ever, naive = 0, 0
    for _ in range(simulations):
        u = rng.random(looks)
        wins = (u < discordance / 2).cumsum()[every - 1 :: every]
        losses = ((u >= discordance / 2) & (u < discordance)).cumsum()[every - 1 :: every]
        ever += bool((np.exp(-log_e_discordant(wins, losses)) / TEST_PART).min() <= 0.05)
        naive += bool(mid_p(wins, losses).min() <= 0.05)
    return ever / simulations, naive / simulations


def peeked_means(
    rng: Rng, simulations: int, draw: Callable[[Rng, int], np.ndarray], looks: int = 5000, every: int = 50
) -> float:
    """How often a null run of real-valued differences is ever called by a look after every 50."""
    n = np.arange(every, looks + 1, every, dtype=float)
    ever = 0
    for _ in range(simulations):
        values = draw(rng, looks)
        mean, square = values.cumsum()[every - 1 :: every] / n, (values**2).cumsum()[every - 1 :: every]
        variance = np.maximum((square - n * mean**2) / (n - 1), 1e-12)
        ever += bool(log_e_mean(mean / np.sqrt(variance / n), n).max() >= math.log(20))
    return ever / simulations


def family_errors(rng: Rng, simulations: int, variants: int, n: int, share: float = 0.75) -> tuple[float, float]:
    """How often any of many null variants is told apart from one baseline: judged as a family, and each alone."""
    together, alone = 0, 0
    for _ in range(simulations):
        easy = rng.random(n) < 0.5
        chance = np.where(easy, min(1.0, share + 0.2), share - 0.2)
        base = (rng.random(n) < chance).astype(float)
        pairs = {str(i): (base, (rng.random(n) < chance).astype(float)) for i in range(variants)}
        found = stats.compare_many(pairs)
        together += any(item.verdict != "cannot_tell" for item in found.results.values())
        alone += any(item.p_value <= 0.05 for item in found.results.values())
    return together / simulations, alone / simulations


def greedy_search(rng: Rng, edits: int, n: int = 500, true: float = 0.75, changed: float = 0.1) -> tuple[float, float]:
    """What a greedy searcher is shown for worthless edits: through the sealed suite's looks, and if every score were told.

    An edit re-rolls some of the answers of the variant it starts from, which is the best so far; its true share stays ``true``.
    """
    best = (rng.random(n) < true).astype(float)
    look = take_look(best, None, looks_used=0, budget=edits)
    open_best = best
    while not look.locked:
        rolled, fresh = rng.random(n) < changed, (rng.random(n) < true).astype(float)
        edit = np.where(rolled, fresh, best)
        look = take_look(edit, best, looks_used=look.looks_used, budget=edits, shown=look.shown)
        best = edit if look.better else best
        open_edit = np.where(rolled, fresh, open_best)
        open_best = open_edit if open_edit.mean() > open_best.mean() else open_best
    return look.shown, float(open_best.mean())


def judge_coverage(
    rng: Rng, simulations: int, p: float, right_yes: float, right_no: float, labels: int = 200, rest: int = 2000
) -> tuple[float, float, float]:
    """Coverage of the corrected mean, and of the judge alone; and the corrected width over that of the labels alone."""
    hits, judge_hits, widths = 0, 0, []
    for _ in range(simulations):
        truth = rng.random(labels + rest) < p
        judged = np.where(truth, rng.random(labels + rest) < right_yes, rng.random(labels + rest) > right_no).astype(
            float
        )
        found = stats.corrected_mean(truth[:labels], judged[:labels], judged[labels:])
        hits += found.low <= p <= found.high
        alone = stats.interval(judged)
        judge_hits += alone.low <= p <= alone.high
        widths.append((found.high - found.low) / (found.labels_alone.high - found.labels_alone.low))
    return hits / simulations, judge_hits / simulations, float(np.mean(widths))


def planted_order_found(rng: Rng, simulations: int, votes: int = 2000, gap: float = 0.3) -> float:
    """How often a planted order of five, a gap in log-odds apart, is found from that many votes."""
    players = "abcde"
    hits = 0
    for _ in range(simulations):
        left, right = rng.integers(0, 5, votes), rng.integers(0, 4, votes)
        right = np.where(right >= left, right + 1, right)
        wins = rng.random(votes) < 1 / (1 + np.exp(gap * (left - right)))
        rows = [
            (players[i], players[j], "left" if w else "right")
            for i, j, w in zip(left.tolist(), right.tolist(), wins, strict=True)
        ]
        hits += stats.bradley_terry(rows).order == tuple(players)
    return hits / simulations
