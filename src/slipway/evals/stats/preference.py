"""A ranking from pairwise votes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from slipway.errors import DataError, NothingRan
from slipway.evals.stats.checks import as_confidence
from slipway.evals.stats.results import Ranking

# Just enough to keep a player without a single loss (or win) finite; choix's default for its penalised fit.
PENALTY = 1e-6


def bradley_terry(votes: Iterable[tuple[str, str, str]], *, confidence: float = 0.95) -> Ranking:
    """Strengths in log-odds (mean 0) from votes (left, right, "left" | "right" | "tie"), with normal intervals.

    A player beats another with probability 1 / (1 + exp(their strength - its own)); a tie counts as half a vote for each.
    Source: Bradley and Terry (1952), Biometrika 39:324; maximum likelihood by Newton's method, equal to choix.opt_pairwise.
    The interval of a strength is against the mean of all. Raises DataError for an unknown outcome, NothingRan without votes.
    """
    from scipy.special import expit, ndtri

    confidence = as_confidence(confidence)
    rows = list(votes)
    if not rows:
        raise NothingRan("no votes to rank by", mend="collect pairwise votes first")
    players = sorted({name for left, right, _ in rows for name in (left, right)})
    place = {name: i for i, name in enumerate(players)}
    size = len(players)
    wins = np.zeros((size, size))
    worth = {"left": (1.0, 0.0), "right": (0.0, 1.0), "tie": (0.5, 0.5)}
    for left, right, outcome in rows:
        if outcome not in worth or left == right:
            raise DataError(
                f"vote {(left, right, outcome)!r} is not one", mend="give two players and left, right or tie"
            )
        wins[place[left], place[right]] += worth[outcome][0]
        wins[place[right], place[left]] += worth[outcome][1]
    games, strength = wins + wins.T, np.zeros(size)
    information = np.zeros((size, size))
    for _ in range(200):
        chance = expit(strength[:, None] - strength[None, :])
        slope = (wins - games * chance).sum(axis=1) - 2 * PENALTY * strength
        curve = games * chance * (1 - chance)
        information = np.diag(curve.sum(axis=1)) - curve
        # The likelihood does not know the common level; the all-ones matrix fixes it.
        step = np.linalg.solve(information + 2 * PENALTY * np.eye(size) + np.ones((size, size)) / size, slope)
        strength = strength + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    strength -= strength.mean()
    spread = np.sqrt(np.diag(np.linalg.pinv(information + 2 * PENALTY * (np.eye(size) - 1 / size))))
    half = float(ndtri((1 + confidence) / 2)) * spread
    order = tuple(players[i] for i in np.argsort(-strength, kind="stable"))
    return Ranking(
        order=order,
        strength={name: float(strength[i]) for name, i in place.items()},
        low={name: float(strength[i] - half[i]) for name, i in place.items()},
        high={name: float(strength[i] + half[i]) for name, i in place.items()},
        votes=len(rows),
        confidence=confidence,
    )
