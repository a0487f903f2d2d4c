"""What reaches the terminal: colours only where they are wanted, no complaint when the reader goes away."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from tests.terminal import environ, typed

COMMAND = [sys.executable, "-m", "slipway.cli"]


def on_a_terminal(*arguments, **more):
    """What a command writes to a terminal of 80 columns."""
    return typed([*COMMAND, *arguments], environ(**more))[0]


def test_colours_are_for_terminals_that_want_them(there):
    assert "\x1b[" in on_a_terminal("suite", "ls")
    assert "\x1b[" not in on_a_terminal("suite", "ls", NO_COLOR="1")


@pytest.mark.parametrize("command", [("runs", "ls"), ("eval", "quick", "--repeats", "3", "--quiet"), ("journey",)])
def test_each_run_is_one_line_on_a_terminal_of_80_columns(there, command):
    said = on_a_terminal(*command, NO_COLOR="1").splitlines()
    assert max(map(len, said)) <= 80, said
    for variant in ("words", "stems", "strict"):
        assert [line for line in said if re.search(rf"\b{variant} +0\.\d+ \[0\.\d+, 0\.\d+\]", line)], said


def test_a_reader_that_goes_away_gets_no_traceback(there):
    read, write = os.pipe()
    os.close(read)  # before it begins: whoever is quick enough to write to a reader may do so without an error
    command = [*COMMAND, "dataset", "show", "examples", "--limit", "0", "--json"]
    listing = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environ(), check=False)
    os.close(write)
    assert (listing.returncode, listing.stderr.decode()) == (141, "")


def test_a_terminal_that_is_not_utf_8_gets_escapes(there):
    command = [*COMMAND, "dataset", "show", "examples"]
    done = subprocess.run(command, env=environ(PYTHONIOENCODING="ascii"), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\\u2026 62 more" in done.stdout.decode("ascii")
