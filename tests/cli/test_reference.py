"""docs/reference/cli.md is what the commands say of themselves, and they say enough."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from slipway.cli import reference

ROOT = Path(__file__).parents[2]
LEAVES = {context.command_path: (context, command) for context, command in reference.leaves()}


def test_the_page_is_up_to_date():
    page = (ROOT / reference.FILE).read_text(encoding="utf-8")
    assert page == reference.page(), "run: python -m slipway.cli.reference"


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_and_every_parameter_has_help(path):
    context, command = LEAVES[path]
    assert (command.help or "").strip(), path
    for parameter in command.get_params(context):
        assert getattr(parameter, "help", None), f"{path} {parameter.name}"


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_speaks_json(path):
    _, command = LEAVES[path]
    assert "json" in {parameter.name for parameter in command.params}


def test_every_option_has_a_variable_of_its_own():
    seen = {}
    for path, (context, command) in LEAVES.items():
        for option in command.get_params(context):
            if isinstance(option, click.Option) and option.allow_from_autoenv and option.name != "debug":
                name = reference.variable(option, context)
                assert name.startswith("SLIPWAY_")
                assert seen.setdefault(name, path) == path, f"{name} sets an option of {seen[name]} and of {path}"


def test_no_variable_of_an_option_is_one_of_a_setting():
    from slipway.config import VARIABLES

    for context, command in LEAVES.values():
        for option in command.get_params(context):
            if isinstance(option, click.Option) and option.allow_from_autoenv:
                assert reference.variable(option, context) not in VARIABLES


def test_it_is_written_by_the_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs/reference").mkdir(parents=True)
    monkeypatch.setattr("sys.argv", ["reference", "--check"])
    assert reference.main() == 1
    monkeypatch.setattr("sys.argv", ["reference"])
    assert reference.main() == 0
    monkeypatch.setattr("sys.argv", ["reference", "--check"])
    assert reference.main() == 0
