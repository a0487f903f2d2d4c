"""evaluate: an experiment from end to end, into a real store."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import DatasetVersion, EvalRun, Sample, Variant
from slipway.errors import ConfigError, NotFound, NothingRan, UsageError
from slipway.evals.experiment import DEFAULT_VARIANT


@sw.task
def shout(example):
    return example.input.upper()


@sw.task
async def shout_unless_five(example, ctx):
    if example.id == "e5":
        raise ValueError("no fives")
    return example.input.upper() + ctx.config.get("suffix", "")


def run(task, rows, store, **more):
    more.setdefault("progress", False)
    return sw.evaluate(task, sw.dataset(rows, name="capitals", slices=["parity"]), store=store, **more)


def test_every_sample_run_and_variant_is_in_the_store(store):
    runs = run(shout, capitals(20), store)
    record = store.get(EvalRun, runs.only.id)
    assert record.status == "finished"
    assert (record.planned, record.variant, record.task) == (20, DEFAULT_VARIANT, "shout")
    assert record.summary["scores"]["exact"]["estimate"] == 1.0
    assert record.summary["scores"]["exact"]["low"] < 1.0  # 20 right answers do not prove 100 %
    assert store.get(Variant, record.variant_id).task == "shout"
    assert store.get(DatasetVersion, record.dataset_id, record.project).size == 20
    samples = list(store.find(Sample, {"run_id": record.id}))
    assert {sample.example_id for sample in samples} == {f"e{n}" for n in range(20)}
    assert all(sample.scores[0].value == 1.0 and sample.output.startswith("WORD") for sample in samples)
    assert all(sample.slices["parity"] in ("odd", "even") and sample.finished_ns for sample in samples)


def test_a_failing_sample_is_kept_and_counts_as_wrong(store):
    found = run(shout_unless_five, capitals(10), store).only
    sample = store.get(Sample, found.id, "e5", 0)
    assert sample.status == "error"
    assert sample.error.startswith("ValueError: no fives (test_run.py:")
    assert sample.attempts == 1  # an error of the task is not tried again
    assert found.summary["failed"] == 1
    assert found.scores["exact"]["estimate"] == 0.9
    assert found.scores["exact"]["n"] == 10
    assert found.exit_code == 0


def test_when_every_sample_fails_the_run_failed(store):
    def broken(example):
        raise RuntimeError("always")

    found = run(broken, capitals(5), store)
    assert found.only.status == "failed"
    assert found.exit_code == 3
    assert len(list(found.only.samples(status="error"))) == 5


def test_variants_come_by_name_with_parent_and_note(store):
    runs = run(
        shout_unless_five,
        capitals(8),
        store,
        variants={"plain": {}, "loud": {"suffix": "!", "parent": "plain", "note": "a mark at the end"}},
    )
    assert list(runs) == ["plain", "loud"]
    assert runs["plain"].score == 0.875
    assert runs["loud"].score == 0.0
    kept = store.get(Variant, runs["loud"].record.variant_id)
    assert (kept.parent, kept.note, kept.config) == ("plain", "a mark at the end", {"suffix": "!"})
    with pytest.raises(NotFound, match="did you mean 'loud'"):
        runs["lout"]


def test_slices_have_intervals_of_their_own(store):
    summary = run(shout_unless_five, capitals(10), store).only.summary
    assert summary["slices"]["parity"]["even"]["exact"]["estimate"] == 1.0
    odd = summary["slices"]["parity"]["odd"]["exact"]
    assert (odd["estimate"], odd["n"]) == (0.8, 5)
    assert odd["low"] < 0.8 < odd["high"]


def test_repeats_are_clustered_by_example(store):
    @sw.task
    def by_repeat(example, ctx):
        return example.input.upper() if ctx.repeat or example.id in ("e1", "e2", "e3") else "no"

    found = run(by_repeat, capitals(10), store, repeats=3).only
    score = found.scores["exact"]
    assert (score["n"], score["n_clusters"]) == (30, 10)
    assert found.record.planned == 30
    assert {sample.repeat for sample in found.samples()} == {0, 1, 2}


def test_a_context_has_a_seed_of_its_own_for_each_sample(store):
    seen = []

    @sw.task
    def note(example, ctx):
        seen.append((example.id, ctx.repeat, ctx.seed))
        return ""

    run(note, capitals(5), store, repeats=2, seed=7)
    assert len({seed for _, _, seed in seen}) == 10
    first = sorted(seen)
    seen.clear()
    run(note, capitals(5), store, repeats=2, seed=7, fresh=True)
    assert sorted(seen) == first


def test_plain_functions_run_in_threads_of_their_own(store):
    together = threading.Barrier(4)

    @sw.task
    def meet(example):
        together.wait(timeout=240)  # passes only when four samples run at once
        return threading.current_thread().name

    found = run(meet, capitals(8), store, limit=sw.Limit(concurrency=4)).only
    assert found.summary["ok"] == 8


def test_inside_a_running_loop_as_in_a_notebook(store):
    async def cell():
        return run(shout, capitals(3), store)

    assert asyncio.run(cell()).only.status == "finished"


def test_what_makes_no_sense_is_said_before_anything_runs(store):
    with pytest.raises(UsageError, match="takes 3 arguments"):
        run(lambda a, b, c: 1, capitals(2), store)
    with pytest.raises(UsageError, match="two variants are called 'a'"):
        run(shout, capitals(2), store, variants=[Variant("a"), Variant("a")])
    with pytest.raises(NotFound, match="no variant 'nix'"):
        run(shout, capitals(2), store, variants=["nix"])
    with pytest.raises(NotFound, match="did you mean 'exact'"):
        run(shout, capitals(2), store, scorers=["exat"])
    with pytest.raises(UsageError, match="there is no task"):
        sw.evaluate(None, capitals(2), store=store)
    with pytest.raises(UsageError, match="there is no data"):
        sw.evaluate(shout, store=store)
    with pytest.raises(NothingRan):
        sw.evaluate(shout, sw.dataset(capitals(2)).where(parity="none"), store=store)
    assert store.count(EvalRun) == 0


def test_asking_for_a_model_that_is_not_there_ends_the_run(store):
    @sw.task
    async def asks(example, ctx):
        return await ctx.model.chat(text=example.input)

    with pytest.raises(UsageError, match="the run has none"):
        run(asks, capitals(3), store)
    assert next(store.find(EvalRun)).status == "failed"


def test_what_a_run_came_to_is_found_among_the_metrics(store):
    found = run(shout_unless_five, capitals(10), store).only
    values = {one.name: one.value for one in store.last_values(".", runs=[found.id])}
    assert values["exact"] == 0.9
    assert (values["exact/parity=odd"], values["exact/parity=even"]) == (0.8, 1.0)
    assert values["failed"] == 1
    assert values["latency_ms/p95"] == found.summary["latency_ms"]["p95"]["estimate"]
    assert store.metric_names("^exact/parity=(odd|none)$") == ["exact/parity=odd"]


def test_an_error_reaches_the_caller_alone(store):
    def asks(example, ctx):
        return ctx.model

    with pytest.raises(UsageError, match=r"asks for ctx\.model") as caught:
        sw.evaluate(asks, capitals(1), store=store, progress=False)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_slice_that_no_example_has_is_refused(store):
    data = sw.dataset(capitals(4), name="capitals")
    suite = sw.Suite("s", data, slices=["party"])
    with pytest.raises(NotFound, match="no metadata for the slice 'party'; did you mean 'parity'"):
        sw.evaluate(shouts, suite=suite, store=store, progress=False)
    rows = [*capitals(3), {"id": "x", "input": "x", "expected": "X", "rare": 1}]
    found = sw.evaluate(shouts, sw.dataset(rows, name="some", slices=["rare"]), store=store, progress=False).only
    assert set(found.summary["slices"]["rare"]) == {"(none)", "1"}


def test_parents_that_make_no_tree_are_refused(store):
    def attempt(*variants):
        return sw.evaluate(shouts, capitals(1), variants=list(variants), store=store, progress=False)

    with pytest.raises(ConfigError, match="parent of variant 'b': no variant 'plane'; did you mean 'plain'"):
        attempt(Variant("plain"), Variant("b", {"x": 1}, parent="plane"))
    with pytest.raises(ConfigError, match="in a circle: a <- b <- a"):
        attempt(Variant("a", {"x": 1}, parent="b"), Variant("b", {"x": 2}, parent="a"))
    with pytest.raises(ConfigError, match="in a circle: d <- d"):
        attempt(Variant("d", parent="d"))
    attempt(Variant("plain"))
    assert attempt(Variant("b", {"x": 1}, parent="plain")).only.status == "finished"  # on record


def shouts(example):
    return example.input.upper()
