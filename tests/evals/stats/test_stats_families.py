"""Families, growing runs, the noise floor, sealed looks, judges, votes, must-pass."""

from __future__ import annotations

import numpy as np
import pytest
import stats_simulations as world

from slipway.errors import DataError, NothingRan, SealedError, UsageError
from slipway.evals import stats
from slipway.evals.stats import sequential


def test_a_family_is_judged_by_holm_and_names_its_best() -> None:
    rng = np.random.default_rng(1)
    base = (rng.random(300) < 0.6).astype(float)
    good = np.where(rng.random(300) < 0.3, 1.0, base)
    fair = np.where(rng.random(300) < 0.12, 1.0, base)
    found = stats.compare_many({"good": (base, good), "fair": (base, fair), "same": (base, base.copy())})
    assert found.best == "good"
    assert found["same"].verdict == "cannot_tell"
    assert found["good"].family == 3
    assert found["good"].ci_low > 0
    alone = stats.compare_paired(base, good)
    assert found["good"].ci_high - found["good"].ci_low > alone.ci_high - alone.ci_low


def test_metrics_of_a_family_may_point_both_ways() -> None:
    latency = np.random.default_rng(1).gamma(5, 20, 60)
    found = stats.compare_many(
        {"right": (np.zeros(60), np.ones(60)), "latency_ms": (latency, latency * 0.7)},
        higher_is_better={"latency_ms": False},
    )
    assert {name: item.verdict for name, item in found.results.items()} == {"right": "better", "latency_ms": "better"}


def test_an_empty_family_is_an_error() -> None:
    with pytest.raises(NothingRan):
        stats.compare_many({})


def test_simultaneous_intervals_hold_together() -> None:
    rng = np.random.default_rng(3)
    sims, all_held = 150, 0
    for _ in range(sims):
        base = (rng.random(100) < 0.7).astype(float)
        pairs = {str(i): (base, (rng.random(100) < 0.7).astype(float)) for i in range(5)}
        found = stats.compare_many(pairs)
        all_held += all(item.ci_low <= 0 <= item.ci_high for item in found.results.values())
    assert all_held / sims >= world.least(0.95, sims)


def test_looks_at_a_growing_run() -> None:
    rng = np.random.default_rng(5)
    a, b = world.pair(rng, 3000, 0.70, 0.78, 0.6)
    verdicts = [stats.compare_anytime(a[:n], b[:n]).verdict for n in range(50, 3001, 50)]
    assert verdicts[0] == "cannot_tell"
    assert verdicts[-1] == "better"
    last = stats.compare_anytime(a, b)
    assert last.e_value is not None
    assert last.e_value > 20
    assert last.ci_low > 0
    fixed = stats.compare_paired(a, b)
    assert last.ci_high - last.ci_low > fixed.ci_high - fixed.ci_low


def test_a_growing_run_of_real_values() -> None:
    rng = np.random.default_rng(5)
    a = rng.random(2000)
    b = a + rng.normal(0.02, 0.2, 2000)
    assert stats.compare_anytime(a[:20], b[:20]).verdict == "cannot_tell"
    assert stats.compare_anytime(a, b).verdict == "better"
    assert stats.compare_anytime(a, a).p_value == 1.0
    grouped = stats.compare_anytime(a, b, clusters=np.arange(2000) // 4)
    assert grouped.n_clusters == 500


def test_the_confidence_sequence_holds_at_every_look() -> None:
    rng = np.random.default_rng(6)
    sims, missed = 60, 0
    for _ in range(sims):
        u = rng.random(1500)
        d = np.where(u < 0.09, 1, np.where(u < 0.14, -1, 0))
        for n in range(100, 1501, 200):
            found = stats.compare_anytime((d[:n] < 0).astype(float), (d[:n] > 0).astype(float))
            if not found.ci_low <= 0.04 <= found.ci_high:
                missed += 1
                break
    assert missed / sims <= world.most(0.05, sims)


def test_the_simulated_e_process_is_the_one_of_the_comparison() -> None:
    a, b = world.pair(np.random.default_rng(8), 500, 0.7, 0.75, 0.5)
    found = stats.compare_anytime(a, b)
    wins, losses = int((b > a).sum()), int((b < a).sum())
    assert found.e_value == pytest.approx(float(np.exp(sequential.log_e_discordant(wins, losses))))
    assert found.p_value == pytest.approx(min(1.0, 1 / (found.e_value * sequential.TEST_PART)))


def test_the_noise_floor_is_what_two_equal_runs_show() -> None:
    rng = np.random.default_rng(9)
    chance = rng.beta(4, 1.5, 300)
    repeats = (rng.random((300, 5)) < chance[:, None]).astype(float)
    floor = stats.noise_floor(repeats)
    runs = (rng.random((2, 2000, 300)) < chance).mean(axis=2)
    beyond = float((np.abs(runs[0] - runs[1]) > floor.delta_noise).mean())
    assert beyond == pytest.approx(0.05, abs=0.025)
    assert floor.flip_rate == pytest.approx(float((2 * chance * (1 - chance)).mean()), abs=0.04)
    assert floor.flip_low < floor.flip_rate < floor.flip_high
    assert 0 < floor.icc < 1


def test_a_variant_that_never_flipped_has_a_floor_all_the_same() -> None:
    floor = stats.noise_floor(np.ones((50, 2)))
    assert floor.flip_rate == 0
    assert 0 < floor.flip_high < 0.1
    assert floor.delta_noise > 0
    ragged = stats.noise_floor([[1, 0, 1], [1], [0, 0]])
    assert (ragged.n, ragged.repeats) == (3, 2.0)
    with pytest.raises(DataError, match="repeat"):
        stats.noise_floor([[1], [0]])


def test_s7_a_sealed_suite_locks_after_its_budget() -> None:
    scores = np.array([1.0] * 15 + [0.0] * 5)
    look = stats.take_look(scores, None, looks_used=0, budget=2)
    assert (look.better, look.shown, look.looks_left, look.locked) == (True, 0.75, 1, False)
    look = stats.take_look(scores, scores, looks_used=1, budget=2, shown=look.shown)
    assert (look.better, look.shown, look.locked) == (False, 0.75, True)
    with pytest.raises(SealedError, match="spent"):
        stats.take_look(scores, scores, looks_used=2, budget=2, shown=0.75)


def test_s7_a_look_tells_nothing_but_a_real_gain() -> None:
    rng = np.random.default_rng(2)
    best = (rng.random(500) < 0.75).astype(float)
    slightly = best.copy()
    slightly[np.flatnonzero(best == 0)[:7]] = 1
    look = stats.take_look(slightly, best, looks_used=5, budget=200, shown=0.75)
    assert (look.better, look.shown) == (False, 0.75)
    much = best.copy()
    much[np.flatnonzero(best == 0)[:40]] = 1
    look = stats.take_look(much, best, looks_used=5, budget=200, shown=0.75)
    assert look.better
    assert look.shown == round(float(much.mean()), 2)
    told = set(look.to_dict())
    assert not told & {"delta", "p_value", "discordant", "ci_low"}


def test_s7_real_values_and_misuse() -> None:
    rng = np.random.default_rng(2)
    best = rng.random(300)
    look = stats.take_look(best + 0.2 + rng.normal(0, 0.1, 300), best, looks_used=1, budget=10, shown=0.5)
    assert look.better
    assert "t" in look.method
    clustered = stats.take_look(best, best, looks_used=1, budget=10, shown=0.5, clusters=np.arange(300) // 10)
    assert not clustered.better
    with pytest.raises(DataError):
        stats.take_look(best[:5], best, looks_used=1, budget=10, shown=0.5)
    with pytest.raises(UsageError, match="shown"):
        stats.take_look(best, best, looks_used=1, budget=10)
    with pytest.raises(UsageError):
        stats.take_look(best, best, looks_used=1, budget=0)


def test_s8_a_judge_is_not_corrected_by_fewer_than_100_labels() -> None:
    with pytest.raises(DataError, match="label 1 more"):
        stats.corrected_mean([1, 0, 1] * 33, [1, 0, 1] * 33, [1, 0] * 500)
    with pytest.raises(DataError, match="judged"):
        stats.corrected_mean([1, 0] * 100, [1, 0] * 99, [1, 0] * 500)


def test_s8_a_judge_that_is_always_right_narrows_the_interval() -> None:
    labels = np.tile([1.0, 1.0, 1.0, 0.0], 50)
    found = stats.corrected_mean(labels, labels, np.tile([1.0, 1.0, 1.0, 0.0], 500))
    assert found.high - found.low < 0.5 * (found.labels_alone.high - found.labels_alone.low)
    assert found.estimate == pytest.approx(0.75)
    useless = stats.corrected_mean(labels, np.ones(200), np.ones(2000))
    assert useless.weight == 0
    real = stats.corrected_mean(labels * 3 + 1, labels * 3 + 2, np.tile([5.0, 5.0, 5.0, 2.0], 500))
    assert real.low < real.estimate < real.high


def test_votes_make_a_ranking_with_ties_as_half() -> None:
    votes = [("a", "b", "left")] * 30 + [("a", "b", "right")] * 10 + [("b", "c", "tie")] * 40
    found = stats.bradley_terry(votes)
    assert found.order[0] == "a"
    assert found.strength["b"] == pytest.approx(found.strength["c"], abs=1e-4)
    assert found.low["a"] < found.strength["a"] < found.high["a"]
    undefeated = stats.bradley_terry([("a", "b", "left")] * 5)
    assert undefeated.order == ("a", "b")
    assert undefeated.low["a"] < 0
    with pytest.raises(DataError):
        stats.bradley_terry([("a", "b", "draw")])
    with pytest.raises(NothingRan):
        stats.bradley_terry([])


def test_agreement_edges() -> None:
    assert stats.cohen_kappa(["y", "n"] * 10, ["y", "n"] * 10).kappa == pytest.approx(1.0)
    assert stats.cohen_kappa(["y"] * 5, ["y"] * 5).low == -1
    assert stats.fleiss_kappa([["y", "y"]] * 4).observed == 1.0
    with pytest.raises(DataError):
        stats.cohen_kappa(["y"], ["y", "n"])
    with pytest.raises(DataError):
        stats.fleiss_kappa([["y", "y"], ["n"]])


def test_s11_one_failure_is_red() -> None:
    found = stats.must_pass({"a": [True], "b": [False], "c": [True, True]})
    assert (found.status, found.failed, found.needs_rerun, found.passed) == ("red", ("b",), ("b",), False)
    assert stats.must_pass({"a": [True], "c": [True, True]}).passed
    assert stats.must_pass({"a": []}).status == "red"
    assert stats.must_pass({"a": [True, False, True]}).status == "red"


def test_s11_reruns_may_call_it_flaky_but_never_green() -> None:
    outcomes = {"a": [True], "b": [False]}
    found = stats.must_pass(outcomes, reruns={"b": [True] * 3})
    assert (found.status, found.flaky, found.failed, found.passed) == ("flaky", ("b",), (), False)
    assert stats.must_pass(outcomes, reruns={"b": [True] * 2}).status == "red"
    again = stats.must_pass(outcomes, reruns={"b": [True, True, False, True]})
    assert (again.status, again.needs_rerun) == ("red", ())
    for count in range(1, 6):
        assert not stats.must_pass(outcomes, reruns={"b": [True] * 50}, confirmations=count).passed
    with pytest.raises(UsageError):
        stats.must_pass(outcomes, confirmations=0)
    with pytest.raises(NothingRan):
        stats.must_pass({})
