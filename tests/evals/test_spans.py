"""Every sample in a trace of its own: the run's id on every span, the trace's id on the sample."""

from __future__ import annotations

import asyncio

from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import Environment, Span
from slipway.models import ScriptedModel
from slipway.models.scripted import failed


@sw.trace
def look_up(text):
    return text.upper()


@sw.task(version="1")
async def asks(example, ctx):
    reply = await ctx.model.chat(text=example.input)
    await asyncio.to_thread(look_up, reply.text)
    if example.id == "e2":
        raise ValueError("no twos")
    return reply


@sw.task(version="1")
def plain(example):
    return look_up(example.input)


def test_a_trace_for_each_sample(store):
    left = {"n": 1}

    def answer(request):
        if request.messages[-1].content == "word 1" and left["n"]:
            left["n"] -= 1
            return failed(500)
        return request.messages[-1].content.upper()

    data = sw.dataset(capitals(4), name="c")
    model = ScriptedModel(answer, usd_per_1k=(1, 1))
    found = sw.evaluate(asks, data, store=store, model=model, progress=False, trace=True).only
    assert not sw.current_span()
    for sample in found.samples():
        spans = {span.name: span for span in store.find(Span, {"trace_id": sample.trace_id})}
        root = spans["sample asks"]
        assert root.parent_id is None
        assert root.run_id == spans["chat scripted"].run_id == found.id
        assert spans["chat scripted"].parent_id == root.span_id
        assert any(name.endswith("look_up") for name in spans)
        assert root.input == f"word {sample.example_id[1:]}"
        assert root.attributes["slipway.example_id"] == sample.example_id
        assert spans["chat scripted"].attributes["gen_ai.usage.input_tokens"] == 2
        if sample.example_id == "e2":
            assert (root.status, sample.status) == ("error", "error")
        else:
            assert root.attributes["score.exact"] == 1.0
            assert root.output == sample.output
        assert [event.name for event in root.events].count("retry") == (sample.example_id == "e1")
    assert store.count(Span, {"run_id": found.id, "name": "sample asks"}) == 4


def test_functions_in_threads_are_in_the_trace_too(store):
    found = sw.evaluate(plain, sw.dataset(capitals(3), name="c"), store=store, progress=False, trace=True).only
    for sample in found.samples():
        assert store.count(Span, {"trace_id": sample.trace_id}) == 2


def test_without_init_nothing_is_traced_unless_asked(store):
    found = sw.evaluate(plain, sw.dataset(capitals(3), name="c"), store=store, progress=False).only
    assert store.count(Span) == 0
    assert next(found.samples()).trace_id is None


def test_a_run_knows_where_it_came_from(store):
    found = sw.evaluate(plain, sw.dataset(capitals(3), name="c"), store=store, progress=False, seed=5).only
    kept = store.get(Environment, found.record.environment_id)
    assert "numpy" in kept.packages
    assert kept.python
    assert found.record.seed == 5
    config = found.record.config
    assert config["task"]["import"].endswith("test_spans:plain")
    assert config["task"]["file"].endswith("test_spans.py")
    assert config["code_hash"] == plain.code_hash
    assert [scorer["spec"] for scorer in config["scorers"]] == ["exact"]
