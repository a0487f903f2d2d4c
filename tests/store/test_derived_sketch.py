"""Sketches tell every quantile within 1 % of the exact one, however they were put together."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from slipway.store.derived import sketch

durations = st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 1000), min_size=1, max_size=200)
QS = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)


def packed(values):
    return sketch.pack(Counter(map(sketch.bucket, values)))


@given(durations, st.integers(1, 5))
@example([0], 1)
@example([0, 0, 1, 2**63 - 1], 2)
def test_quantiles_of_merged_sketches_are_within_one_percent(values, parts):
    pieces = [packed(values[start::parts]) for start in range(parts)]
    counts = sketch.merged(pieces, [0] * parts, 1)[0]
    told = sketch.quantiles(counts, QS)
    for q, value in zip(QS, told, strict=True):
        exact = sorted(values)[math.floor(q * (len(values) - 1))]
        assert abs(value - exact) <= exact * sketch.ACCURACY * (1 + 1e-9), (q, value, exact)


@given(durations, durations)
def test_what_was_added_is_taken_away_exactly(kept, gone):
    both = Counter(map(sketch.bucket, kept + gone))
    both.subtract(Counter(map(sketch.bucket, gone)))
    assert sketch.pack(both) == packed(kept)


@given(durations)
def test_packing_keeps_every_count(values):
    counts = Counter(map(sketch.bucket, values))
    assert sketch.unpack(sketch.pack(counts)) == counts
    assert max(counts) < sketch.BUCKETS


def test_each_sketch_is_added_to_its_group():
    counts = sketch.merged([packed([5, 5]), b"", packed([7]), packed([5])], [1, 0, 1, 2], 3)
    assert counts.sum(axis=1).tolist() == [0, 3, 1]
    assert counts[1][sketch.bucket(7)] == 1
    assert np.isnan(sketch.quantiles(counts[0], [0.5])[0])
