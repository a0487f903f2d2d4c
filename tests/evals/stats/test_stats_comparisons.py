"""Verdicts, margins, matching, bad input: what a caller relies on."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import stats_simulations as world

from slipway.errors import DataError, NothingRan, UsageError
from slipway.evals import stats

rng = np.random.default_rng(11)
BIG_A, BIG_B = world.pair(rng, 4000, 0.80, 0.79, 0.8)


def test_verdicts_name_b_against_a() -> None:
    a, b = np.zeros(40), np.r_[np.ones(20), np.zeros(20)]
    assert stats.compare_paired(a, b).verdict == "better"
    assert stats.compare_paired(b, a).verdict == "worse"
    assert stats.compare_paired(a, b, higher_is_better=False).verdict == "worse"
    assert stats.compare_paired(a, a).verdict == "cannot_tell"


def test_not_worse_needs_a_margin_and_enough_examples() -> None:
    assert stats.compare_paired(BIG_A, BIG_B).verdict in ("cannot_tell", "worse")
    found = stats.compare_paired(BIG_A, BIG_B, margin=0.04)
    assert found.verdict == "not_worse"
    assert found.p_not_worse is not None
    assert found.p_not_worse <= 0.025
    assert found.equivalent
    few = stats.compare_paired(BIG_A[:100], BIG_B[:100], margin=0.04)
    assert few.verdict == "cannot_tell"
    assert few.needed_n_margin is None or few.needed_n_margin > 100


def test_a_small_loss_within_the_margin_is_not_worse() -> None:
    a = np.ones(10000)
    b = a.copy()
    b[:50] = 0
    assert stats.compare_paired(a, b).verdict == "worse"
    assert stats.compare_paired(a, b, margin=0.02).verdict == "not_worse"
    assert stats.compare_paired(a, b, margin=0.002).verdict == "worse"


def test_the_margin_is_rarely_granted_when_the_loss_is_the_margin() -> None:
    """Non-inferiority at half of alpha: a true loss of exactly the margin passes in at most 2.5 % of runs."""
    from slipway.evals.stats.mcnemar import paired_interval

    sims = 4000
    drawn = np.random.default_rng(5).multinomial(400, [0.05, 0.1, 0.85], size=sims)
    low, _ = paired_interval(drawn[:, 0], drawn[:, 1], np.full(sims, 400))
    assert float((low > -0.05).mean()) <= world.most(0.025, sims)


def test_latency_is_better_when_lower() -> None:
    latency = np.random.default_rng(1).gamma(5, 20, 60)
    found = stats.compare_paired(latency, latency * 0.8, higher_is_better=False)
    assert (found.verdict, found.delta < 0, found.discordant) == ("better", True, None)


def test_clusters_widen_what_is_clustered() -> None:
    a, b, labels = world.clustered_pair(np.random.default_rng(3), 30, 20)
    alone, together = stats.compare_paired(a, b), stats.compare_paired(a, b, clusters=labels)
    assert together.n_clusters == 30
    assert together.ci_high - together.ci_low > alone.ci_high - alone.ci_low
    assert "clustered" in together.method


def test_one_cluster_tells_nothing() -> None:
    found = stats.compare_paired([0, 0, 0, 0], [1, 1, 1, 0], clusters=["x"] * 4)
    assert (found.verdict, found.p_value, found.ci_low, found.ci_high) == ("cannot_tell", 1.0, -1.0, 1.0)
    assert stats.interval([1, 0, 1], clusters=["x"] * 3).to_dict()["low"] == 0.0


def test_clusters_that_agree_exactly_still_leave_doubt() -> None:
    a, b = np.tile([0.0, 0.0], 10), np.tile([1.0, 0.0], 10)
    found = stats.compare_paired(a, b, clusters=np.repeat(np.arange(10), 2))
    assert found.ci_low < 0.5 < found.ci_high


def test_equal_scores_everywhere() -> None:
    same = stats.compare_paired([0.25] * 30, [0.25] * 30)
    assert (same.verdict, same.delta, same.needed_n) == ("cannot_tell", 0.0, None)
    assert same.ci_low < 0 < same.ci_high
    identical = stats.compare_paired([1] * 30, [1] * 30)
    assert (identical.verdict, identical.discordant, identical.needed_n, identical.power) == (
        "cannot_tell",
        0,
        None,
        None,
    )
    assert identical.ci_high - identical.ci_low > 0.2
    shifted = stats.compare_paired([2.0] * 30, [3.0] * 30)
    assert shifted.verdict == "better"
    assert stats.compare_paired([2.0] * 4, [3.0] * 4).verdict == "cannot_tell"


def test_rounding_is_not_evidence() -> None:
    """0.1 added to each score gives differences that are equal but for the last bit."""
    a = np.array([1.1, 2.3, 4.7, 1e6])
    found = stats.compare_paired(a, a + 0.1)
    assert found.verdict == "cannot_tell"
    assert stats.interval([0.1 + 0.2, 0.3, 0.3]).low < 0.29
    cancelled = stats.compare_paired([0, 0, 0, 0, 1, 1], [1 / 3, 0, 1, 0, 2 / 3, 0], clusters=[0, 0, 1, 0, 0, 1])
    assert cancelled.p_value > 0.3


def test_a_single_pair() -> None:
    assert stats.compare_paired([0], [1]).verdict == "cannot_tell"
    assert stats.compare_paired([0.2], [0.9]).verdict == "cannot_tell"
    assert stats.interval([1]).low < 0.05
    assert stats.interval([3.5]).to_dict()["high"] is None


def test_rows_are_matched_by_example() -> None:
    found = stats.pair_by_example(
        ["c", "a", "a", "b", "x"],
        [1, 0, 1, None, 1],
        ["a", "b", "c", "y"],
        [1, 1, float("nan"), 0],
        clusters_a=list("ttttt"),
    )
    assert (found.ids.tolist(), found.a.tolist(), found.b.tolist()) == (["a"], [0.5], [1.0])
    assert (found.only_a, found.only_b, found.unscored_a, found.unscored_b, found.repeats) == (2, 2, 1, 1, 2)
    assert found.clusters.tolist() == ["t"]
    assert found.to_dict()["n"] == 1


def test_what_was_left_out_is_said() -> None:
    found = stats.compare_runs(["a", "b", "c", "d"], [1, 0, 1, None], ["b", "c", "d", "e"], [1, 1, 1, 1])
    assert found.n == 2
    assert any("1 only in A, 2 only in B" in note for note in found.notes)
    assert any("without a score" in note for note in found.notes)


def test_runs_without_a_score_are_an_error() -> None:
    with pytest.raises(NothingRan, match="run B"):
        stats.compare_runs(["a"], [1], ["b"], [None])


def test_shares_of_0_and_1_unpaired() -> None:
    none, all_ = np.zeros(30), np.ones(30)
    assert stats.compare_unpaired(none, all_).verdict == "better"
    assert stats.compare_unpaired(none, none).p_value == 1.0
    found = stats.compare_unpaired(none[:5], all_[:3], margin=0.1)
    assert found.ci_low <= found.delta <= found.ci_high


def test_unpaired_clusters_and_means() -> None:
    a, b, labels = world.clustered_pair(np.random.default_rng(9), 20, 10)
    found = stats.compare_unpaired(a, b, clusters_a=labels, clusters_b=labels)
    assert "clustered" in found.method
    assert found.n_clusters == 20
    assert stats.compare_unpaired([1.5] * 3, [1.5] * 3).verdict == "cannot_tell"


def test_unpaired_level() -> None:
    drawn = np.random.default_rng(4)
    wrong = [stats.compare_unpaired(drawn.random(60) < 0.7, drawn.random(60) < 0.7).p_value <= 0.05 for _ in range(150)]
    assert np.mean(wrong) <= world.most(0.05, 150)


def test_bootstrap_and_permutation_for_a_few_skewed_values() -> None:
    values = np.random.default_rng(2).lognormal(0, 1.5, 25)
    t, boot = stats.interval(values), stats.interval(values, method="bootstrap")
    assert boot.high - boot.estimate > boot.estimate - boot.low
    assert boot.low > t.low
    clustered = stats.interval(values, clusters=np.arange(25) // 2, method="bootstrap")
    assert clustered.low < clustered.estimate < clustered.high
    found = stats.compare_paired(
        np.zeros(40), np.random.default_rng(2).normal(0.5, 1, 40), method="permutation", margin=0.1
    )
    by_t = stats.compare_paired(np.zeros(40), np.random.default_rng(2).normal(0.5, 1, 40))
    assert found.p_value == pytest.approx(by_t.p_value, abs=0.02)


def test_a_part_of_a_suite_has_a_wider_interval() -> None:
    """A time budget that stopped early leaves a random part: unbiased, and honestly wider."""
    drawn = np.random.default_rng(8)
    whole = (drawn.random(400) < 0.8).astype(float)
    held = 0
    for _ in range(300):
        part = stats.interval(drawn.permutation(whole)[:100])
        held += part.low <= whole.mean() <= part.high
        assert part.high - part.low > stats.interval(whole).high - stats.interval(whole).low
    assert held / 300 >= 0.95


def test_records_become_json() -> None:
    found = stats.compare_many({"x": (BIG_A[:50], BIG_B[:50]), "y": (BIG_A[50:99], BIG_B[50:99])})
    back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(back["results"]) == {"x", "y"}
    needed = {"verdict", "delta", "ci_low", "ci_high", "p_value", "method", "n", "mde", "needed_n"}
    assert needed <= set(back["results"]["x"])
    assert json.loads(json.dumps(stats.percentile([1, 2, 3]).to_dict(), allow_nan=False))["high"] is None


@pytest.mark.parametrize("bad", [[], [1, float("nan")], [1, float("inf")], ["a", "b"], [[1, 2], [3, 4]], [1, None]])
def test_scores_that_are_none_are_refused(bad: list[object]) -> None:
    with pytest.raises(DataError):
        stats.interval(bad)  # type: ignore[arg-type]


def test_misuse_says_what_to_do() -> None:
    with pytest.raises(DataError, match="pair_by_example"):
        stats.compare_paired([1, 0], [1])
    with pytest.raises(UsageError, match=r"0\.95"):
        stats.interval([1, 0], confidence=95)
    with pytest.raises(UsageError, match="margin"):
        stats.compare_paired([1, 0], [1, 1], margin=-0.1)
    with pytest.raises(UsageError, match="0/1"):
        stats.compare_paired([0.5, 0], [1, 1], method="mcnemar")
    with pytest.raises(UsageError, match="there is"):
        stats.compare_paired([1, 0], [1, 1], method="z")
    with pytest.raises(UsageError, match="discordant"):
        stats.needed_pairs(0.2, 0.1)
    with pytest.raises(DataError, match="labels"):
        stats.interval([1, 0], clusters=["a"])


def test_two_runs_of_100000_are_compared_at_once() -> None:
    import time

    drawn = np.random.default_rng(1)
    a = (drawn.random(100_000) < 0.75).astype(float)
    b = np.where(drawn.random(100_000) < 0.9, a, drawn.random(100_000) < 0.8).astype(float)
    ids = [f"example-{i}" for i in range(100_000)]
    stats.compare_paired(a[:10], b[:10])
    started = time.process_time()
    found = stats.compare_runs(ids, a.tolist(), ids, b.tolist())
    spent = time.process_time() - started
    assert (found.n, found.verdict) == (100_000, "better")
    assert spent < 3


def test_importing_the_statistics_is_cheap_and_an_interval_needs_no_statsmodels() -> None:
    code = (
        "import sys, slipway.evals.stats as s; assert not {'scipy', 'statsmodels', 'pandas'} & set(sys.modules), 'import'; "
        "s.interval([1, 0, 1]); s.compare_paired([1, 0, 1], [1, 1, 1]); s.percentile([1.0, 2.0]); "
        "assert not {'scipy.stats', 'statsmodels', 'pandas'} & set(sys.modules), 'call'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
