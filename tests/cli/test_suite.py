"""``slipway suite``: what there is, and a held-out suite from sealing to its last look."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import click
import pytest

from slipway.cli.reference import leaves
from slipway.cli.verbs import EVERYWHERE

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


STAYS = {"slipway up", "slipway prove durability"}
"""Commands that do not come back by themselves, or only after half a minute in a folder of their own."""

OPTIONS = {"name": "other", "looks": "2", "variant": "stems", "why": "to see"}
"""What options that a command cannot do without are given."""


def calls(arguments):
    """Every command with ``arguments`` filled in: plainly, as JSON, with its flags, writing its files, showing most."""
    for context, leaf in leaves():
        name = context.command_path
        if name in STAYS:
            continue
        parameters = [parameter for parameter in leaf.params if parameter.name not in EVERYWHERE]
        words = name.split()[1:]
        for parameter in parameters:
            if isinstance(parameter, click.Argument):
                assert parameter.name in arguments, (
                    f"{name}: say here what of a sealed suite its {parameter.name} could be"
                )
                words.append(arguments[parameter.name])
            elif parameter.required:
                first = parameter.type.choices[0] if isinstance(parameter.type, click.Choice) else "1"
                words += [parameter.opts[0], OPTIONS.get(parameter.name, first)]
        options = [
            parameter for parameter in parameters if isinstance(parameter, click.Option) and not parameter.required
        ]
        flags = [option.opts[0] for option in options if option.is_flag]
        written = [(option.opts[0], f"{option.name}.out") for option in options if isinstance(option.type, click.Path)]
        most = [(option.opts[0], "100") for option in options if option.name in ("failures", "limit")]
        yield words
        yield [*words, "--json"]
        yield from ([*words, flag, *more] for flag in flags for more in ([], ["--json"]))
        yield [*words, *chain.from_iterable(written)]
        yield [*words, *chain.from_iterable(most)]


def test_no_command_shows_a_sealed_row(slipway, sealed):
    slipway("suite", "look", "final", "--variant", "stems", "--why", "to see")
    run = slipway("runs", "ls", "--suite", "final", "--json").json[0]["id"]
    arguments = {
        "run": run,
        "a": run,
        "b": "stems",
        "suite": "final",
        "dataset": "final.sealed",
        "old": "final.sealed",
        "new": "examples",
        "name": "final.sealed",
        "trace": "@latest",
        "pattern": "",
        "source": "examples.jsonl",
        "file": "exported.jsonl",
        "folder": "elsewhere",
        "script": "app.py",
        "target": "app.py",
        "arguments": "",
        "shell": "bash",
        "key_id": "none",
        "dest": "saved",
        "src": "saved",
    }
    seen = set()
    for command in calls(arguments):
        seen.add(tuple(command[:2]))
        done = slipway(*command)
        assert "Thanks, " not in done.out + done.err, command
    assert len(seen) > 20
    assert not Path("exported.jsonl").exists()
    told = [path for path in sealed.rglob("*") if path.is_file() and b"Thanks, " in path.read_bytes()]
    assert told == []


def test_a_look_needs_a_reason(slipway, sealed):
    assert slipway("suite", "look", "final", "--variant", "stems").code == 2
    done = slipway("eval", "final", "--variant", "stems")
    assert (done.code, "a look needs a reason" in done.err) == (2, True)
    assert slipway("suite", "ledger", "final", "--json").json["used"] == 0


def test_a_dry_run_spends_nothing(slipway, sealed):
    done = slipway("suite", "look", "final", "--variant", "stems", "--why", "x", "--dry-run", "--json")
    assert (done.code, done.json["left"]) == (0, 2)
