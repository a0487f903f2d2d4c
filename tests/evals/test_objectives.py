"""Objectives: targets with intervals, the value of a call, and whether it pays."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from slipway.config import Objectives
from slipway.data import Sample, Score
from slipway.evals.columns import FIELDS, Columns, gather
from slipway.evals.objectives import Assessment, assess, objectives_set
from slipway.evals.summary import summarise


def made(right, latency_ms=100.0, cost_usd=0.001, repeats=1, error=""):
    """Columns of calls: ``right`` is a list of 0/1 (None: the world failed)."""
    size = len(right)
    latencies = [latency_ms] * size if isinstance(latency_ms, float) else latency_ms
    costs = [cost_usd] * size if cost_usd is None or isinstance(cost_usd, float) else cost_usd
    samples = [
        Sample(
            run_id="r",
            example_id=f"e{n // repeats}",
            repeat=n % repeats,
            status="error" if value is None else "ok",
            error="infrastructure: down" if value is None else None,
            scores=() if value is None else (Score("exact", float(value)),),
            latency_ms=latencies[n],
            cost_usd=costs[n],
        )
        for n, value in enumerate(right)
    ]
    return gather([getattr(sample, name) for name in FIELDS] for sample in samples)


def judged(objectives: Objectives, columns: Columns, **more) -> Assessment:
    return assess(objectives, summarise(columns), columns, **more)


SHARE_75 = [1, 1, 1, 0] * 100


def test_a_target_is_met_missed_or_cannot_be_told_by_the_whole_interval():
    columns = made(SHARE_75)
    statuses = {}
    for wanted in (0.6, 0.74, 0.9):
        (target,) = judged(Objectives(accuracy=wanted), columns).targets
        statuses[wanted] = target.status
        assert target.distance == pytest.approx(0.75 - wanted)
        assert target.low < target.distance < target.high
    assert statuses == {0.6: "met", 0.74: "cannot_tell", 0.9: "missed"}


def test_what_cannot_be_told_says_how_many_examples_would_tell():
    (target,) = judged(Objectives(accuracy=0.7), made(SHARE_75[:100])).targets
    assert target.status == "cannot_tell"
    enough = SHARE_75 * math.ceil(target.needed_n / 400 * 1.1)
    assert judged(Objectives(accuracy=0.7), made(enough)).shippable == "met"
    assert judged(Objectives(accuracy=0.7), made(SHARE_75[: int(target.needed_n * 0.7)])).shippable == "cannot_tell"


def test_latency_and_cost_are_better_below():
    rng = np.random.default_rng(1)
    columns = made(SHARE_75, list(rng.normal(300, 20, 400)), [float(c) for c in rng.normal(0.002, 0.0004, 400)])
    judgement = judged(Objectives(p95_latency_ms=300, cost_per_call_usd=0.003), columns)
    latency, cost = judgement.targets
    assert (latency.status, cost.status, judgement.shippable) == ("missed", "met", "missed")
    assert latency.distance < 0 < cost.distance
    assert "target 300 ms: missed by 27.9 ms" in judgement.line()


def test_the_value_of_a_call_is_what_each_call_came_to():
    rng = np.random.default_rng(2)
    right = [int(v) for v in rng.random(500) < 0.8]
    latency = [float(v) for v in rng.gamma(4, 200, 500)]
    cost = [float(v) for v in rng.random(500) / 100]
    wants = Objectives(right_earns_usd=0.05, wrong_costs_usd=0.1, second_costs_usd=0.01, calls_per_day=1000)
    judgement = judged(wants, made(right, latency, cost))
    by_hand = [0.05 * r - 0.1 * (1 - r) - 0.01 * t / 1000 - c for r, t, c in zip(right, latency, cost, strict=True)]
    assert judgement.value.estimate == pytest.approx(np.mean(by_hand))
    half = 1.965 * np.std(by_hand, ddof=1) / np.sqrt(500)
    assert judgement.value.half_width == pytest.approx(half, rel=0.02)
    assert judgement.per_day.low == pytest.approx(1000 * judgement.value.low)
    # At the break-even accuracy the same calls are worth nothing.
    even = judgement.break_even.estimate
    assert 0.05 * even - 0.1 * (1 - even) - 0.01 * np.mean(latency) / 1000 - np.mean(cost) == pytest.approx(0)


def test_slow_calls_that_are_the_wrong_ones_widen_the_interval():
    wants = Objectives(right_earns_usd=1, wrong_costs_usd=0, second_costs_usd=1)
    right = [1, 0] * 200
    together = judged(wants, made(right, [100.0, 900.0] * 200))
    apart = judged(wants, made(right, [100.0, 100.0, 900.0, 900.0] * 100))
    assert together.value.estimate == pytest.approx(apart.value.estimate)
    assert together.value.half_width > 1.3 * apart.value.half_width


def test_it_pays_only_when_the_whole_interval_is_above_nothing():
    columns = made(SHARE_75[:200], cost_usd=0.0)
    for wrong, pays, word in ((1.0, "yes", "pays: "), (3.0, "cannot_tell", "cannot tell"), (6.0, "no", "does not pay")):
        judgement = judged(Objectives(right_earns_usd=1.0, wrong_costs_usd=wrong), columns)
        assert judgement.pays == pays
        assert word in judgement.line()
        assert judgement.break_even.estimate == pytest.approx(wrong / (1 + wrong))


def test_no_wrong_call_seen_is_not_no_wrong_call():
    # 60 right of 60; one wrong call costs what 100 right ones earn.
    judgement = judged(Objectives(right_earns_usd=1.0, wrong_costs_usd=100.0), made([1] * 60, cost_usd=0.0))
    assert judgement.value.estimate == pytest.approx(1.0)
    assert judgement.value.low < 0
    assert judgement.pays == "cannot_tell"


def test_no_accuracy_pays_when_the_model_costs_more_than_an_answer_earns():
    judgement = judged(Objectives(right_earns_usd=0.01), made(SHARE_75, cost_usd=0.02))
    assert judgement.break_even.estimate == pytest.approx(2.0)
    assert "no accuracy would pay" in judgement.line()


def test_repeats_of_one_example_are_one_example():
    wants = Objectives(right_earns_usd=1.0, wrong_costs_usd=1.0)
    once = judged(wants, made(SHARE_75[:100]))
    five = judged(wants, made([value for value in SHARE_75[:100] for _ in range(5)], repeats=5))
    assert five.value.half_width == pytest.approx(once.value.half_width, rel=0.1)
    assert five.value.n_clusters == 100


def test_a_price_that_is_not_known_is_not_free():
    costs = [None if n % 2 else 0.001 for n in range(400)]
    wants = Objectives(cost_per_call_usd=0.01, right_earns_usd=1.0)
    judgement = judged(wants, made(SHARE_75, cost_usd=costs))
    assert judgement.targets[0].status == "cannot_tell"
    assert "200 calls is not known" in judgement.targets[0].note
    assert any("not known" in note for note in judgement.notes)
    unknown = judged(wants, made(SHARE_75, cost_usd=None), model="openai/x")
    assert unknown.targets[0].status == "cannot_tell"
    free = judged(wants, made(SHARE_75, cost_usd=None), model="")
    assert (free.targets[0].status, free.notes) == ("met", ())


def test_calls_that_the_world_lost_are_in_no_number():
    wants = Objectives(metric="exact", accuracy=0.5, right_earns_usd=1.0)
    some = judged(wants, made([1, 1, 1, 0, None] * 40))
    assert some.value.n == 160
    assert some.value.estimate == pytest.approx(0.75 - 0.001)
    lost = judged(wants, made([None] * 20))
    assert (lost.shippable, lost.value) == ("cannot_tell", None)
    assert lost.notes == ("no score 'exact' on single calls, so no value of a call",)


def test_a_score_beyond_0_to_1_has_no_value_in_money():
    columns = made([1, 0, 3, 2])
    judgement = judged(Objectives(right_earns_usd=1.0), columns)
    assert judgement.value is None
    assert "beyond 0 to 1" in judgement.notes[0]


def test_json_and_back():
    columns = made(SHARE_75[:12])  # the 95th percentile of twelve has no upper end
    wants = Objectives(accuracy=0.9, p95_latency_ms=150, right_earns_usd=0.1, calls_per_day=10)
    judgement = judged(wants, columns)
    raw = json.loads(json.dumps(judgement.to_dict(), allow_nan=False))
    assert Assessment.of(raw) == judgement
    assert judgement.targets[1].status == "cannot_tell"
    assert Assessment.of(raw).line() == judgement.line()


def test_nothing_asked_nothing_said():
    assert not objectives_set(Objectives())
    assert not objectives_set(Objectives(second_costs_usd=1.0, calls_per_day=5))
    assert objectives_set(Objectives(accuracy=0.9))
    judgement = judged(Objectives(), made(SHARE_75))
    assert (judgement.shippable, judgement.value, judgement.line()) == ("", None, "no objective is set")


def test_the_texts_a_person_reads():
    wants = Objectives(
        accuracy=0.9, p95_latency_ms=500, right_earns_usd=0.05, wrong_costs_usd=0.02, calls_per_day=100_000
    )
    judgement = judged(wants, made(SHARE_75, cost_usd=0.001))
    line = judgement.line()
    assert line.startswith("not shippable: exact 0.750 [0.705, 0.790], target 0.9: missed by 0.15; pays: ")
    assert "; pays: $0.0315 [$0.02" in line
    assert "$3,150 [" in line
    table = judgement.table().splitlines()
    assert table[0] == "not shippable, exact missed"
    assert any(row.startswith("  p95 latency 100.00 [100.00, 100.00] ms, target 500 ms: met") for row in table)
    assert not [row for row in table if len(row) > 80 and not row.startswith("  pays")]


def test_small_money_is_said_for_a_thousand_calls():
    wants = Objectives(right_earns_usd=0.001, wrong_costs_usd=0.01)
    said = judged(wants, made([1] * 91 + [0] * 9, cost_usd=0.0)).table()
    assert said.startswith("cannot tell if it pays: $0.01 [-$")
    assert "] for 1,000 calls; breaks even at exact 0.909" in said
    assert "e-0" not in said


def test_with_repeats_it_is_examples_that_would_tell():
    wants = Objectives(accuracy=0.7)
    once = judged(wants, made(SHARE_75[:100])).targets[0]
    five = judged(wants, made([value for value in SHARE_75[:100] for _ in range(5)], repeats=5)).targets[0]
    assert five.needed_n == pytest.approx(once.needed_n, rel=0.2)
