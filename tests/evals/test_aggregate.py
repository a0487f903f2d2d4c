"""Scores over all repeats of an example, and how far two runs of the same fall apart."""

from __future__ import annotations

from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import Sample
from slipway.evals.columns import ALL_REPEATS


@sw.task(version="1")
async def wavers(example, ctx):
    """Says something else each time on every second example."""
    number = int(example.id[1:])
    return f"{example.input} {ctx.repeat}" if number % 2 else example.input.upper()


def evaluate(store, **more):
    data = sw.dataset(capitals(10), name="capitals", slices=["parity"])
    return sw.evaluate(wavers, data, store=store, progress=False, scorers=["exact", "consistency"], **more).only


def test_consistency_is_one_score_for_each_example(store):
    found = evaluate(store, repeats=3)
    score = found.scores["consistency"]
    assert (score["estimate"], score["n"]) == (0.5, 10)
    assert found.scores["exact"]["n"] == 30
    assert found.summary["samples"] == 30
    kept = store.get(Sample, found.id, "e1", ALL_REPEATS)
    assert [(score.name, score.value) for score in kept.scores] == [("consistency", 0.0)]
    again = evaluate(store, repeats=3)
    assert again.scores == found.scores
    assert sw.compare(found, again, metric="consistency").n == 10


def test_repeats_give_a_noise_floor(store):
    noise = evaluate(store, repeats=3).summary["noise"]["exact"]
    assert noise["flip_rate"] == 0
    assert noise["n"] == 10
    assert "noise" not in evaluate(store).summary


def test_without_repeats_there_is_nothing_to_be_consistent_with(store):
    score = evaluate(store).scores["consistency"]
    assert score["n"] == 0
    assert score["estimate"] is None
