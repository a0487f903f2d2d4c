"""Completion: the scripts, and what the shell is told while one types."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.fixture
def complete(slipway, monkeypatch):
    """What bash gets for the last of some words."""

    def ask(*words):
        monkeypatch.setenv("_SLIPWAY_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        done = slipway()
        monkeypatch.delenv("_SLIPWAY_COMPLETE")
        assert (done.code, done.err) == (0, "")
        return [line.partition(",")[2] for line in done.out.splitlines() if line]

    return ask


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(slipway, shell):
    done = slipway("completion", shell)
    assert done.code == 0
    assert "_SLIPWAY_COMPLETE" in done.out
    assert slipway("completion", shell, "--json").json["script"].strip() == done.out.strip()


def test_bash_accepts_the_script(slipway):
    script = slipway("completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_shell_is_taken_from_its_variable(slipway, monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "complete --no-files --command slipway" in slipway("completion").out
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert slipway("completion").code == 2


def test_commands_complete(complete):
    assert complete("slipway", "com") == ["compare", "completion"]


def test_in_a_process_of_its_own(there):
    """Once as a shell does it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    environ |= {"_SLIPWAY_COMPLETE": "bash_complete", "COMP_WORDS": "slipway eval q", "COMP_CWORD": "2"}
    command = [sys.executable, "-m", "slipway.cli"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("plain,quick\n", "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["slipway", "eval", "q"], ["quick"]),
        (["slipway", "eval", "quick", "--variant", "st"], ["stems", "strict"]),
        (["slipway", "dataset", "show", "e"], ["examples"]),
        (["slipway", "compare", "words", "ste"], ["stems"]),
        (["slipway", "runs", "show", "@"], ["@latest"]),
    ],
)
def test_names_complete_from_the_project(there, complete, words, expected):
    assert complete(*words) == expected


def test_ids_of_runs_complete(there, slipway, complete):
    run = slipway("runs", "ls", "--json").json[0]["id"]
    assert complete("slipway", "runs", "show", run[:10]) == [run[:12]]


def test_completing_creates_nothing_and_says_nothing_where_there_is_no_project(complete, tmp_path):
    assert complete("slipway", "runs", "show", "") == ["@latest"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "slipway.toml").write_text("not toml")
    assert complete("slipway", "eval", "") == []
