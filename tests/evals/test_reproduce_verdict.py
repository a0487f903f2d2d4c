"""The verdict on two executions: identical, equal by which test, or different; and the reasons by factor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.data import EvalRun, Sample, Score
from slipway.evals.reproduce_packages import Packages
from slipway.evals.reproduce_tree import Tree
from slipway.evals.reproduce_verdict import Facts, difference, judge, reasons


def samples(right, **more):
    """Samples by key; ``right`` is 0/1 for each example."""
    made = {}
    for number, value in enumerate(right):
        scores = (Score("exact", float(value), scorer="exact"), Score("latency", 3.0, scorer="latency", better="lower"))
        made[f"e{number}", 0] = Sample("r", f"e{number}", output=f"says {value}", scores=scores, **more)
    return made


def judged(old, new, margin=0.02):
    return judge(old, new, difference(old, new), metric="exact", margin=margin)


def test_a_clock_decides_nothing():
    old = samples([1, 0, 1])
    slower = {
        key: replace(one, latency_ms=9.0, scores=(one.scores[0], replace(one.scores[1], value=9.0)))
        for key, one in old.items()
    }
    assert difference(old, slower).none
    assert judged(old, slower).verdict == "identical"


def test_other_words_with_the_same_scores_are_equal():
    old = samples([1, 0, 1])
    new = {key: replace(one, output="other") for key, one in old.items()}
    found = judged(old, new)
    assert found.verdict == "statistically_equal"
    assert found.method == "every score is the same; 3 of 3 outputs are not"


def test_few_flips_both_ways_are_within_the_margin_by_tost():
    old = [1, 0] * 1000
    new = old.copy()
    for n in range(10):
        new[n] = 1 - new[n]
    found = judged(samples(old), samples(new))
    assert found.verdict == "statistically_equal"
    assert found.method.startswith("TOST: the difference is within ±0.02")
    assert found.comparison["equivalent"] is True


def test_what_too_few_samples_cannot_tell_says_so():
    old = [1, 0] * 10
    found = judged(samples(old), samples([0, *old[1:]]))
    assert found.verdict == "statistically_equal"
    assert "sees no difference: cannot tell" in found.method
    assert found.comparison["equivalent"] is not True


def test_many_flips_one_way_are_different():
    found = judged(samples([1] * 60), samples([1] * 40 + [0] * 20))
    assert (found.verdict, found.comparison["verdict"]) == ("different", "worse")


def test_missing_samples_are_different():
    old = samples([1, 0, 1, 1])
    found = judged(old, dict(list(old.items())[:3]))
    assert found.verdict == "different"
    assert "1 samples have no counterpart" in found.method
    assert judged(old, {}).method == "no sample was computed again"


def test_an_error_is_the_same_error_wherever_it_was_raised():
    old = samples([1])
    here = {key: replace(one, status="error", error="ValueError: no city (a.py:1)") for key, one in old.items()}
    there = {key: replace(one, status="error", error="ValueError: no city (b.py:9)") for key, one in old.items()}
    other = {key: replace(one, status="error", error="KeyError: 'city' (a.py:1)") for key, one in old.items()}
    assert difference(here, there).none
    assert difference(here, other).outputs == 1
    assert difference(old, here).outputs == 1


def facts(**more):
    tree = Tree(Path("/t"), Path("/t"), "commit")
    run = EvalRun("n", "x", "v", "v", "d", 1, config=CONFIG, summary={"prompts": ["p1"], "models_seen": ["m-1"]})
    return Facts(**{"tree": tree, "packages": Packages("python", (), {}, ""), "dataset_id": "d", "run": run, **more})


CONFIG = {"code_hash": "c1", "model_name": "m", "scorers": [{"name": "exact", "version": "1"}]}
RECORDED = EvalRun("r", "x", "v", "v", "d", 1, config=CONFIG, summary={"prompts": ["p1"], "models_seen": ["m-1"]})


def named(now, **options):
    return {one.factor for one in reasons(RECORDED, now, **{"here": True, "live": False, **options})}


def test_each_factor_is_named_when_it_and_only_it_differs():
    now = facts().run
    assert named(facts()) == set()
    assert named(facts(run=replace(now, config={**CONFIG, "code_hash": "c2"}))) == {"code"}
    assert named(facts(run=replace(now, config={**CONFIG, "scorers": [{"name": "exact", "version": "2"}]}))) == {"code"}
    assert named(facts(changed=("a.py",))) == {"code"}
    assert named(facts(packages=Packages("python", (), {"numpy": ("1", "2")}, ""))) == {"packages"}
    # Another Python makes another tree of the same source: its hashes say nothing.
    other = replace(now, config={**CONFIG, "code_hash": "c2", "scorers": [{"name": "exact", "version": "2"}]})
    python = {"python": ("3.11.9", "3.12.1")}
    assert named(facts(run=other, packages=Packages("python", (), python, ""))) == {"packages"}
    python = {"python": ("3.11.9", "3.11.2")}
    assert named(facts(run=other, packages=Packages("python", (), python, ""))) == {"packages", "code"}
    assert named(facts(dataset_id="d2")) == {"data"}
    assert named(facts(run=replace(now, summary={"prompts": ["p2"], "models_seen": ["m-1"]}))) == {"prompt"}
    assert named(facts(run=replace(now, config={**CONFIG, "model_name": "m2"}))) == {"model"}
    assert named(facts(misses=3)) == {"model"}
    assert named(facts(tree=Tree(Path("/t"), Path("/t"), "", "not recorded")), here=False) == {"code"}
    assert named(facts(run=None, failed="ImportError")) == {"code"}


def test_a_live_model_is_named_with_what_it_answers_as():
    same = reasons(RECORDED, facts(), here=False, live=True)
    assert [(one.factor, one.detail) for one in same] == [("model", "m: it was asked anew")]
    now = replace(facts().run, summary={"prompts": ["p1"], "models_seen": ["m-2"]})
    (other,) = reasons(RECORDED, facts(run=now), here=False, live=True)
    assert other.detail == "m: it now answers as m-2, then as m-1"
