"""Limits: concurrency, pace, retries, timeouts, the cost cap and the time budget."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.config import Limits
from slipway.errors import CostCapReached, ModelError, UsageError
from slipway.evals.limits import Deadline, Limit, Pace, Purse, backoff_s, is_infrastructure
from slipway.models import ScriptedModel
from slipway.models.scripted import failed, rate_limited


@sw.task(version="1")
async def asks(example, ctx):
    return await ctx.model.chat(text=example.input)


def run(task, store, *, size=20, **more):
    limit = more.pop("limit", Limit())
    data = sw.dataset(capitals(size), name="capitals")
    return sw.evaluate(task, data, store=store, progress=False, limit=limit, **more).only


def shouting(**more):
    return ScriptedModel(lambda request: request.messages[-1].content.upper(), **more)


def test_e9_a_cost_cap_overshoots_by_no_more_than_the_concurrency(store):
    model = shouting(usd_per_1k=(1.0, 1.0), latency_ms=1)  # 4 words a call: $0.004
    found = run(asks, store, size=200, model=model, limit=Limit(usd=0.1, concurrency=8))
    assert found.status == "capped"
    assert found.exit_code == 6
    assert 25 <= model.call_count <= 25 + 8
    assert found.summary["samples"] == model.call_count  # every call that was paid for is kept
    assert "cap" in found.summary["reason"]


def test_after_the_cap_the_same_call_goes_on_without_paying_twice(store):
    model = shouting(usd_per_1k=(1.0, 1.0))
    total = 0
    for _ in range(10):
        found = run(asks, store, size=40, model=model, limit=Limit(usd=0.04, concurrency=1))
        if found.status == "finished":
            break
        total += 1
    assert found.status == "finished"
    assert total == 3  # ten calls each time
    assert model.call_count == 40


def test_the_cap_holds_for_calls_made_by_the_judge_too(store):
    async def by_model(output, judge):
        reply = await judge.chat(text=f"is this good: {output}")
        return reply.text == "GOOD"

    model = shouting(usd_per_1k=(1.0, 1.0))
    judge = ScriptedModel("GOOD", name="judge", usd_per_1k=(1.0, 1.0))
    found = run(asks, store, size=50, model=model, judge=judge, scorers=[by_model], limit=Limit(usd=0.1, concurrency=2))
    assert found.status == "capped"
    # $0.004 for an answer and $0.007 for its judgement
    assert model.call_count * 0.004 + judge.call_count * 0.007 == pytest.approx(0.1, abs=2 * 0.011)
    assert found.summary["session"]["judge_calls"] == judge.call_count


def test_an_unknown_price_and_a_cap_cannot_be_kept_together(store):
    with pytest.raises(UsageError, match="price of scripted is not known"):
        run(asks, store, model=shouting(), limit=Limit(usd=1))


def test_concurrency_is_reached_and_not_exceeded(store):
    together, seen = asyncio.Event(), []

    @sw.task(version="1")
    async def meets(example):
        seen.append(1)
        if sum(seen) == 7:
            together.set()
        await together.wait()  # passes only when seven run at once
        assert sum(seen) <= 7
        seen.append(-1)
        return example.input.upper()

    assert run(meets, store, size=40, limit=Limit(concurrency=7, timeout=None)).summary["ok"] == 40
    model = shouting(latency_ms=5)
    run(asks, store, size=40, model=model, limit=Limit(concurrency=7))
    assert 1 <= model.most_running <= 7


def test_infrastructure_failures_are_tried_again_and_wrong_answers_are_not(store):
    answers = {"e3": [failed(503), rate_limited(retry_after_s=0.001), "WORD 3"], "e4": [failed(503)] * 9}

    def answer(request):
        name = "e" + request.messages[-1].content.split()[1]
        if answers.get(name):
            return answers[name].pop(0)
        return "wrong" if name == "e5" else request.messages[-1].content.upper()

    model = ScriptedModel(answer)
    found = run(asks, store, size=8, model=model, limit=Limit(retries=2, concurrency=4))
    samples = {sample.example_id: sample for sample in found.samples()}
    assert (samples["e3"].status, samples["e3"].attempts) == ("ok", 3)
    assert (samples["e4"].status, samples["e4"].attempts) == ("error", 3)
    assert samples["e4"].error.startswith("infrastructure: ModelError: ")
    assert samples["e5"].attempts == 1
    # What the world did to a sample is no score of the variant.
    assert found.summary["infrastructure_failures"] == 1
    assert found.scores["exact"]["n"] == 7
    assert found.scores["exact"]["estimate"] == pytest.approx(6 / 7)


def test_a_request_that_is_refused_for_good_is_not_tried_again(store):
    model = ScriptedModel(lambda request: ModelError("bad request", status=400))
    found = run(asks, store, size=3, model=model, limit=Limit(retries=5))
    assert model.call_count == 3
    assert found.exit_code == 3


def test_a_retry_does_not_ask_again_for_what_it_has(store):
    flaky = {"left": 1}

    def answer(request):
        if request.messages[-1].content == "second" and flaky["left"]:
            flaky["left"] -= 1
            return failed(500)
        return "fine"

    @sw.task(version="1")
    async def twice(example, ctx):
        await ctx.model.chat(text="first")
        return await ctx.model.chat(text="second")

    model = ScriptedModel(answer)
    found = run(twice, store, size=1, model=model)
    assert [request.messages[-1].content for request in model.calls] == ["first", "second", "second"]
    assert next(found.samples()).attempts == 2


def test_timeouts_are_kept_and_others_go_on(store):
    @sw.task(version="1")
    async def slow(example):
        if example.id == "e2":
            await asyncio.Event().wait()
        return example.input.upper()  # without waiting for anything: no clock runs out on the others

    found = run(slow, store, size=6, limit=Limit(timeout=0.2))
    sample = next(found.samples(status="timeout"))
    assert (sample.example_id, sample.error) == ("e2", "TimeoutError: no answer within 0.2 s")
    assert (found.summary["timeouts"], found.scores["exact"]["estimate"]) == (1, pytest.approx(5 / 6))


def test_a_plain_function_that_hangs_does_not_hold_up_the_run(store):
    let_go = threading.Event()

    class Hangs:
        def __call__(self, example):
            if example.id == "e1":
                let_go.wait()
            return example.input.upper()

    # Seconds, since the others need a thread's turn within them on a machine with much else to do.
    found = run(Hangs(), store, size=6, limit=Limit(timeout=5))
    let_go.set()
    assert found.summary["ok"] == 5
    assert found.summary["timeouts"] == 1


def test_e5_a_time_budget_ends_in_time_and_widens_the_interval(store):
    @sw.task(version="1")
    async def takes_a_while(example):
        await asyncio.sleep(0.125)
        return example.input.upper() if int(example.id[1:]) % 4 else "wrong"

    whole = run(takes_a_while, store, size=200, limit=Limit(concurrency=50), fresh=True)
    part = run(takes_a_while, store, size=200, limit=Limit(concurrency=4, seconds=3), fresh=True)
    assert part.status == "timed_out"
    assert part.exit_code == 0
    few, many = part.scores["exact"], whole.scores["exact"]
    assert few["n"] == part.summary["samples"] == len(list(part.samples()))
    assert 0 < few["n"] <= 4 * 3 / 0.125 + 4  # no more than time and concurrency have room for
    assert few["high"] - few["low"] > 1.3 * (many["high"] - many["low"])
    assert f"timed out after {few['n']} of 200" in str(part)
    is_unbiased(part, 200)


def is_unbiased(part, size, seed=0):
    """What ran is the beginning of an order drawn by the seed, the slow examples with the quick ones: only those that were
    under way when time was up are missing, and they are told."""
    from slipway.evals.engine import random_order

    counted = {int(sample.example_id[1:]) for sample in part.samples()}
    cut_off = part.summary["cut_off"]
    begun = [index for index, _ in random_order(size, 1, seed)][: len(counted) + cut_off]
    assert counted <= set(begun)
    assert len(set(begun) - counted) == cut_off <= 4
    assert counted != set(range(len(counted)))


def test_e5_slow_examples_are_not_left_out_for_being_slow(store):
    """Every fourth example is slow and wrong. Whoever lets the clock cut it off reports a better score the less time there is."""

    @sw.task(version="1")
    async def slow_when_wrong(example):
        wrong = int(example.id[1:]) % 4 == 0
        await asyncio.sleep(0.3 if wrong else 0.05)
        return "wrong" if wrong else example.input.upper()

    for seed in range(2):
        part = run(slow_when_wrong, store, size=200, limit=Limit(concurrency=4, seconds=3), fresh=True, seed=seed)
        assert part.status == "timed_out"
        is_unbiased(part, 200, seed)


@pytest.mark.slow
def test_e5_as_the_row_has_it(store):
    """200 samples of a second, 25 s, and four at a time, which would take 50 s. How long 16 at a time take is measured by
    benchmarks/runner.py."""

    @sw.task(version="1")
    async def a_second(example):
        await asyncio.sleep(1)
        return example.input.upper() if int(example.id[1:]) % 4 else "wrong"

    whole = run(a_second, store, size=200, limit=Limit(concurrency=16), fresh=True)
    started = time.monotonic()
    part = run(a_second, store, size=200, limit=Limit(concurrency=4, seconds=25), fresh=True)
    assert time.monotonic() - started <= 35
    few, many = part.scores["exact"], whole.scores["exact"]
    assert 50 <= few["n"] <= 100
    assert few["high"] - few["low"] > 1.3 * (many["high"] - many["low"])
    is_unbiased(part, 200)


def test_the_order_is_drawn_by_the_seed():
    from slipway.evals.engine import random_order

    first = list(random_order(50, 2, 0))
    assert first == list(random_order(50, 2, 0)) != list(random_order(50, 2, 1))
    assert sorted(first) == sorted((index, repeat) for index in range(50) for repeat in range(2))
    assert {repeat for _, repeat in first[:50]} == {0}  # every example once before any twice


def test_a_deadline_closes_early_enough_for_what_is_started():
    now = [0.0]
    deadline = Deadline(10, clock=lambda: now[0])
    for seconds in [1.0] * 19 + [3.0]:
        deadline.note(seconds)
    now[0] = 8.9
    assert not deadline.closed()
    now[0] = 9.1
    assert deadline.closed()
    assert Deadline(None).left() is None


def test_pace_spaces_calls(store):
    now, slept = [0.0], []

    async def paced():
        pace = Pace(10, clock=lambda: now[0])
        for _ in range(3):
            turn = asyncio.ensure_future(pace.turn())
            await asyncio.sleep(0)
            slept.append(pace._next)
            turn.cancel()

    asyncio.run(paced())
    assert slept == pytest.approx([0.1, 0.2, 0.3])


def test_per_second_holds_for_model_calls(store):
    model = shouting()
    started = time.monotonic()
    run(asks, store, size=12, model=model, limit=Limit(per_second=40))
    assert time.monotonic() - started >= 11 / 40


def test_backoff_has_jitter_and_a_ceiling():
    rng = random.Random(1)
    waits = [backoff_s(attempt, rng) for attempt in range(1, 40)]
    assert all(0 <= wait <= 20 for wait in waits)
    assert len(set(waits)) == len(waits)
    assert backoff_s(1, rng) <= 0.5


def test_a_purse_says_what_was_spent():
    purse = Purse(0.01)
    purse.check()
    purse.pay(0.02, "m")
    with pytest.raises(CostCapReached, match=r"\$0.0200 spent in 1 calls"):
        purse.check()
    free = Purse(None)
    free.pay(None, "m")
    assert not free.empty


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"usd": 0}, {"seconds": -1}, {"retries": -1}, {"timeout": 0}])
def test_limits_that_make_no_sense(wrong):
    with pytest.raises(UsageError):
        Limit(**wrong)


def test_limits_of_a_file():
    made = Limit.of(Limits(concurrency=3, timeout=0), usd=2.0, seconds=None)
    assert (made.concurrency, made.timeout, made.usd, made.seconds) == (3, None, 2.0, None)


def test_what_counts_as_infrastructure():
    assert is_infrastructure(ModelError("x"))
    assert is_infrastructure(ConnectionResetError())
    assert not is_infrastructure(ValueError())
    assert not is_infrastructure(TimeoutError())
