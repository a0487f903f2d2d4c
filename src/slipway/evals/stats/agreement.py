"""Agreement between people, or between a person and the model judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway.errors import DataError
from slipway.evals.stats.checks import as_confidence
from slipway.evals.stats.results import Agreement

RESAMPLES = 999


def cohen_kappa(first: Sequence[Any], second: Sequence[Any], *, confidence: float = 0.95) -> Agreement:
    """Cohen's (1960) kappa of two raters' labels of the same items, with its normal interval; statsmodels' cohens_kappa."""
    from scipy.special import ndtri
    from statsmodels.stats.inter_rater import cohens_kappa

    confidence = as_confidence(confidence)
    if len(first) != len(second) or len(first) < 2:
        raise DataError(
            f"{len(first)} and {len(second)} ratings", mend="both raters must label the same items, 2 or more"
        )
    labels, codes = np.unique([str(label) for label in [*first, *second]], return_inverse=True)
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, (codes[: len(first)], codes[len(first) :]), 1)
    observed = float(np.trace(table) / table.sum())
    if len(labels) < 2:
        return Agreement(1.0, -1.0, 1.0, observed, len(first), 2, "Cohen, one label only: nothing learnt", confidence)
    found = cohens_kappa(table)
    half = float(ndtri((1 + confidence) / 2)) * float(found.std_kappa)
    kappa = float(found.kappa)
    return Agreement(
        kappa, max(-1.0, kappa - half), min(1.0, kappa + half), observed, len(first), 2, "Cohen", confidence
    )


def fleiss_kappa(ratings: Sequence[Sequence[Any]], *, confidence: float = 0.95, seed: int = 0) -> Agreement:
    """Fleiss's (1971) kappa; ``ratings[i]`` are the labels item i got, the same number for each item.

    statsmodels' fleiss_kappa; the interval is a percentile bootstrap over items.
    """
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as fleiss

    confidence = as_confidence(confidence)
    sizes = {len(row) for row in ratings}
    if len(ratings) < 2 or len(sizes) != 1 or min(sizes) < 2:
        raise DataError(
            "Fleiss's kappa wants the same number of ratings (2 or more) for 2 or more items",
            mend="leave out the items that some did not rate",
        )
    raters = sizes.pop()
    table, labels = aggregate_raters(np.array([[str(label) for label in row] for row in ratings]))
    observed = float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())
    if len(labels) < 2:
        return Agreement(
            1.0, -1.0, 1.0, observed, len(table), raters, "Fleiss, one label only: nothing learnt", confidence
        )
    rng = np.random.default_rng(seed)
    kappa = float(fleiss(table))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = [float(fleiss(table[rng.integers(0, len(table), len(table))])) for _ in range(RESAMPLES)]
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Agreement(
        kappa, min(float(low), kappa), max(float(high), kappa), observed, len(table), raters, "Fleiss", confidence
    )
