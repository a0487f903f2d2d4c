"""``slipway suite``: what there is, and a held-out suite from sealing to its last look."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SEALED = '\n[suites.final]\ntier = "held-out"\ntask = "app:sort"\nlooks = 2\n'


@pytest.fixture
def sealed(slipway, there):
    """The project with fresh rows sealed as its suite ``final``, two looks; the file is gone."""
    rows = [json.loads(line) for line in Path("examples.jsonl").read_text().splitlines()]
    held = [row | {"id": f"h{i}", "input": f"{row['input']} Thanks, {i}"} for i, row in enumerate(rows)]
    Path("held.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    with Path("slipway.toml").open("a") as settings:
        settings.write(SEALED)
    done = slipway("suite", "seal", "held.jsonl", "--name", "final", "--looks", "2", "--json")
    assert (done.code, done.json["examples"]) == (0, 82)
    Path("held.jsonl").unlink()
    return there


def test_suites_and_their_rules(slipway, there):
    found = {suite["name"]: suite for suite in slipway("suite", "ls", "--json").json}
    assert found["quick"]["gate"]["at_least"] == 0.7
    said = slipway("suite", "ls").out
    assert "every example" in said
    assert "at least 0.7, not worse by 0.02" in said


def test_where_there_is_none(slipway):
    assert slipway("suite", "ls", "--json").json == []
    assert "slipway init" in slipway("suite", "ls").out


def test_a_held_out_suite_from_sealing_to_its_last_look(slipway, sealed):
    def look(variant, why="to see"):
        return slipway("suite", "look", "final", "--variant", variant, "--why", why, "--json")

    first = look("words", "before the release")
    assert first.code == 0
    assert (first.json["look"]["number"], first.json["look"]["looks_left"]) == (1, 1)
    again = look("words")
    assert again.json["look"]["number"] == 1
    better = look("stems")
    assert (better.json["look"]["better"], better.json["look"]["locked"]) == (True, True)
    refused = look("strict")
    assert refused.code == 2
    assert "locked" in refused.json["error"]["message"]
    book = slipway("suite", "ledger", "final", "--json").json
    assert [(entry["variant"], entry["why"]) for entry in book["looks"]] == [
        ("words", "before the release"),
        ("stems", "to see"),
    ]
    assert "final: 2 of 2 looks spent, locked" in slipway("suite", "ledger", "final").out


def test_no_command_shows_a_sealed_row(slipway, sealed):
    slipway("suite", "look", "final", "--variant", "stems", "--why", "to see")
    run = slipway("runs", "ls", "--suite", "final", "--json").json[0]["id"]
    commands = [
        ("runs", "show", run, "--failures", "100"),
        ("runs", "show", run, "--json"),
        ("dataset", "show", "final.sealed"),
        ("dataset", "export", "final.sealed", "out.jsonl"),
        ("dataset", "diff", "final.sealed", "examples"),
        ("dataset", "ls", "--json"),
        ("suite", "ledger", "final", "--json"),
        ("trace", "ls", "--json"),
        ("trace", "show", "@latest", "--json", "--full"),
        ("compare", run, "stems"),
        ("gate", run),
        ("journey",),
        ("reproduce", run),
        ("doctor", "--deep", "--json"),
    ]
    for command in commands:
        done = slipway(*command)
        assert "Thanks, " not in done.out + done.err, command
    assert not Path("out.jsonl").exists()


def test_a_look_needs_a_reason(slipway, sealed):
    assert slipway("suite", "look", "final", "--variant", "stems").code == 2
    done = slipway("eval", "final", "--variant", "stems")
    assert (done.code, "a look needs a reason" in done.err) == (2, True)
    assert slipway("suite", "ledger", "final", "--json").json["used"] == 0


def test_a_dry_run_spends_nothing(slipway, sealed):
    done = slipway("suite", "look", "final", "--variant", "stems", "--why", "x", "--dry-run", "--json")
    assert (done.code, done.json["left"]) == (0, 2)
