"""Exports: whole, in every form, streamed; formulas disarmed (T40). And held-out suites: nothing of them through any route."""

from __future__ import annotations

import csv
import io
import json

from server import web
from server.walk import address
from slipway.data import EvalRun, Example, MetricPoint, Sample, Score, Span
from slipway.evals.datasets import Dataset, dataset
from slipway.evals.sealed import seal
from slipway.server.routing import all_routes

AT = 1_790_000_000_000_000_000
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "＝1")


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def fetch(api, path, status=200, /, **params):
    answer = api.client.get(path, params=params)
    assert answer.status_code == status, answer.text[:1000]
    return answer


def spans(many):
    return [
        Span(
            f"{n:032x}",
            f"{place:016x}",
            f"n{n}",
            AT + n,
            5,
            parent_id=None if place == 1 else f"{1:016x}",
            input={"n": n},
        )
        for n in range(1, many + 1)
        for place in (1, 2)
    ]


def test_traces_as_json_lines_csv_and_parquet(api):
    api.write(*spans(450), Span("f" * 32, "f" * 16, "theirs", AT, 5, project="other"))
    whole = lines(fetch(api, "/exports/traces"))
    assert sorted((s["trace_id"], s["span_id"]) for s in whole) == sorted((s.trace_id, s.span_id) for s in spans(450))
    assert whole[0]["input"] == {"n": 450}
    some = lines(fetch(api, "/exports/traces", filter="name = n7", **{"from": AT}))
    assert [s["name"] for s in some] == ["n7", "n7"]
    answer = fetch(api, "/exports/traces", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert len(list(csv.reader(io.StringIO(answer.text)))) == 901
    fetch(api, "/exports/traces", 400, filter="nonsense")
    fetch(api, "/exports/traces", 400, format="xml")


def test_parquet_reads_back(api):
    import pyarrow.parquet as pq

    api.write(*spans(450))
    answer = fetch(api, "/exports/traces", format="parquet")
    found = pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert len(found) == 900
    assert (found[0]["started_ns"], json.loads(found[0]["input"])) == (AT + 450, {"n": 450})


def test_samples_and_rows(api):
    data = Dataset("d", tuple(Example(f"e{n}", text, n) for n, text in enumerate(FORMULAS)))
    version = data.save(api.served.store)
    run = EvalRun("run1", "exp", "v", "base", version.id, AT)
    api.write(run, *(Sample("run1", e.id, output=e.input, scores=(Score("exact", 1.0),)) for e in data))
    samples = lines(fetch(api, "/exports/runs/run1/samples"))
    assert [s["output"] for s in samples] == list(FORMULAS)
    assert samples[0]["scores"][0]["name"] == "exact"
    assert [Example(**row) for row in lines(fetch(api, f"/exports/datasets/{version.id}"))] == list(data)
    for path in (f"/exports/datasets/{version.id}", "/exports/runs/run1/samples"):  # T40
        for row in list(csv.reader(io.StringIO(fetch(api, path, format="csv").text)))[1:]:
            assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "＝")) for cell in row), row
    fetch(api, "/exports/runs/none/samples", 404)
    fetch(api, "/exports/datasets/none", 404)


SECRET = "zebra"


def test_of_a_held_out_suite_no_route_shows_an_example_an_answer_or_a_score(api, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    store = api.served.store
    rows = [{"id": f"{SECRET}{n}", "input": f"{SECRET} in {n}", "expected": f"{SECRET} out {n}"} for n in range(30)]
    version = seal(dataset(rows), suite="held", looks=3, store=store)
    # A real look, and records as a careless program of somebody else might have planted them.
    run = EvalRun(
        "run1", "held", "v", "base", version.id, AT, suite="held", tier="held-out", status="finished",
        summary={"samples": 30, "metric": "exact", "says": "look 1", "look": {"shown": 0.75}, "sealed_scores": SECRET,
                 "scores": {"exact": {"estimate": 0.123}}, "slices": {"x": SECRET}},
    )  # fmt: skip
    api.write(
        run,
        EvalRun("run2", "held", "v", "other", version.id, AT, suite="held", summary={"metric": "exact"}),
        *(Sample(one, f"{SECRET}{n}", output=f"{SECRET} said {n}", scores=(Score("exact", 1.0),), trace_id="a" * 32)
          for one in ("run1", "run2") for n in range(30)),
        MetricPoint("run1", "exact", 0.987, 0, AT),
        Span("a" * 32, "b" * 16, "sample", AT, 5, run_id="run1"),
    )  # fmt: skip
    walked = 0
    for found in all_routes():
        if found.method != "GET" or found.path == "/api/v1/events" or not found.path.startswith("/api/v1/"):
            continue
        for identity in (version.id, version.name, "run1", "run2", "held", "a" * 32, "b" * 16, f"{SECRET}1"):
            for params in ({}, {"a": "run1", "b": "run2", "run": "run1", "name": "exact", "failures_first": "true"}):
                answer = web.get(api.served.url + address(found, identity), params=params)
                walked += 1
                assert answer.status_code < 500, (found.path, identity, answer.text)
                said = answer.text.replace(f"{SECRET}1'", "")  # an error repeats what was asked for
                assert SECRET not in said, (found.path, identity, answer.text)
                if "metrics" not in found.path and "journey" not in found.path:  # sums, which are no example's
                    assert "0.123" not in said, (found.path, identity)
    assert walked > 100
    assert api.get("/runs/run1")["run"]["says"] == "look 1"
    assert api.get(f"/datasets/{version.id}")["dataset"]["sealed"] is True
    for path in (
        "/runs/run1/samples",
        "/runs/run2/samples",
        f"/datasets/{version.id}/rows",
        "/metrics/values?run=run1&name=exact",
    ):
        assert web.get(f"{api.served.url}/api/v1{path}").status_code == 403, path
    for path in ("/exports/runs/run1/samples", f"/exports/datasets/{version.id}", "/compare?a=run1&b=run2"):
        assert web.get(f"{api.served.url}/api/v1{path}").status_code == 403, path
