"""``slipway eval`` and ``slipway runs``: what is run, what is told, what the exit code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TASK = """
import slipway as sw

@sw.task
def answer(example, ctx):
    {body}
"""


def project(body, *, rows=8, more=""):
    """A project in the working folder whose task has that body."""
    Path("own.py").write_text(TASK.format(body=body))
    lines = [{"id": f"e{i}", "input": i, "expected": i} for i in range(rows)]
    Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    Path("slipway.toml").write_text(
        f'[suites.own]\ndataset = "rows.jsonl"\ntask = "own:answer"\nscorers = ["exact"]\n{more}'
    )


def test_it_runs_every_variant_of_the_file_and_says_what_came_of_it(slipway, there):
    done = slipway("eval", "quick", "--json")
    runs = done.json["runs"]
    assert done.code == 0
    assert [run["variant"] for run in runs] == ["words", "stems", "strict"]
    assert runs[1]["summary"]["scores"]["exact"]["estimate"] == pytest.approx(74 / 82)
    assert "quick/sort stems  82/82" in done.err


def test_a_second_time_computes_nothing(slipway, there):
    runs = slipway("eval", "quick", "--variant", "stems", "--json").json["runs"]
    assert [run["summary"]["cached"] for run in runs] == [82]
    runs = slipway("eval", "quick", "--variant", "stems", "--fresh", "--json").json["runs"]
    assert [run["summary"]["cached"] for run in runs] == [0]


def test_the_table_fits_80_columns_and_keeps_ids_whole(slipway, there, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ids = [run["id"][:12] for run in slipway("runs", "ls", "--json").json]
    for command in (("eval", "quick", "--quiet"), ("runs", "ls")):
        said = slipway(*command).out
        assert max(map(len, said.splitlines())) <= 80
        if command[0] == "runs":
            assert all(any(line.startswith(i) for line in said.splitlines()) for i in ids)
        assert "\x1b" not in said
        assert not [line for line in said.splitlines() if line != line.rstrip()]


def test_from_a_folder_below_the_project(slipway, there, monkeypatch):
    (there / "below").mkdir()
    monkeypatch.chdir(there / "below")
    assert slipway("eval", "quick", "--variant", "words", "--quiet").code == 0


def test_variables_set_suite_variants_and_limits(slipway, there, monkeypatch):
    monkeypatch.setenv("SLIPWAY_EVAL_SUITE", "quick")
    monkeypatch.setenv("SLIPWAY_EVAL_VARIANT", "words strict")
    monkeypatch.setenv("SLIPWAY_EVAL_CONCURRENCY", "3")
    monkeypatch.setenv("SLIPWAY_EVAL_REPEATS", "2")
    runs = slipway("eval", "--json", "--quiet").json["runs"]
    assert [run["variant"] for run in runs] == ["words", "strict"]
    assert runs[0]["repeats"] == 2
    assert runs[0]["planned"] == 164


def test_a_mistyped_suite_or_variant_is_answered_with_the_nearest(slipway, there):
    done = slipway("eval", "quik")
    assert (done.code, "did you mean 'quick'?" in done.err) == (2, True)
    done = slipway("eval", "quick", "--variant", "stem")
    assert (done.code, "did you mean 'stems'?" in done.err) == (2, True)


def test_a_task_that_is_not_there(slipway, there):
    settings = Path("slipway.toml").read_text()
    Path("slipway.toml").write_text(settings.replace("app:sort", "apq:sort"))
    done = slipway("eval", "quick")
    assert done.code == 2
    assert "apq" in done.err


def test_wrong_answers_are_shown_with_their_inputs(slipway, there):
    done = slipway("runs", "show", "stems", "--failures", "3", "--json")
    assert len(done.json["wrong"]) == 3
    first = done.json["wrong"][0]
    assert first["output"] != first["expected"]
    assert first["input"] in slipway("runs", "show", "stems").out


def test_each_example_is_a_trace(slipway, there):
    wrong = slipway("runs", "show", "stems", "--json").json["wrong"][0]
    found = slipway("trace", "show", wrong["trace_id"], "--json").json["spans"][0]
    assert found["input"] == wrong["input"]
    assert found["attributes"]["slipway.example_id"] == wrong["example_id"]
    project("return example.input")
    assert slipway("eval", "own", "--quiet", "--no-trace", "--project", "untraced").code == 0
    assert slipway("trace", "ls", "--project", "untraced", "--json").json == []


def test_a_dry_run_runs_nothing_and_says_what_is_recorded(slipway, there):
    runs = len(slipway("runs", "ls", "--json").json)
    found = slipway("eval", "quick", "--dry-run", "--json").json
    assert [(one["recorded"], one["to_run"], one["calls"]) for one in found["variants"]] == [(82, 0, 0)] * 3
    found = slipway("eval", "quick", "--dry-run", "--fresh", "--repeats", "2", "--variant", "stems", "--json").json
    assert found["to_run"] == 164
    assert len(slipway("runs", "ls", "--json").json) == runs
    assert "Nothing was run." in slipway("eval", "quick", "--dry-run").out


def test_failures_of_the_task_are_kept_and_told(slipway):
    project("return example.input // example.input")
    done = slipway("eval", "own", "--json", "--quiet")
    assert done.json["runs"][0]["summary"]["failed"] == 1
    wrong = slipway("runs", "show", "@latest", "--json").json["wrong"]
    assert any("ZeroDivisionError" in item["why"] for item in wrong)


def test_an_empty_suite_ran_nothing(slipway):
    project("return example.input", more='where = { lang = "fr" }\n')
    done = slipway("eval", "own")
    assert done.code in (2, 5)
    assert done.out == ""


@pytest.mark.parametrize("reference", ["stems", "prefix", "@latest", "id"])
def test_a_run_is_named_in_four_ways(slipway, there, reference):
    runs = slipway("runs", "ls", "--json").json
    stems = next(run for run in runs if run["variant"] == "stems")
    named = {"prefix": stems["id"][:8], "id": stems["id"]}.get(reference, reference)
    found = slipway("runs", "show", named, "--json").json["run"]["variant"]
    assert found == ("strict" if reference == "@latest" else "stems")


def test_a_run_that_is_not_there(slipway, there):
    done = slipway("runs", "show", "stem")
    assert (done.code, "did you mean 'stems'?" in done.err) == (2, True)
    assert "no eval run" in slipway("runs", "show", "ffffffffffff").err
    assert "no eval run in project 'other'" in slipway("runs", "show", "@latest", "--project", "other").err


def test_runs_are_compared_by_slice(slipway, there):
    done = slipway("compare", "words", "stems", "--by", "desk", "--json")
    assert (done.code, done.json["verdict"]) == (0, "better")
    assert set(done.json["slices"]) == {"billing", "shipping", "returns", "account", "person"}
    said = slipway("compare", "words", "stems", "--by", "desk").out
    assert "stems is better than words." in said
    assert "corrected for 5 comparisons (Holm)" in said


def test_variants_are_compared_on_the_same_suite(slipway, there):
    """The newest run of a variant may be of another suite; a pair is taken that can be paired."""
    assert slipway("eval", "must-pass", "--variant", "words", "--quiet").code == 0
    found = slipway("compare", "words", "stems", "--json").json
    assert found["n"] == 82
    assert slipway("compare", "words", "stems", "--suite", "must-pass", "--json").code == 2
