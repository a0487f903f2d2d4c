"""What must hold for any data: swapping, reordering, ends around the estimate, p-value and interval of one mind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slipway.evals import stats

TURNED = {"better": "worse", "worse": "better", "cannot_tell": "cannot_tell"}
bits = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=80)
scores = st.lists(
    st.tuples(st.floats(-100, 100, allow_subnormal=False), st.floats(-100, 100, allow_subnormal=False)),
    min_size=1,
    max_size=40,
)
thirds = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
kinds = st.one_of(bits, scores, thirds.map(lambda rows: [(a / 3, b / 3) for a, b in rows]))
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])


def _columns(rows: list[tuple[Any, Any]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(a) for a, _ in rows]), np.array([float(b) for _, b in rows])


def _clusters(n: int, seed: int) -> np.ndarray | None:
    return None if seed % 3 == 0 else np.random.default_rng(seed).integers(0, max(1, n // 3), n)


@settings(max_examples=150, deadline=None)
@given(kinds, st.integers(0, 50), confidences)
def test_swapping_a_and_b_turns_the_comparison_round(rows: list[tuple[Any, Any]], seed: int, confidence: float) -> None:
    a, b = _columns(rows)
    clusters = _clusters(len(a), seed)
    one = stats.compare_paired(a, b, clusters=clusters, confidence=confidence)
    other = stats.compare_paired(b, a, clusters=clusters, confidence=confidence)
    assert other.delta == pytest.approx(-one.delta, abs=1e-9)
    assert other.p_value == pytest.approx(one.p_value, abs=1e-9)
    assert (other.ci_low, other.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), abs=1e-7)
    assume(abs(one.p_value - (1 - confidence)) > 1e-9)
    assert other.verdict == TURNED[one.verdict]


@settings(max_examples=100, deadline=None)
@given(kinds, st.integers(0, 50), st.randoms(use_true_random=False))
def test_the_order_of_examples_is_nothing(rows: list[tuple[Any, Any]], seed: int, random: Any) -> None:
    a, b = _columns(rows)
    clusters = _clusters(len(a), seed)
    order = list(range(len(a)))
    random.shuffle(order)
    one = stats.compare_paired(a, b, clusters=clusters)
    other = stats.compare_paired(a[order], b[order], clusters=None if clusters is None else clusters[order])
    for name in ("delta", "ci_low", "ci_high", "p_value", "mde"):
        expected, got = getattr(one, name), getattr(other, name)
        assert (got is None) == (expected is None), name
        assert expected is None or got == pytest.approx(expected, abs=1e-7, rel=1e-7), name


@settings(max_examples=200, deadline=None)
@given(kinds, st.integers(0, 50), confidences, st.sampled_from([None, 0.02, 0.5]), st.booleans())
def test_p_value_and_interval_agree_about_nothing(
    rows: list[tuple[Any, Any]], seed: int, confidence: float, margin: float | None, up: bool
) -> None:
    a, b = _columns(rows)
    clusters = _clusters(len(a), seed)
    options: dict[str, Any] = {"confidence": confidence, "margin": margin, "higher_is_better": up}
    for found in (
        stats.compare_paired(a, b, clusters=clusters, **options),
        stats.compare_paired(a, b, method="permutation", **options) if len(a) <= 10 else None,
        stats.compare_anytime(a, b, clusters=clusters, **options),
    ):
        if found is None:
            continue
        assert found.ci_low <= found.delta <= found.ci_high
        assert 0 <= found.p_value <= 1
        assume(abs(found.p_value - (1 - confidence)) > 1e-9)
        decided = found.p_value <= 1 - confidence
        assert decided == (found.ci_low > 0 or found.ci_high < 0), found
        if margin is None:
            assert decided == (found.verdict in ("better", "worse"))
        elif found.verdict == "not_worse":
            assert (found.ci_low if up else -found.ci_high) > -margin
        if found.verdict == "better":
            assert (found.delta > 0) == up


@settings(max_examples=100, deadline=None)
@given(kinds, st.integers(0, 50), confidences)
def test_an_interval_holds_its_estimate_and_has_a_width(
    rows: list[tuple[Any, Any]], seed: int, confidence: float
) -> None:
    values = _columns(rows)[0]
    found = stats.interval(values, clusters=_clusters(len(values), seed), confidence=confidence)
    assert found.low <= found.estimate <= found.high
    assert found.high > found.low or float(np.abs(values).max()) == 0
    wider = stats.interval(values, clusters=_clusters(len(values), seed), confidence=(1 + confidence) / 2)
    assert wider.low <= found.low + 1e-9
    assert wider.high >= found.high - 1e-9
    if ((values >= 0) & (values <= 1)).all():
        assert found.low >= 0
        assert found.high <= 1


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=3), bits, min_size=1, max_size=5))
def test_a_family_is_never_bolder_than_its_members(families: dict[str, list[tuple[int, int]]]) -> None:
    pairs = {name: _columns(rows) for name, rows in families.items()}
    found = stats.compare_many(pairs)
    for name, (a, b) in pairs.items():
        alone, member = stats.compare_paired(a, b), found[name]
        assert member.p_adjusted is not None
        assert member.p_adjusted >= alone.p_value - 1e-12
        assert member.ci_low <= max(alone.ci_low, 0.0) + 1e-9
        assert member.family == len(pairs)
        if member.verdict in ("better", "worse"):
            assert alone.verdict == member.verdict


@settings(max_examples=60, deadline=None)
@given(bits, st.integers(1, 3))
def test_repeats_of_an_example_count_once(rows: list[tuple[int, int]], repeats: int) -> None:
    a, b = _columns(rows)
    ids = [f"e{i}" for i in range(len(a))]
    once = stats.compare_runs(ids, a, ids, b)
    again = stats.compare_runs(ids * repeats, np.tile(a, repeats), ids * repeats, np.tile(b, repeats))
    assert (again.n, again.delta, again.p_value, again.ci_low) == (once.n, once.delta, once.p_value, once.ci_low)
