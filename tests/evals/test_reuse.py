"""A second identical run calls nothing and computes nothing twice (E8); what changed is computed, and only that."""

from __future__ import annotations

from collections import Counter

from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import Prompt, Response
from slipway.evals.run import evaluate
from slipway.models import ScriptedModel


class Ran:
    """How often something ran: an object, because what a task closed over counts as its code."""

    count = 0


def asks(version="1"):
    @sw.task(version=version, name="asks")
    async def asks(example, ctx):
        return await ctx.model.chat(text=example.input)

    return asks


def shouting():
    return ScriptedModel(lambda request: request.messages[-1].content.upper(), usd_per_1k=(1.0, 2.0))


def run(store, model, *, rows=None, task=None, **more):
    data = sw.dataset(rows or capitals(12), name="capitals", slices=["parity"])
    return evaluate(task or asks(), data, store=store, model=model, progress=False, **more).only


def facts(found):
    return {
        (s.example_id, s.repeat): (s.output, s.scores, s.latency_ms, s.cost_usd, s.input_tokens)
        for s in found.samples()
    }


def test_e8_a_second_identical_run_makes_no_call(store):
    model = shouting()
    first = run(store, model, repeats=2)
    assert model.call_count == 24  # the repeat is part of the key: each repeat asked for itself
    second = run(store, model, repeats=2)
    assert model.call_count == 24
    assert second.id != first.id
    assert facts(second) == facts(first)  # with the latency and the price of then
    assert all(sample.cached for sample in second.samples())
    assert second.summary["scores"] == first.summary["scores"]
    assert second.summary["cost_usd"]["paid"] == 0
    assert second.summary["cost_usd"]["total"] == first.summary["cost_usd"]["total"] > 0
    assert second.summary["session"]["samples"] == 0


def test_fresh_computes_everything(store):
    model = shouting()
    run(store, model)
    run(store, model, fresh=True)
    assert model.call_count == 24


def test_new_and_changed_examples_are_computed_and_only_they(store):
    model = shouting()
    run(store, model)
    rows = capitals(14)
    rows[3]["input"] = "another word"
    found = run(store, model, rows=rows)
    assert model.call_count == 12 + 3
    assert {sample.example_id for sample in found.samples(cached=False)} == {"e3", "e12", "e13"}


def test_changed_task_code_asks_again_but_recorded_answers_are_free(store):
    model = shouting()
    run(store, model)
    found = run(store, model, task=asks("2"))
    assert model.call_count == 12  # the task ran again; the model's answers to the same questions were recorded
    assert found.summary["session"] | {"recalled": 12, "calls": 0, "samples": 12} == found.summary["session"]
    assert all(sample.cached and sample.latency_ms > 0 for sample in found.samples())


def test_another_setting_or_seed_is_another_recipe(store):
    model = shouting()
    counted = []

    @sw.task(version="1")
    async def count(example, ctx):
        counted.append(ctx.config.get("k"))
        return ""

    for variant, seed in (({"k": 1}, 0), ({"k": 1}, 0), ({"k": 2}, 0), ({"k": 2}, 1)):
        run(store, model, task=count, variants={"a": variant}, seed=seed)
    assert len(counted) == 36


def test_a_changed_scorer_scores_the_recorded_outputs(store):
    model, scored = shouting(), Counter()

    def first(output, expected):
        scored["first"] += 1
        return output == expected

    def second(output):
        scored["second"] += 1
        return {"length": len(output)}

    first.version = second.version = "1"
    run(store, model, scorers=[first])
    assert scored == {"first": 12}
    found = run(store, model, scorers=[first, second])
    assert model.call_count == 12
    assert scored == {"first": 12, "second": 12}
    assert set(found.scores) == {"first", "length"}


def test_failures_are_tried_again(store):
    tried = []

    @sw.task(version="1")
    async def fails_once(example):
        tried.append(example.id)
        if example.id == "e5" and tried.count("e5") == 1:
            raise ValueError("not yet")
        return example.input.upper()

    assert run(store, None, task=fails_once).summary["failed"] == 1
    second = run(store, None, task=fails_once)
    assert second.summary["failed"] == 0
    assert tried.count("e5") == 2
    assert len(tried) == 13


def test_code_declared_by_a_task_changes_its_recipe(store, tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("shout")
    ran = Ran()

    def make():
        @sw.task(code=[prompt])
        async def reads(example):
            ran.count += 1
            return prompt.read_text()

        return reads

    run(store, None, task=make())
    run(store, None, task=make())
    assert ran.count == 12
    prompt.write_text("whisper")
    run(store, None, task=make())
    assert ran.count == 24


def test_prompt_versions_are_filled_in_and_recorded(store):
    old, new = (
        Prompt(f"p{n}", "shout", n, template, n, config={"temperature": 0.0})
        for n, template in ((1, "Shout: {text}"), (2, "Shout {how}: {text} {{literally}}"))
    )
    store.write([old, new])
    model = ScriptedModel(lambda request: request.messages[-1].content)

    @sw.task(version="1")
    async def by_prompt(example, ctx):
        reference = ctx.config["prompt"]
        return await ctx.model.chat(prompt=reference, text=example.input, variables={"how": "loud"})

    runs = evaluate(
        by_prompt,
        capitals(2),
        variants={"old": {"prompt": "shout@v1"}, "new": {"prompt": "shout"}},
        store=store,
        model=model,
        progress=False,
    )
    assert {s.output for s in runs["old"].samples()} == {"Shout: word 0", "Shout: word 1"}
    assert {s.output for s in runs["new"].samples()} == {
        "Shout loud: word 0 {{literally}}",
        "Shout loud: word 1 {{literally}}",
    }
    assert runs["old"].summary["prompts"] == ["p1"]
    assert runs["new"].summary["prompts"] == ["p2"]
    assert model.calls[0].temperature == 0.0
    assert store.count(Response, {"source": "model:scripted"}) == 4


def test_what_was_taken_over_is_said_and_not_charged_again(store, capsys):
    first = run(store, shouting())
    cost = first.summary["cost_usd"]["total"]
    assert f"${cost:.4f}" in str(first)
    assert "taken over" not in str(first)
    data = sw.dataset(capitals(12), name="capitals", slices=["parity"])
    runs = evaluate(asks(), data, store=store, model=shouting())
    assert "$0.0000, 12 of 12 taken over" in str(runs)
    header, (row,) = runs.rows()
    assert row[header.index("cost")] == "$0.0000"
    assert row[header.index("status")] == "finished, 12 of 12 taken over"
    assert "$" not in capsys.readouterr().err  # the progress line
    more = evaluate(asks(), sw.dataset(capitals(15), name="more"), store=store, model=shouting(), progress=False)
    assert "12 of 15 taken over" in str(more)
