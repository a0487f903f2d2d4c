"""The gate: rules, exit codes, flaky must-pass examples, JUnit and Markdown."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from dataclasses import replace

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.config import Gate, Objectives
from slipway.data import EvalRun
from slipway.errors import NotFound, SealedError, UsageError
from slipway.evals.gate import gate
from slipway.models import ScriptedModel
from slipway.models.scripted import failed


@sw.task(version="1")
async def errs(example, ctx):
    number = int(example.id[1:])
    return "wrong" if number % 20 < ctx.config["wrong"] else example.input.upper()


def evaluate(store, *, size=100, wrong=2, task=errs, **more):
    data = sw.dataset(capitals(size), name="capitals", slices=["parity"])
    return sw.evaluate(task, data, store=store, progress=False, variants={"v": {"wrong": wrong}}, **more).only


def suite(**more):
    return sw.Suite("s", sw.dataset(capitals(20), name="capitals"), **more)


def of_suite(store, made, task=errs, wrong=0, **more):
    return sw.evaluate(task, suite=made, store=store, progress=False, variants={"v": {"wrong": wrong}}, **more).only


def test_one_wrong_call_closes_the_gate(store):
    model = ScriptedModel(lambda request: "WORD 1" if "2" in request.messages[-1].content else "no")

    @sw.task
    async def asks(example, ctx):
        return await ctx.model.chat(text=example.input)

    found = sw.evaluate(asks, capitals(3), model=model, store=store, progress=False).only
    result = gate(found, must_pass=1.0)
    assert not result.passed
    assert result.exit_code == 1


def test_without_rules_it_opens_when_the_task_ran(store):
    result = gate(evaluate(store))
    assert result.passed
    assert [rule.name for rule in result.rules] == ["ran"]


@pytest.mark.parametrize(
    ("at_least", "on", "code"),
    [(0.8, "low", 0), (0.89, "low", 4), (0.97, "low", 1), (0.89, "estimate", 0), (0.91, "estimate", 1)],
)
def test_a_lower_bound_is_for_the_interval(store, at_least, on, code):
    result = gate(evaluate(store), at_least=at_least, on=on)
    assert result.exit_code == code
    if code == 4:
        assert "examples in all would decide" in str(result)


def test_against_a_baseline(store):
    good, bad = evaluate(store, size=200, wrong=1), evaluate(store, size=200, wrong=5)
    assert gate(good, baseline=bad).exit_code == 0
    worse = gate(bad, baseline=good)
    assert worse.exit_code == 1
    assert worse.verdict.verdict == "worse"
    assert gate(good.id, baseline=evaluate(store, size=200, wrong=1).id, store=store, margin=0.05).exit_code == 0
    few = gate(evaluate(store, size=20, wrong=5), baseline=evaluate(store, size=20, wrong=4))
    assert few.exit_code == 4
    assert few.word == "cannot tell"


def test_latency_and_cost(store):
    found = evaluate(store, size=200)
    assert gate(found, p95_latency_ms=10_000).exit_code == 0
    assert gate(found, p95_latency_ms=1e-6).exit_code == 1
    assert gate(evaluate(store, size=10), p95_latency_ms=10_000).exit_code == 4  # ten samples have no 95th percentile
    assert gate(found, max_cost_usd=1).exit_code == 4  # no price is known

    @sw.task
    async def asks(example, ctx):
        return await ctx.model.chat(text=example.input)

    model = ScriptedModel("x", usd_per_1k=(1, 1))  # 3 words: $0.003
    paid = evaluate(store, task=asks, model=model)
    assert gate(paid, max_cost_usd=0.01).exit_code == 0
    assert gate(paid, max_cost_usd=0.001).exit_code == 1


def test_s11_a_must_pass_suite_is_all_or_nothing(store):
    made = suite(tier="must-pass")
    assert gate(of_suite(store, made)).passed
    closed = gate(of_suite(store, made, wrong=1))
    assert closed.exit_code == 1
    assert closed.rules[-1].examples == ("e0",)
    assert "1 of 20 examples failed: e0" in str(closed)


class Flaky:
    """Wrong on e3 the first ``times`` times."""

    def __init__(self, times):
        self.left = times

    async def __call__(self, example, ctx):
        if example.id == "e3" and self.left:
            self.left -= 1
            return "wrong"
        return example.input.upper()


def test_s11_confirming_reruns_may_say_flaky_and_never_green(store):
    made = suite(tier="must-pass", gate=Gate(reruns=3))
    flaky = of_suite(store, made, task=sw.task(name="once", version="1")(Flaky(1)))
    result = gate(flaky)
    assert result.exit_code == 1
    assert not result.passed
    assert result.rules[-1].status == "flaky"
    assert "passed every confirming rerun: e3" in str(result)
    again = [run for run in store.find(EvalRun) if run.config.get("rerun_of") == flaky.id]
    assert [(run.planned, run.repeats) for run in again] == [(3, 3)]  # only what failed ran again
    broken = of_suite(store, made, task=sw.task(name="broken", version="1")(Flaky(100)))
    assert gate(broken).rules[-1].status == "failed"
    twice = of_suite(store, made, task=sw.task(name="twice", version="1")(Flaky(2)))
    assert gate(twice).rules[-1].status == "failed"  # one confirming rerun failed too


def test_a_must_pass_suite_cut_short_is_not_passed(store):
    found = of_suite(store, suite(tier="must-pass"))
    store.write([replace(found.record, planned=30)])
    result = gate(found.id, store=store)
    assert result.exit_code == 4
    assert "10 samples did not run" in str(result)


def test_a_share_may_be_wanted_instead(store):
    found = evaluate(store)
    assert gate(found, must_pass=0.85).exit_code == 0
    assert gate(found, must_pass=0.95).exit_code == 1


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [("interrupted", 130, "interrupted"), ("capped", 6, "capped"), ("running", 3, "failed"), ("failed", 3, "failed")],
)
def test_a_run_that_did_not_end_opens_nothing(store, status, code, word):
    found = evaluate(store)
    store.write([replace(found.record, status=status)])
    result = gate(found.id, store=store)
    assert (result.exit_code, result.word) == (code, word)


def test_nothing_ran(store):
    found = evaluate(store)
    store.write([replace(found.record, id="e" * 32, status="timed_out", summary={"samples": 0})])
    assert gate("e" * 32, store=store).exit_code == 5


def test_too_many_infrastructure_failures_are_no_result(store):
    @sw.task
    async def asks(example, ctx):
        return await ctx.model.chat(text=example.input)

    def answer(request):
        number = int(request.messages[-1].content.split()[1])
        return failed(500) if number < 10 else request.messages[-1].content.upper()

    found = evaluate(store, task=asks, model=ScriptedModel(answer), limit=sw.Limit(retries=0))
    result = gate(found, at_least=0.5)
    assert result.exit_code == 3
    assert "10 of 100 samples were lost" in str(result)


def test_a_mistyped_metric_is_named(store):
    with pytest.raises(NotFound, match="did you mean 'exact'"):
        gate(evaluate(store), metric="exat", at_least=0.5)


def test_the_rules_of_the_suite_travel_with_the_run(store):
    found = of_suite(store, suite(gate=Gate(at_least=0.99)))
    assert gate(found.id, store=store).exit_code == 4
    assert gate(found.id, store=store, suite=suite(gate=Gate(at_least=0.5))).exit_code == 0


def test_objectives_are_told(store):
    wanted = Objectives(accuracy=0.99, right_earns_usd=0.1, wrong_costs_usd=1.0, calls_per_day=1000)
    found = of_suite(store, suite(objectives=wanted), wrong=5)
    told = "\n".join(gate(found).objectives)
    assert "target 0.99: missed by 0.24" in told
    assert "a day" in told


def test_a_sealed_run_has_no_gate(store):
    found = evaluate(store)
    store.write([replace(found.record, config={**found.record.config, "sealed": True})])
    with pytest.raises(SealedError):
        gate(found.id, store=store)


def test_junit_can_be_read_and_counts_right(store):
    found = of_suite(store, suite(tier="must-pass", gate=Gate(at_least=0.1)), wrong=2)
    root = Xml.fromstring(gate(found).to_junit())
    made = root.find("testsuite")
    cases = made.findall("testcase")
    assert made.get("tests") == str(len(cases)) == "5"  # ran, must-pass, two examples, at least
    assert made.get("failures") == str(len(made.findall("testcase/failure"))) == "3"
    assert made.get("errors") == "0"
    assert {case.get("name") for case in cases} >= {"ran", "must-pass", "e0", "e1"}
    assert {p.get("name"): p.get("value") for p in made.iter("property")}["run"] == found.id


def test_hostile_names_break_neither_xml_nor_markdown(store):
    rows = [{"id": 'e"<&\x01\x1b]', "input": "a", "expected": "b"}]
    made = sw.Suite("s<&>|`x`", sw.dataset(rows, name="d"), tier="must-pass")
    found = sw.evaluate(
        lambda example: "x", suite=made, store=store, progress=False, variants={"v|<img src=x>": {}}
    ).only
    result = gate(found)
    Xml.fromstring(result.to_junit())
    text = result.to_markdown()
    assert "<img" not in text
    assert "\x1b" not in text
    assert all(line.count(" | ") == 2 for line in text.splitlines() if line.startswith("| ran"))


def test_markdown_for_a_pull_request(store):
    base, new = evaluate(store, size=200, wrong=5), evaluate(store, size=200, wrong=1)
    text = gate(new, baseline=base, at_least=0.5).to_markdown()
    assert "### Slipway gate: passed" in text
    assert "| exact at least 0.5 | passed |" in text
    assert "not worse than v" in text
    assert f"slipway reproduce {new.id[:12]}" in text
    assert gate(new, baseline=base).to_dict()["verdict"]["verdict"] == "better"


def test_a_name_that_ran_on_several_suites_is_refused_and_both_are_named(store):
    made = {
        name: sw.Suite(name, sw.dataset(capitals(20), name="capitals"), gate=Gate(at_least=0.5)) for name in ("s", "t")
    }
    good, bad = of_suite(store, made["s"]), of_suite(store, made["t"], wrong=19)
    base = sw.evaluate(errs, suite=made["t"], store=store, progress=False, variants={"base": {"wrong": 19}}).only
    with pytest.raises(UsageError, match=rf"'v' has runs on several suites: s \(run {good.id[:12]}\), t") as refused:
        gate("v", store=store)
    assert good.id[:12] in (refused.value.mend or "")
    assert gate(good.id[:12], store=store).passed
    assert gate("v", store=store, suite=made["t"]).run.id == bad.id
    # The baseline says which is meant, given as a run or by a name that ran on one suite only; and the other way round.
    assert gate("v", baseline=base, store=store).run.id == bad.id
    assert gate("v", baseline="base", store=store).run.id == bad.id
    assert gate(base, baseline="v").baseline.id == bad.id
    assert sw.compare("v", base, store=store).run_a == bad.id
    assert sw.compare("base", "v", store=store).run_b == bad.id
    with pytest.raises(UsageError, match="several suites"):
        sw.compare("v", "v", store=store)
