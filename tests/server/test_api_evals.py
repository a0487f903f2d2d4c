"""Runs, samples, compare, journey, datasets, prompts and metrics over HTTP: the same figures as on the command line."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from slipway import evaluate
from slipway.data import DatasetVersion, EvalRun, Example, MetricPoint, Prompt, Sample, Score
from slipway.evals.compare import compare
from slipway.evals.datasets import Dataset
from slipway.evals.journey import journey
from slipway.evals.results import Run

AT = 1_790_000_000_000_000_000


def made(api, run_id, right, *, many=40, project="default", dataset="d", **more):
    """A run whose first ``right`` samples are right."""
    config = {"gate": {"metric": "exact"}, "process": {"host": "secret-host"}}
    run = EvalRun(
        run_id, "exp", f"variant-{run_id}", run_id, dataset, AT, suite="quick", status="finished", project=project,
        planned=many, config=config, summary={"metric": "exact", "samples": many, "scores": {}}, **more,
    )  # fmt: skip
    samples = [
        Sample(run_id, f"ex{n:03}", output=f"said {n}", scores=(Score("exact", float(n < right)),)) for n in range(many)
    ]
    api.write(run, *samples)
    return run


def test_runs_in_pages_and_one_with_what_it_was_made_of(api):
    for number in range(5):
        made(api, f"run{number}", number)
    made(api, "theirs", 1, project="other")
    assert [r["id"] for r in api.pages("/runs", "runs", limit=2)] == [f"run{n}" for n in (4, 3, 2, 1, 0)]
    assert [r["id"] for r in api.get("/runs", variant="run3")["runs"]] == ["run3"]
    assert api.get("/runs", suite="none")["runs"] == []
    found = api.get("/runs/run3")
    assert (found["run"]["metric"], found["run"]["status"], found["run"]["samples"]) == ("exact", "finished", 40)
    assert "secret-host" not in json.dumps(found)
    api.get("/runs/theirs", 404)
    api.get("/runs/theirs/samples", 404)


@pytest.mark.parametrize("limit", [1, 7, 39, 40, 41, 200])
def test_samples_failures_first(api, limit):
    made(api, "run1", 33)
    stored = api.pages("/runs/run1/samples", "samples", limit=limit)
    assert [s["example_id"] for s in stored] == [f"ex{n:03}" for n in range(40)]
    first = api.pages("/runs/run1/samples", "samples", limit=limit, failures_first=True)
    assert [s["example_id"] for s in first] == [f"ex{n:03}" for n in (*range(33, 40), *range(33))]
    assert [s["failed"] for s in first] == [True] * 7 + [False] * 33
    assert first[0]["scores"][0]["value"] == 0.0


def test_compare_says_what_the_command_says(api, tmp_path):
    made(api, "a" * 32, 20)
    made(api, "b" * 32, 34)
    found = api.get("/compare", a="a" * 32, b="b" * 32, margin=0.1)
    store = api.served.store
    runs = [Run(store.get(EvalRun, one * 32), store) for one in "ab"]
    assert found == json.loads(json.dumps(compare(*runs, margin=0.1, record=False).to_dict()))
    command = [sys.executable, "-m", "slipway.cli", "compare", "a" * 32, "b" * 32, "--margin", "0.1", "--json"]
    command += ["--store", store.url]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert json.loads(said.stdout) == found
    api.get("/compare", 404, a="a" * 32, b="nothing")
    api.get("/compare", 400, a="a" * 32, b="a" * 32)
    api.get("/compare", 400, a="a" * 32)
    api.get("/compare", 404, a="a" * 32, b="b" * 32, metric="nope")
    api.get("/compare", 404, a=__file__, b=__file__)  # never a file of the server


def test_reading_writes_nothing(api):
    from slipway.data import Verdict

    made(api, "a" * 32, 20)
    made(api, "b" * 32, 34)
    api.get("/compare", a="a" * 32, b="b" * 32)
    api.get("/journey")
    assert api.served.store.count(Verdict) == 0


def test_the_journey_is_that_of_the_command(api):
    api.get("/journey", 404)
    store = api.served.store
    rows = [Example(f"e{n}", str(n), str(n % 2)) for n in range(30)]
    variants = {"base": {"guess": "0"}, "better": {"guess": "", "parent": "base"}}

    def task(example, context):
        return context.config["guess"] or str(int(example.input) % 2)

    evaluate(task, data=rows, scorers=["exact"], variants=variants, store=store, trace=False)
    found = api.get("/journey")
    assert found == json.loads(json.dumps(journey(store, project="default").to_dict()))
    assert (found["best"], len(found["variants"])) == ("better", 2)
    api.get("/journey", 404, metric="nope")


def test_datasets_and_their_rows(api):
    data = Dataset("weather", tuple(Example(f"e{n}", {"text": n}, n, {"lang": "en"}) for n in range(25)), ("lang",))
    version = data.save(api.served.store)
    api.write(DatasetVersion("theirs", "t", 1, "0" * 64, AT, project="other"))
    assert [d["id"] for d in api.get("/datasets", name="weather")["datasets"]] == [version.id]
    assert [d["name"] for d in api.get("/datasets")["datasets"]] == ["weather"]
    assert api.get(f"/datasets/{version.id}")["dataset"]["slices"] == ["lang"]
    rows = api.pages(f"/datasets/{version.id}/rows", "rows", limit=10)
    assert [row["id"] for row in rows] == [f"e{n}" for n in range(25)]
    assert rows[3] == {"id": "e3", "input": {"text": 3}, "expected": 3, "metadata": {"lang": "en"}, "cluster": None}
    chosen = api.get(f"/datasets/{version.id}/rows", id=["e20", "e1", "none"])["rows"]
    assert [row["id"] for row in chosen] == ["e1", "e20"]
    api.get("/datasets/theirs", 404)
    api.get("/datasets/theirs/rows", 404)


def test_a_dataset_is_each_project_s_that_saved_it(api):
    data = Dataset("weather", (Example("e1", {"text": "rain"}, 1),))
    older = Dataset("weather", (Example("e0", {"text": "sun"}, 1),))
    store = api.served.store
    older.save(store, project="theirs", clock=lambda: AT)
    data.save(store, project="theirs", provenance={"by": "them"}, clock=lambda: AT + 1)
    path = f"/datasets/{data.version}"
    api.get(path, 404)
    api.get(f"{path}/rows", 404)
    version = data.save(store, provenance={"by": "us"}, clock=lambda: AT + 2)
    assert data.save(store, clock=lambda: AT + 3) == version
    assert (version.created_ns, version.parent_id) == (AT + 2, None)
    ours, said = api.get(path), api.get(path, project="theirs")
    assert (ours["provenance"], said["provenance"]) == ({"by": "us"}, {"by": "them"})
    assert (ours["dataset"]["parent_id"], said["dataset"]["parent_id"]) == (None, older.version)
    for project, ids in (("default", [data.version]), ("theirs", [data.version, older.version])):
        assert [d["id"] for d in api.get("/datasets", project=project)["datasets"]] == ids
        assert [row["id"] for row in api.get(f"{path}/rows", project=project)["rows"]] == ["e1"]


def test_prompts(api):
    api.write(
        *(Prompt(f"{n:064}", "a/b", n, f"version {n}", AT, note=f"n{n}") for n in (1, 3, 2)),
        Prompt("c" * 64, "c", 1, "text", AT),
        Prompt("t" * 64, "theirs", 1, "text", AT, project="other"),
    )
    found = api.pages("/prompts", "prompts", limit=1)
    assert [(p["name"], p["versions"], p["version"], p["note"]) for p in found] == [
        ("a/b", 3, 3, "n3"),
        ("c", 1, 1, ""),
    ]
    versions = api.pages("/prompts/a/b", "versions", limit=2)
    assert {v["version"]: v["template"] for v in versions} == {n: f"version {n}" for n in (1, 2, 3)}
    api.get("/prompts/theirs", 404)


def test_metrics_by_regular_expression_with_values(api):
    odd = "line\nbreak|(x).*"
    api.write(
        *(
            MetricPoint(f"run{r}", f"loss/{n:03}", r + n / 1000, s, AT)
            for r in (1, 2)
            for n in range(250)
            for s in (0, 1)
        ),
        MetricPoint("run1", odd, 5.0, 3, AT),
        MetricPoint("run1", "bad", math.nan, 0, AT),
        MetricPoint("run1", "bad", math.inf, 1, AT),
        MetricPoint("run9", "theirs", 1.0, 0, AT, project="other"),
    )
    names = [m["name"] for m in api.pages("/metrics", "metrics", limit=200)]
    assert names == sorted([*(f"loss/{n:03}" for n in range(250)), odd, "bad"])
    found = api.get("/metrics", pattern="^loss/0[01]3$")["metrics"]
    assert found[1]["name"] == "loss/013"
    assert [(v["run_id"], v["value"], v["step"]) for v in found[1]["values"]] == [
        ("run1", 1.013, 1),
        ("run2", 2.013, 1),
    ]
    assert api.get("/metrics", pattern="x", run="run1")["metrics"][0]["values"][0]["value"] == 5.0
    assert api.get("/metrics", pattern="^bad$")["metrics"][0]["values"][0]["value"] == "Infinity"
    assert [p["value"] for p in api.get("/metrics/values", run="run1", name="bad")["points"]] == ["NaN", "Infinity"]
    assert "look-around" in api.get("/metrics", 400, pattern="(?=x)")["error"]["mend"]
    api.get("/metrics/values", 404, run="run9", name="theirs")


def test_points_are_fewer_and_keep_their_spikes(api):
    values = [math.sin(n / 50) + 100 * (n == 777) - 100 * (n == 1234) for n in range(3000)]
    api.write(*(MetricPoint("run1", "loss", value, n, AT + n) for n, value in enumerate(values)))
    whole = api.get("/metrics/values", run="run1", name="loss", max_points=10_000)
    assert [p["value"] for p in whole["points"]] == pytest.approx(values)
    few = api.get("/metrics/values", run="run1", name="loss", max_points=100)
    assert (few["total"], len(few["points"]) <= 100) == (3000, True)
    assert {777, 1234} <= {p["step"] for p in few["points"]}
    assert [p["step"] for p in few["points"]] == sorted(p["step"] for p in few["points"])
