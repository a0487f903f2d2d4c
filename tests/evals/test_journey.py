"""The journey: the tree of variants, what changed, verdicts, gates; failures included."""

from __future__ import annotations

import os

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.config import Gate, Objectives
from slipway.data import Variant
from slipway.errors import NotFound, NothingRan
from slipway.evals.journey import changes, journey


@sw.task(version="1")
async def errs(example, ctx):
    if ctx.config.get("crashes"):
        raise RuntimeError("out of memory")
    number = int(example.id[1:])
    return "wrong" if number % 20 < ctx.config["wrong"] else example.input.upper()


VARIANTS = [
    Variant("rules", {"wrong": 10}, note="keyword rules"),
    Variant("model", {"wrong": 5, "model": "small"}, parent="rules", note="a model instead of rules"),
    Variant("bigger", {"wrong": 5, "model": "big"}, parent="model"),
    Variant("prompted", {"wrong": 1, "model": "small"}, parent="model", note="functions listed"),
    Variant("broken", {"wrong": 0, "crashes": True}, parent="prompted", note="8-bit weights"),
]


def travel(store, variants=VARIANTS, suite=None, **more):
    made = suite or sw.Suite("dev", sw.dataset(capitals(200), name="capitals"), **more)
    return sw.evaluate(errs, suite=made, variants=variants, store=store, progress=False)


def test_a_tree_of_everything_that_was_tried(store):
    travel(store)
    found = journey(store)
    assert [(step.name, step.depth) for step in found] == [
        ("rules", 0),
        ("model", 1),
        ("bigger", 2),
        ("prompted", 2),
        ("broken", 3),
    ]
    assert found.best.name == "prompted"
    assert found["model"].verdict.verdict == "better"
    assert found["bigger"].verdict.verdict == "cannot_tell"
    assert found["bigger"].changed == ("model: small -> big",)
    assert found["prompted"].verdict.family == found["model"].verdict.family
    broken = found["broken"]
    assert (broken.run.status, broken.failed) == ("failed", 200)
    with pytest.raises(NotFound, match="did you mean 'prompted'"):
        found["promted"]


def test_the_verdicts_of_a_journey_are_one_family(store):
    travel(store)
    found = journey(store)
    compared = [step.verdict for step in found if step.verdict is not None]
    assert {one.family for one in compared} == {len(compared)}
    assert all(one.p_adjusted >= one.p_value for one in compared)
    assert f"all {len(compared)} comparisons together (Holm" in str(found)


def test_gates_and_objectives_are_on_the_way(store):
    travel(store, gate=Gate(at_least=0.9), objectives=Objectives(accuracy=0.99))
    strict = sw.Suite("strict", sw.dataset(capitals(20)[5:], name="five and up"), tier="must-pass")
    travel(store, VARIANTS[:4], strict)
    found = journey(store)
    assert found.experiment == "dev/errs"
    assert {step.name: step.must_pass for step in found} == {
        "rules": "blocked",
        "model": "passed",
        "bigger": "passed",
        "prompted": "passed",
        "broken": "",
    }
    assert found["rules"].gate == "blocked"
    assert found["prompted"].gate == "passed"
    assert "target 0.99: missed by" in " ".join(found["rules"].objectives)
    assert "must-pass passed, passed" in str(found)
    assert journey(store, suite="strict").experiment == "strict/errs"
    with pytest.raises(NotFound, match="did you mean 'strict/errs'"):
        journey(store, experiment="strict/err")


def test_a_name_used_again_keeps_what_it_meant_before(store):
    travel(store, [Variant("a", {"wrong": 9}), Variant("b", {"wrong": 5}, parent="a")])
    travel(store, [Variant("b", {"wrong": 1}, parent="a")])
    names = [step.name for step in journey(store)]
    assert names[0] == "a"
    assert names[2] == "b"
    assert names[1].startswith("b (")


def test_the_newest_finished_run_of_a_variant_counts(store):
    travel(store, VARIANTS[:2])
    travel(store, VARIANTS[:2])
    assert [step.runs for step in journey(store)] == [2, 2]


def test_parents_that_are_unknown_or_in_a_circle_make_roots(store):
    # `evaluate` refuses these; a store that was written by hand or by an older version may hold them.
    parents = {"a": "b", "b": "a", "c": "nobody", "d": "d"}
    wrong = {name: {"wrong": number} for number, name in enumerate(parents)}
    store.write([Variant(name, wrong[name], parent=parents[name], task="errs") for name in parents])
    runs = travel(store, wrong)
    assert [store.get(Variant, run.record.variant_id).parent for run in runs.values()] == list(parents.values())
    found = journey(store)
    assert len(found) == 4
    assert {"c", "d"} <= {root.name for root in found.roots}


def test_markdown_can_be_picked_up_from(store):
    travel(store, gate=Gate(at_least=0.9))
    text = journey(store).to_markdown()
    assert "# Journey: dev/errs" in text
    assert "- Best estimate: **prompted**" in text
    assert "### broken" in text
    assert "every sample failed" in text
    assert "keyword rules" in text
    assert "- model: small -&gt; big" in text
    best = journey(store).best
    assert f"slipway reproduce {best.run.id[:12]}" in text
    assert f"slipway compare {best.parent.run.id[:12]} {best.run.id[:12]}" in text


def drawn(found, width):
    from rich.console import Console

    with open(os.devnull, "w") as nowhere:
        console = Console(width=width, record=True, file=nowhere)
        console.print(found)
        return console.export_text()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_one_drawing_for_print_rich_and_the_command_line(store, width, monkeypatch):
    travel(store, gate=Gate(at_least=0.9), objectives=Objectives(accuracy=0.99))
    found = journey(store)
    monkeypatch.setenv("COLUMNS", str(width))
    text = drawn(found, width)
    assert text == str(found) + "\n"
    assert max(map(len, text.splitlines())) <= width
    assert "└─ prompted" in text
    assert "better +0.2" in text
    assert text.startswith("dev/errs: 5 variants, 200 examples, 95 % intervals")
    assert ("gate: blocked" in text) == (width < 100)
    assert text.count("blocked") == [step.gate for step in found].count("blocked")


def test_a_tree_too_deep_for_the_terminal_keeps_every_word(store):
    names = [f"variant_number_{n}" for n in range(12)]
    chain = [
        Variant(name, {"wrong": 10 - n % 2}, parent=names[n - 1] if n else None, note=f"step {n}")
        for n, name in enumerate(names)
    ]
    travel(store, chain)
    text = drawn(journey(store), 80)
    for n, name in enumerate(names):
        assert (name in text, f"step {n}" in text) == (True, True)


def test_variants_on_different_examples_say_how_many_each(store):
    travel(store, VARIANTS[:1])
    travel(store, VARIANTS[1:2], repeats=2)
    text = str(journey(store))
    assert "2 variants, 95 % intervals" in text
    assert "] (200)" in text
    assert "] (200 x 2)" in text


def test_a_difference_too_small_is_not_told_to_the_last_example(store):
    from dataclasses import replace

    from slipway.evals.journey_report import against

    travel(store, VARIANTS[:2])
    step = journey(store)["model"]
    step.verdict = replace(step.verdict, verdict="cannot_tell", needed_n=1_204_531)
    assert against(step).endswith("; over a million more examples would tell")


def test_it_is_a_table_in_a_notebook_and_json(store):
    travel(store)
    found = journey(store)
    assert "<td>└─ model" in found._repr_html_()
    made = found.to_dict()
    assert [one["variant"] for one in made["variants"]] == [step.name for step in found]
    assert made["variants"][1]["verdict"]["verdict"] == "better"


def test_nothing_ran_yet(store):
    with pytest.raises(NothingRan):
        journey(store)


def test_changes_between_settings():
    old = Variant("a", {"same": 1, "model": "x", "gone": [1, 2]})
    new = Variant("b", {"same": 1, "model": "y", "new": "z" * 100})
    assert changes(old, new) == ("gone removed (was [1,2])", "model: x -> y", "new: " + "z" * 37 + "...")


def test_the_chosen_score_is_the_one_shown(store):
    def short(output):
        return float(len(output) < 6)

    travel(store, scorers=["exact", short])
    usual, chosen = journey(store), journey(store, metric="short")
    assert usual.metric == "exact"
    assert chosen.metric == chosen.to_dict()["variants"][0]["metric"] == "short"
    for step in chosen:
        assert step.score == step.run.scores.get("short", {})
        assert usual[step.name].score == step.run.scores.get("exact", {})
    assert (
        chosen.best.name == max((step for step in chosen if step.score), key=lambda step: step.score["estimate"]).name
    )
    assert chosen.best.name != usual.best.name
    with pytest.raises(NotFound, match="no score 'nope'"):
        journey(store, metric="nope")
