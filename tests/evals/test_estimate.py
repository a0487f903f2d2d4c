"""dry_run: what a run would take, exactly where that can be known, and nothing is asked, written or paid."""

from __future__ import annotations

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import EvalRun, Sample
from slipway.models import ScriptedModel


@sw.task(version="1")
async def asks(example, ctx):
    return await ctx.model.chat(text=example.input)


@sw.task(version="1")
async def asks_twice(example, ctx):
    first = await ctx.model.chat(text=example.input)
    return await ctx.model.chat(text="again: " + first.text)


def evaluate(store, task, model, size=30, **more):
    data = sw.dataset(capitals(size), name="capitals")
    return sw.evaluate(task, data, store=store, model=model, progress=False, **more)


def shouting():
    return ScriptedModel(lambda request: request.messages[-1].content.upper(), usd_per_1k=(1.0, 1.0))


def test_nothing_is_asked_or_written(store):
    model = shouting()
    found = evaluate(store, asks, model, repeats=2, variants={"a": {}, "b": {"x": 1}}, dry_run=True)
    assert model.call_count == 0
    assert store.count(EvalRun) == store.count(Sample) == 0
    assert (found.to_run, found.calls, found.cached) == (120, 120, 0)
    assert found.at_least  # whether the task asks again after an answer is not known yet
    assert found.cost_low is None
    assert "at least 120 model calls" in str(found)
    assert found.to_dict()["variants"][0]["samples"] == 60


def test_recorded_answers_are_counted_exactly(store):
    model = shouting()
    evaluate(store, asks, model, size=20)
    found = evaluate(store, asks, model, size=30, dry_run=True)
    assert (found.to_run, found.calls, found.cached) == (10, 10, 0)
    assert not found.at_least  # it asked once a sample when it last ran
    assert found.variants[0].recorded == 20
    # 4 words at $1 per 1,000 each
    assert found.cost_low <= 10 * 0.004 <= found.cost_high < 10 * 0.008
    ran = evaluate(store, asks, model, size=30)
    assert model.call_count == 30
    assert ran.only.summary["cost_usd"]["paid"] <= found.cost_high + 1e-9
    done = evaluate(store, asks, model, size=30, dry_run=True)
    assert (done.to_run, done.calls, done.cost_high) == (0, 0, 0.0)
    assert "no cost" in str(done)


def test_answers_recorded_for_another_version_of_the_task_are_free(store):
    model = shouting()
    evaluate(store, asks, model)

    @sw.task(version="2", name="asks")
    async def changed(example, ctx):
        return (await ctx.model.chat(text=example.input)).text.lower()

    found = evaluate(store, changed, model, dry_run=True)
    assert (found.to_run, found.calls, found.cached) == (30, 0, 30)


def test_a_task_that_asks_again_is_known_to_once_it_ran(store):
    model = shouting()
    evaluate(store, asks_twice, model, size=10)
    found = evaluate(store, asks_twice, model, size=25, dry_run=True)
    assert found.calls == 30  # 15 samples, two calls each
    evaluate(store, asks_twice, model, size=25)
    assert model.call_count == 20 + 30


def test_declared_calls_make_it_exact_before_anything_ran(store):
    declared = sw.task(version="1", name="asks_twice", calls=2)(asks_twice.function)
    model = shouting()
    found = evaluate(store, declared, model, dry_run=True)
    assert (found.calls, found.at_least) == (60, False)
    assert "60 model calls" in str(found)
    assert "at least" not in str(found)

    # The first answer of ten examples is recorded, by a task that asks it alone.
    evaluate(store, asks, model, size=10)
    found = evaluate(store, declared, model, dry_run=True)
    assert (found.calls, found.cached, found.at_least) == (50, 10, False)
    before = model.call_count
    evaluate(store, declared, model)
    assert model.call_count - before == 50


def test_what_was_seen_counts_more_than_what_is_declared(store):
    wrong = sw.task(version="1", name="asks_twice", calls=1)(asks_twice.function)
    model = shouting()
    evaluate(store, wrong, model, size=10)
    found = evaluate(store, wrong, model, size=25, dry_run=True)
    assert (found.calls, found.at_least) == (30, True)
    with pytest.raises(sw.SlipwayError, match="calls=0"):
        sw.task(calls=0)


def test_the_judge_is_counted(store):
    async def graded(output, judge):
        return (await judge.chat(text=output)).text == "GOOD"

    found = evaluate(store, asks, shouting(), judge=ScriptedModel("GOOD", name="judge"), scorers=[graded], dry_run=True)
    assert found.judge_calls == 30


def test_prices_of_the_model_make_a_range_before_anything_ran(store):
    model = shouting()
    model.prices = {"scripted": (1.0, 10.0)}  # per million tokens
    found = evaluate(store, asks, model, dry_run=True)
    assert 0 < found.cost_low < found.cost_high < 1


def test_a_task_without_a_model_costs_nothing(store):
    def shout(example):
        raise AssertionError("a dry run runs no task that asks no model")

    found = evaluate(store, shout, None, dry_run=True)
    assert (found.to_run, found.calls, found.cost_high) == (30, 0, 0.0)
