"""compare: paired verdicts on runs and files, by slice, on several metrics, at a growing run."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import EvalRun, Sample, Verdict
from slipway.errors import CannotTell, DataError, NotFound, NothingRan, UsageError
from slipway.evals.compare import compare

KEYS = ["verdict", "delta", "ci_low", "ci_high", "p_value", "method", "n", "mde", "needed_n"]


@sw.task(version="1")
async def errs(example, ctx):
    """Wrong on the examples whose number leaves a remainder below the variant's."""
    number = int(example.id[1:])
    return "wrong" if number % 20 < ctx.config["wrong"] else example.input.upper()


def evaluate(store, size=200, rows=None, **more):
    more.setdefault(
        "variants", {"base": {"wrong": 5}, "same": {"wrong": 5}, "better": {"wrong": 1}, "bit": {"wrong": 4}}
    )
    data = sw.dataset(rows or capitals(size), name="capitals", slices=["parity"])
    return sw.evaluate(errs, data, store=store, progress=False, **more)


def test_better_worse_and_the_json_keys(store):
    runs = evaluate(store)
    verdict = compare(runs["base"], runs["better"])
    assert verdict.verdict == "better"
    assert verdict.delta == pytest.approx(0.2)
    assert compare(runs["better"], runs["base"]).verdict == "worse"
    assert runs["better"].against(runs["base"]).verdict == "better"
    made = verdict.to_dict()
    assert set(KEYS) <= set(made)
    assert json.loads(json.dumps(made)) == made
    assert made["n"] == 200
    assert "better is better than base on exact: 0.950 against 0.750, +0.200 [" in str(verdict)
    assert verdict.exit_code == 0


def test_cannot_tell_says_how_many_it_takes(store):
    runs = evaluate(store, size=40)
    verdict = compare(runs["base"], runs["bit"])
    assert verdict.verdict == "cannot_tell"
    assert verdict.exit_code == 4
    assert verdict.needed_n > 40
    assert f"{verdict.needed_n:,} in all" in verdict.reading
    with pytest.raises(CannotTell):
        verdict.check()
    nothing = compare(runs["base"], runs["same"])
    assert (nothing.verdict, nothing.delta) == ("cannot_tell", 0)


def test_not_worse_needs_a_margin(store):
    runs = evaluate(store, size=400)
    assert compare(runs["base"], runs["same"], margin=0.05).verdict == "not_worse"


def test_verdicts_are_kept(store):
    runs = evaluate(store)
    compare(runs["base"], runs["better"], by="parity")
    kept = {(one.metric, one.slice): one for one in store.find(Verdict, {"run_b": runs["better"].id})}
    assert set(kept) == {("exact", ""), ("exact", "parity=even"), ("exact", "parity=odd")}
    assert kept["exact", ""].verdict == "better"
    assert kept["exact", ""].run_a == runs["base"].id
    assert kept["exact", ""].result["n"] == 200
    compare(runs["base"], runs["same"], record=False)
    assert store.count(Verdict, {"run_b": runs["same"].id}) == 0


def test_slices_are_corrected_for_their_number(store):
    runs = evaluate(store)
    verdict = compare(runs["base"], runs["better"], by="parity")
    assert set(verdict.slices) == {"even", "odd"}
    odd = verdict.slices["odd"]
    assert (odd.n, odd.family) == (100, 2)
    first = min(verdict.slices.values(), key=lambda one: one.p_value)  # Holm: the smallest p times their number
    assert first.p_adjusted == pytest.approx(min(1, 2 * first.p_value))
    assert 0 < first.p_value < 0.5
    assert "parity=odd" in str(verdict)
    with pytest.raises(NotFound, match="did you mean 'parity'"):
        compare(runs["base"], runs["better"], by="party")


def test_several_metrics_are_one_family(store):
    runs = evaluate(store, scorers=["exact", "contains"])
    verdict = compare(runs["base"], runs["better"], metric=["exact", "contains"])
    assert list(verdict.metrics) == ["exact", "contains"]
    assert verdict.main.family == 2
    first = min(verdict.metrics.values(), key=lambda one: one.p_value)
    assert first.p_adjusted == pytest.approx(min(1, 2 * first.p_value))
    assert 0 < first.p_value < 0.5
    assert set(verdict.to_dict()["metrics"]) == {"exact", "contains"}
    with pytest.raises(NotFound, match="did you mean 'exact'"):
        compare(runs["base"], runs["better"], metric="exat")


def test_latency_and_cost_can_be_compared_and_lower_is_better(store):
    runs = evaluate(store, size=30)
    verdict = compare(runs["base"], runs["better"], metric="latency_ms")
    assert not verdict.higher_is_better


def test_runs_are_found_by_id(store):
    runs = evaluate(store)
    a, b = runs["base"].id, runs["better"].id
    assert compare(a[:12], b, store=store).verdict == "better"
    with pytest.raises(NotFound):
        compare("nix", b, store=store)
    with pytest.raises(UsageError, match="without a store"):
        compare(a, b)


def test_changed_examples_are_left_out(store):
    old = evaluate(store, size=100)
    rows = capitals(100)
    for row in rows[:10]:
        row["expected"] = "something else"
    new = evaluate(store, rows=rows)
    assert compare(old["base"], new["better"]).n == 90


def test_another_version_of_a_scorer_is_no_comparison(store):
    def judge_kindly(output):
        return 1.0

    def judge(output, expected):
        return output == expected

    judge.version, judge_kindly.version = "1", "2"
    judge_kindly.__name__ = "judge"
    base = evaluate(store, scorers=[judge], variants={"base": {"wrong": 5}})
    kind = evaluate(store, scorers=[judge_kindly], variants={"kind": {"wrong": 5}})
    with pytest.raises(UsageError, match="scored by version 1 in base and by 2 in kind"):
        compare(base, kind)


def test_a_growing_run_is_looked_at_with_an_e_process(store):
    runs = evaluate(store)
    verdict = compare(runs["base"], runs["better"], sequential=True)
    assert verdict.verdict == "better"
    assert verdict.e_value > 20
    store.write([replace(runs["same"].record, status="running")])
    note = compare(runs["base"].id, runs["same"].id, store=store).to_dict()["notes"]
    assert any("still running" in line for line in note)
    assert store.get(EvalRun, runs["same"].id).status == "running"


@pytest.mark.parametrize("repeats", [1, 2])
def test_every_look_at_a_run_that_is_growing_holds(store, repeats):
    """The task itself looks at the run it is part of, after every 20 samples: what is on disk by then is the run so far."""
    rows = capitals(200)
    base = sw.evaluate(errs, rows, store=store, progress=False, variants={"base": {"wrong": 5}}, repeats=repeats).only
    looks: dict[str, list] = {"same": [], "better": []}

    @sw.task(version="1")
    def growing(example, ctx):
        looks_of = looks[ctx.variant.name]
        running = next(store.find(EvalRun, {"variant": ctx.variant.name}, newest_first=True))
        done = store.count(Sample, {"run_id": running.id})
        if done >= 20 * (len(looks_of) + 1):
            assert running.status == "running"
            looks_of.append(compare(base, running.id, store=store, sequential=True, record=False))
        number = int(example.id[1:])
        # Another quarter is wrong than in base, so that the pairs differ and the difference is none.
        wrong = 5 <= number % 20 < 10 if ctx.variant.name == "same" else number % 20 < 1
        return "wrong" if wrong else example.input.upper()

    variants = {"same": {}, "better": {"n": 1}}
    limit = sw.Limit(concurrency=1)
    sw.evaluate(growing, rows, store=store, progress=False, variants=variants, repeats=repeats, limit=limit, seed=1)
    for name, found in looks.items():
        assert len(found) == 10 * repeats - 1, name
        assert [one.n for one in found] == sorted(one.n for one in found)
        assert all(one.method.startswith("anytime") and one.ci_low <= one.delta <= one.ci_high for one in found)
        assert not any("still running" in note for one in found for note in one.to_dict()["notes"])
    assert {one.verdict for one in looks["same"]} == {"cannot_tell"}
    assert looks["better"][0].verdict == "cannot_tell"
    assert looks["better"][-1].verdict == "better"
    with pytest.raises(UsageError, match="no slices"):
        compare(base, base, by="parity", sequential=True)


def test_a_sequential_look_takes_clusters(tmp_path):
    rows = [(n, n // 4, float(n % 4 > 0), 1.0 if n % 8 else 0.0) for n in range(320)]
    for name, place in (("a", 2), ("b", 3)):
        lines = [json.dumps({"example_id": row[0], "cluster": row[1], "score": row[place]}) for row in rows]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    verdict = compare(tmp_path / "a.jsonl", tmp_path / "b.jsonl", sequential=True)
    assert (verdict.verdict, verdict.n, verdict.n_clusters) == ("better", 320, 80)


def test_repeats_say_what_chance_alone_does(store):
    @sw.task
    def wavers(example, ctx):
        return "wrong" if (int(example.id[1:]) + ctx.repeat) % 4 == 0 else example.input.upper()

    runs = sw.evaluate(
        wavers, capitals(40), store=store, progress=False, repeats=2, variants={"a": {"n": 1}, "b": {"n": 2}}
    )
    notes = compare(runs["a"], runs["b"]).to_dict()["notes"]
    floor = runs["a"].summary["noise"]["exact"]["delta_noise"]
    assert any(note.startswith("A/A of a: ") and f"{floor:.3g}" in note for note in notes)
    once = evaluate(store, size=40)
    assert not any("A/A" in note for note in compare(once["base"], once["same"]).notes)


def write(path, scores, **more):
    lines = [json.dumps({"example_id": f"e{n}", "score": score, **more}) for n, score in enumerate(scores)]
    path.write_text("\n".join(lines) + "\n")
    return path


def discordant(tmp_path, n, gained, lost):
    """Two files of n 0/1 scores, A right on 75 %, of which B loses some, and gains some others."""
    right = round(n * 0.75)
    a = [1] * right + [0] * (n - right)
    b = [1] * (right - lost) + [0] * lost + [1] * gained + [0] * (n - right - gained)
    return write(tmp_path / "a.jsonl", a), write(tmp_path / "b.jsonl", b)


@pytest.mark.parametrize(("share", "needed"), [(0.06, 292), (0.10, 488), (0.20, 979)])
def test_75_against_79_percent_at_200_says_how_many_it_takes(tmp_path, share, needed):
    differ = round(200 * share)
    a, b = discordant(tmp_path, 200, gained=(differ + 8) // 2, lost=(differ - 8) // 2)
    verdict = compare(a, b)
    assert (verdict.mean_a, verdict.mean_b) == (0.75, 0.79)
    assert verdict.discordant == differ
    assert verdict.needed_n == needed
    # 10 against 2 of 12 that differ is beyond chance even on 200 (exact McNemar, p = 0.039); 14 to 6 and 24 to 16 are not.
    assert verdict.verdict == ("better" if share == 0.06 else "cannot_tell")
    if share > 0.06:
        assert verdict.verdict == "cannot_tell"


def test_files_may_have_repeats_clusters_and_gaps(tmp_path):
    lines = [
        {"example_id": f"e{n}", "score": 0.5 if n % 7 else None, "repeat": repeat, "cluster": f"c{n % 10}"}
        for n in range(60)
        for repeat in range(2)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    other = tmp_path / "b.jsonl"
    other.write_text("\n".join(json.dumps({**line, "score": 0.5 + line["repeat"] * 0.2}) for line in lines))
    verdict = compare(path, other)
    assert verdict.n == 51
    assert verdict.n_clusters == 10
    assert verdict.delta == pytest.approx(0.1)


def test_bad_files_name_file_and_line(tmp_path):
    good = write(tmp_path / "a.jsonl", [1, 0, 1])
    bad = tmp_path / "b.jsonl"
    bad.write_text('{"example_id": "e1", "score": 1}\n{"example_id": "e2"}\n')
    with pytest.raises(DataError, match=r"b.jsonl line 2: .*score"):
        compare(good, bad)
    bad.write_text("")
    with pytest.raises(DataError, match="has no scores"):
        compare(good, bad)
    with pytest.raises(DataError, match="cannot read"):
        compare(good, tmp_path / "nix.jsonl")


def drawn(thing, width=80):
    from rich.console import Console

    with open("out.txt", "w") as nowhere:
        console = Console(width=width, record=True, file=nowhere)
        console.print(thing)
        return console.export_text()


def test_it_renders_in_a_terminal_as_the_command_line_draws_it(store):
    runs = evaluate(store)
    verdict = compare(runs["base"], runs["better"], by="parity")
    said, table = drawn(verdict), drawn(runs)
    assert said.startswith("better is better than base.\n")
    assert re.search(r"^odd +0\.\d+ .*better", said, re.MULTILINE), said
    # As it is at 80 columns: no frame, nothing cut off, each figure whole on one line.
    assert table.splitlines()[0].split() == ["VARIANT", "EXACT", "EXAMPLES", "P50", "P95", "RUN"]
    for run in runs.values():
        assert re.search(rf"^{run.variant} +0\.\d+ \[.*\] .* {run.id[:12]}$", table.replace(" \n", "\n"), re.MULTILINE)
    for text in (said, table):
        assert not set(text) & set("│┃─━┏╭…"), text
    assert "0.95" in runs._repr_html_()


def test_a_run_is_not_compared_with_itself(store):
    runs = evaluate(store, size=20, variants={"base": {"wrong": 5}})
    with pytest.raises(UsageError, match="both are run"):
        compare(runs["base"], runs["base"])


@pytest.mark.parametrize("metric", [None, "exact", ["exact", "short"]])
def test_a_side_without_a_scored_example_is_named(store, metric):
    def fails(example):
        raise ValueError("no")

    def short(output):
        return len(output) < 6

    data = sw.dataset(capitals(20), name="capitals")
    options = {"store": store, "progress": False}
    good = sw.evaluate(lambda example: "x", data, scorers=["exact", short], **options).only
    bad = sw.evaluate(fails, data, scorers=["exact", short], **options).only
    with pytest.raises(NothingRan, match="run B has no scored example"):
        compare(good, bad, metric=metric)
    with pytest.raises(NothingRan, match="run A has no scored example"):
        compare(bad, good, metric=metric)

    def exact(output):
        raise ValueError("no")

    nobody_said = sw.evaluate(lambda example: "x", data, scorers=[exact], **options).only
    with pytest.raises(NothingRan, match="run B has no scored example"):
        compare(good, nobody_said, metric="exact")
