"""A scorer that raises: the run is kept, and nobody takes it for measured."""

from __future__ import annotations

import json
from pathlib import Path


def project(body):
    Path("own.py").write_text(
        "import slipway as sw\n\n@sw.task\ndef answer(example):\n    return example.input\n\n"
        f"def judge(output, expected):\n    {body}\n"
    )
    lines = [{"id": f"e{i}", "input": i, "expected": i} for i in range(8)]
    Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Path("slipway.toml").write_text(
        '[suites.own]\ndataset = "rows.jsonl"\ntask = "own:answer"\nscorers = ["exact", "own:judge"]\n'
    )


def test_on_every_sample_it_is_an_error_that_names_scorer_and_cause(slipway):
    project("return output / 0")
    done = slipway("eval", "own", "--quiet", "--json")
    assert done.code == 3
    run = done.json["runs"][0]
    assert run["status"] == "finished"  # the outputs are kept: once the scorer is mended only it runs again
    assert run["summary"]["scorer_failures"]["judge"] == {
        "failed": 8,
        "of": 8,
        "first": "ZeroDivisionError: division by zero",
    }
    line = "error: scorer 'judge' failed on all 8 samples of default; the first: ZeroDivisionError: division by zero"
    assert line in done.err.splitlines()


def test_on_some_samples_it_is_said_how_many(slipway):
    project("return 1 / (output % 4)")
    done = slipway("eval", "own", "--quiet")
    assert done.code == 0
    assert "warning: scorer 'judge' failed on 2 of 8 samples of default; the first: ZeroDivisionError" in done.err


def test_one_that_does_not_raise_is_not_mentioned(slipway):
    project("return 1.0")
    done = slipway("eval", "own", "--quiet", "--json")
    assert (done.code, done.err) == (0, "")
    assert "scorer_failures" not in done.json["runs"][0]["summary"]
