"""``slipway dataset``: versions, what changed, files for others."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

ROWS = [
    {"id": "a", "text": "one", "expected": 1, "lang": "en"},
    {"id": "b", "text": "deux", "expected": 2, "lang": "fr"},
    {"id": "c", "text": '=HYPERLINK("http://evil.example")', "expected": "+3", "lang": "\x1b[2Jen"},
]


def write(rows, name="own.jsonl"):
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def add(slipway, rows, *more):
    return slipway("dataset", "add", write(rows), "--input", "text", "--slice", "lang", "--json", *more).json


def test_the_same_rows_are_the_same_version(slipway):
    first, second = add(slipway, ROWS), add(slipway, ROWS)
    assert (first["new"], second["new"]) == (True, False)
    assert first["version"]["id"] == second["version"]["id"]
    assert len(slipway("dataset", "ls", "--json").json) == 1


def test_a_change_makes_a_version_and_diff_says_what_changed(slipway):
    old = add(slipway, ROWS)["version"]["id"]
    new = add(slipway, [ROWS[0] | {"expected": 11}, ROWS[2], {"id": "d", "text": "vier", "expected": 4}])["version"]
    assert new["parent_id"] == old
    found = slipway("dataset", "diff", old[:10], new["id"][:10], "--json").json
    assert (found["added"], found["removed"]) == (["d"], ["b"])
    assert found["changed"] == [{"id": "a", "fields": {"expected": [1, 11]}}]
    said = slipway("dataset", "diff", old[:10], "own").out
    assert "1 added, 1 removed, 1 changed (expected in 1), 1 the same" in said


def test_a_version_against_a_file(slipway):
    add(slipway, ROWS)
    other = write(ROWS[:2], "other.jsonl")
    found = slipway("dataset", "diff", "own", other, "--input", "text", "--json").json
    assert found["removed"] == ["c"]


def test_rows_are_chosen_by_conditions(slipway):
    found = add(slipway, ROWS, "--name", "english", "--where", "lang=en", "--where", "expected=1")
    assert (found["version"]["name"], found["version"]["size"]) == ("english", 1)
    assert slipway("dataset", "add", "own.jsonl", "--where", "lang").code == 2


def test_show_tells_slices_and_examples_and_no_escape_sequence(slipway):
    add(slipway, ROWS)
    found = slipway("dataset", "show", "own", "--limit", "2", "--json").json
    assert (found["size"], len(found["examples"])) == (3, 2)
    assert found["slices"]["lang"]["en"] == 1
    said = slipway("dataset", "show", "own").out
    assert "\x1b" not in said
    assert "\\x1b[2Jen 1" in said


def test_difficulty_comes_from_earlier_runs(slipway, there):
    found = slipway("dataset", "show", "examples", "--difficulty", "--limit", "1", "--json").json
    hardest = found["difficulty"][found["examples"][0]["id"]]
    assert (hardest["right"], hardest["of"], hardest["band"]) == (0, 3, "unsolved")


def test_t40_a_csv_export_holds_no_formula(slipway):
    add(slipway, ROWS)
    assert slipway("dataset", "export", "own", "out.csv").code == 0
    with open("out.csv", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert '\'=HYPERLINK("http://evil.example")' in cells


def test_an_export_reads_back_as_the_same_version(slipway):
    version = add(slipway, ROWS)["version"]["id"]
    assert slipway("dataset", "export", "own", "out.jsonl").code == 0
    again = slipway("dataset", "add", "out.jsonl", "--name", "own", "--json").json
    assert again["version"]["id"] == version
    assert "already exists" in slipway("dataset", "export", "own", "out.jsonl").err
    assert slipway("dataset", "export", "own", "out.xls").code == 2


@pytest.mark.parametrize(("content", "said"), [("{", "line 1"), ("", "no rows"), ('{"id": "a"}', "line 1")])
def test_bad_rows_are_refused_with_their_place(slipway, content, said):
    Path("own.jsonl").write_text(content)
    done = slipway("dataset", "add", "own.jsonl")
    assert done.code == 2
    assert said in done.err


def test_a_dataset_that_is_not_there(slipway):
    add(slipway, ROWS)
    assert "did you mean 'own'?" in slipway("dataset", "show", "owm").err
    assert slipway("dataset", "ls", "ownn").code == 2
