"""A gate opens on nothing: scorers that fail or do not say, a task that failed, a score that is not there."""

from __future__ import annotations

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.errors import NotFound, UsageError
from slipway.evals.gate import gate
from slipway.models import ScriptedModel


@sw.task(version="1")
def shout(example):
    return example.input.upper()


def breaks(output):
    raise ValueError("no such field")


def run_with(store, scorers, *, task=shout, size=20, **more):
    data = sw.dataset(capitals(size), name="capitals")
    return sw.evaluate(task, data, scorers=scorers, store=store, progress=False, **more).only


@pytest.mark.parametrize(
    ("scorer", "code", "says"),
    [
        (breaks, 3, "20 of 20 samples were not scored; 'breaks' on 20: the scorer failed: ValueError: no such field"),
        (lambda output: output, 3, "return a Score, a bool or a number"),
        (lambda output: float("nan"), 4, "no sample has the score"),
        (lambda output: None, 4, "no sample has the score"),
        (lambda output: [], 4, "no sample has a score"),
    ],
)
def test_without_a_score_no_gate_opens(store, scorer, code, says):
    found = run_with(store, [scorer])
    assert found.status == "finished"
    for rules in ({}, {"at_least": 0.5}, {"must_pass": True}, {"baseline": run_with(store, ["exact"])}):
        result = gate(found, **rules)
        assert result.exit_code == code, rules
        assert says in str(result)


def test_a_scorer_that_fails_on_many_samples_is_no_result_and_on_few_is_told(store):
    def on_some(many):
        def scorer(output):
            if int(output.split()[1]) < many:
                raise ValueError("no such field")
            return True

        return scorer

    many, few = run_with(store, [on_some(8)], size=40), run_with(store, [on_some(1)], size=40)
    assert gate(many, at_least=0.5).exit_code == 3
    assert "8 of 40 samples were not scored, at most 5% may be" in str(gate(many))
    assert gate(few, at_least=0.5).exit_code == 0
    assert "1 of 40 samples were not scored" in str(gate(few))


def test_must_pass_says_which_were_not_scored_and_not_that_they_failed(store):
    def scorer(output, expected):
        if output == "WORD 3":
            raise ValueError("no such field")
        return output == expected

    result = gate(run_with(store, [scorer]), must_pass=True)
    assert result.exit_code == 3
    rule = result.rules[-1]
    assert (rule.status, rule.examples) == ("error", ("e3",))
    assert "1 of 20 examples were not scored: e3" in rule.says

    def half(example):
        return "wrong" if example.id == "e5" else example.input.upper()

    result = gate(run_with(store, [scorer], task=half), must_pass=True)
    assert result.exit_code == 1
    assert result.rules[-1].examples == ("e5",)  # what is known to be wrong decides


def test_a_judge_without_a_model_fails_before_the_run(store):
    calls = []

    def task(example):
        calls.append(example)
        return "x"

    def judged(output, judge):
        return True

    with pytest.raises(UsageError, match="'judged' needs a model and the run has none"):
        run_with(store, [judged], task=task)
    assert not calls
    assert gate(run_with(store, [judged], model=ScriptedModel("x")), must_pass=True).passed


def test_no_scorers_is_refused(store):
    with pytest.raises(UsageError, match="nothing would be measured"):
        run_with(store, [])


def test_a_task_that_failed_blocks_where_no_rule_is_for_the_score(store):
    def task(example):
        if int(example.id[1:]) < 8:
            raise ValueError("no")
        return example.input.upper()

    found = run_with(store, ["exact"], task=task, size=40)
    result = gate(found)
    assert result.exit_code == 1
    assert "the task failed on 8 of 40 samples" in str(result)
    assert gate(found, p95_latency_ms=10_000).exit_code == 1  # a rule for something else says nothing of them
    assert gate(found, at_least=0.5).exit_code == 0  # here they count 0
    assert gate(found, at_least=0.9).exit_code == 1


def test_a_score_that_is_not_there_is_named_without_a_rule_too(store):
    found = run_with(store, ["exact"])
    with pytest.raises(NotFound, match="did you mean 'exact'"):
        gate(found, metric="exat")
    with pytest.raises(NotFound, match="no score 'nope'"):
        gate(found, metric="nope", must_pass=True)
    other = run_with(store, ["exact"], fresh=True)
    assert gate(found, metric="latency_ms", baseline=other, margin=1e6).exit_code == 0


def test_the_score_over_all_repeats_may_be_the_only_one(store):
    def same(outputs):
        return len(set(outputs)) == 1

    found = run_with(store, [same], repeats=2)
    assert found.metric == "same"
    assert gate(found, at_least=0.5).passed


def test_an_estimate_on_the_bound_is_not_below_it(store):
    def task(example):
        return "wrong" if int(example.id[1:]) < 4 else example.input.upper()

    found = run_with(store, ["exact"], task=task, size=40)
    assert "and the estimate is just that" in str(gate(found, at_least=0.9))
    assert "and the estimate is below it" in str(gate(found, at_least=0.91))


def test_a_run_is_not_its_own_baseline(store):
    found = run_with(store, ["exact"])
    with pytest.raises(UsageError, match="its own baseline"):
        gate(found, baseline=found.id, store=store)
