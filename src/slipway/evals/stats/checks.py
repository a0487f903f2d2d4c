"""What goes into the statistics: scores as finite float arrays, cluster labels as numbers, rows matched by example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slipway.errors import DataError, UsageError
from slipway.evals.stats.results import Pairs

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def as_scores(values: ArrayLike, name: str = "scores", *, least: int = 1) -> Floats:
    """``values`` as a 1-D float array; DataError when empty, not numbers, or not finite."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} are not all numbers: {error}", mend="give one number for each example") from error
    if array.ndim != 1:
        raise DataError(f"{name} have {array.ndim} dimensions, not 1", mend="give one number for each example")
    if len(array) < least:
        raise DataError(f"{len(array)} {name}, and at least {least} are needed", mend="run more examples")
    bad = len(array) - int(np.isfinite(array).sum())
    if bad:
        raise DataError(f"{bad} of {len(array)} {name} are not finite", mend="leave out what could not be scored")
    return array


def as_confidence(confidence: float) -> float:
    """``confidence`` if it is one, else UsageError (95 is not a confidence, 0.95 is)."""
    if not 0 < confidence < 1:
        raise UsageError(f"confidence {confidence!r} is not between 0 and 1", mend="for 95 % give 0.95")
    return float(confidence)


def as_margin(margin: float | None) -> float | None:
    """``margin`` if it is positive and finite or None, else UsageError."""
    if margin is not None and not 0 < margin < np.inf:
        raise UsageError(f"margin {margin!r} is not positive", mend="give the loss you accept, such as 0.02")
    return margin


def is_binary(*arrays: Floats) -> bool:
    """Whether every value is 0 or 1."""
    return all(bool(((array == 0) | (array == 1)).all()) for array in arrays)


def is_unit(*arrays: Floats) -> bool:
    """Whether every value lies in 0..1."""
    return all(bool(((array >= 0) & (array <= 1)).all()) for array in arrays)


def as_codes(clusters: Sequence[Any] | NDArray[Any] | None, n: int) -> Codes | None:
    """Cluster labels as 0..G-1, or None when every value stands alone. A label of None is a cluster of its own."""
    if clusters is None:
        return None
    labels = np.asarray(clusters)
    if labels.shape != (n,):
        raise DataError(f"{labels.size} cluster labels for {n} values", mend="give one label for each value")
    if labels.dtype == object:
        labels = np.array([f"\0{i}" if label is None else str(label) for i, label in enumerate(labels)])
    found, codes = np.unique(labels, return_inverse=True)
    return None if len(found) == n else codes.astype(np.intp)


def _by_example(ids: Sequence[Any], scores: Sequence[Any], clusters: Sequence[Any] | None) -> tuple[Any, ...]:
    """Unique ids, mean score of each, cluster label of each, how many rows had no score, most repeats."""
    keys = np.asarray([str(key) for key in ids])
    try:
        values = np.array([np.nan if score is None else float(score) for score in scores], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"a score is not a number: {error}", mend="give numbers, or null where none was given"
        ) from error
    if len(keys) != len(values):
        raise DataError(f"{len(keys)} example ids for {len(values)} scores", mend="give one id for each score")
    fine = np.isfinite(values)
    if not fine.any():
        return np.empty(0, dtype="U1"), np.empty(0), None, int((~fine).sum()), 0
    found, first, codes, counts = np.unique(keys[fine], return_index=True, return_inverse=True, return_counts=True)
    means = np.bincount(codes, weights=values[fine]) / counts
    labels = None
    if clusters is not None:
        if len(clusters) != len(keys):
            raise DataError(f"{len(clusters)} cluster labels for {len(keys)} rows", mend="give one label for each row")
        kept = np.flatnonzero(fine)[first]
        labels = np.array([clusters[row] for row in kept], dtype=object)
    return found, means, labels, int((~fine).sum()), int(counts.max())


def pair_by_example(
    ids_a: Sequence[Any],
    scores_a: Sequence[Any],
    ids_b: Sequence[Any],
    scores_b: Sequence[Any],
    *,
    clusters_a: Sequence[Any] | None = None,
    clusters_b: Sequence[Any] | None = None,
) -> Pairs:
    """Match the rows of two runs by example id, averaging the repeats of an example; rows may come in any order.

    A score of None or NaN is left out and counted. The cluster label of an example is that of its first row in A, or in
    B when A gives none. An example with repeats thereby counts once, so what repeats add is precision, not false certainty.
    """
    found_a, mean_a, labels_a, lost_a, most_a = _by_example(ids_a, scores_a, clusters_a)
    found_b, mean_b, labels_b, lost_b, most_b = _by_example(ids_b, scores_b, clusters_b)
    shared, in_a, in_b = np.intersect1d(found_a, found_b, assume_unique=True, return_indices=True)
    clusters = labels_a[in_a] if labels_a is not None else labels_b[in_b] if labels_b is not None else None
    return Pairs(
        ids=shared,
        a=mean_a[in_a],
        b=mean_b[in_b],
        clusters=clusters,
        only_a=len(found_a) - len(shared),
        only_b=len(found_b) - len(shared),
        unscored_a=lost_a,
        unscored_b=lost_b,
        repeats=max(most_a, most_b),
    )
