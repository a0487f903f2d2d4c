"""The entry point: help, typos, errors, exit codes, clean standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import click
import pytest

from slipway.cli import directory, main, report
from slipway.cli.invocation import Invocation
from slipway.cli.verbs import root
from slipway.errors import (
    CannotTell,
    CostCapReached,
    MissingExtra,
    ModelError,
    NotFound,
    NothingRan,
    SealedError,
    StoreError,
)


def test_help_loads_nothing_heavy():
    """What makes ``slipway --help`` cheap is what it does not import; no test looks at a clock."""
    code = (
        "import sys\nfrom slipway.cli.main import main\ncode = main(['--help'])\n"
        "import json\nprint('@' + json.dumps([code, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, facts = done.stdout.rsplit("@", 1)
    left, modules = json.loads(facts)
    assert left == 0
    assert not {"rich", "sqlalchemy", "scipy", "pandas", "numpy", "statsmodels", "msgspec", "click"} & set(modules)
    for name, short in directory.commands().items():
        assert f"  {name:<11} {short}" in text
    assert done.stderr == ""


def test_the_directory_is_the_files():
    """Each name has its file with a command that says the same of itself."""
    for name, short in directory.commands().items():
        command = root.get_command(click.Context(root), name)
        assert command is not None
        assert command.name == name
        assert command.short_help == short


def test_no_command_prints_help_and_is_a_usage_error(slipway):
    done = slipway()
    assert done.code == 2
    assert "Usage: slipway COMMAND" in done.out


def test_version(slipway):
    import slipway as package

    assert slipway("--version").out == f"slipway, version {package.__version__}\n"


@pytest.mark.parametrize(
    ("typed", "meant"), [("comptetion", "completion"), ("metric", "metrics"), ("dcotor", "doctor")]
)
def test_a_typo_is_answered_with_the_nearest_command(slipway, typed, meant):
    done = slipway(typed)
    assert done.code == 2
    assert f"did you mean {meant!r}?" in done.err
    assert done.out == ""


def test_a_typo_inside_a_family_is_answered_too(slipway):
    done = slipway("trace", "shwo", "3f")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'show'?" in done.err


def test_a_mistyped_option_is_answered_with_the_nearest(slipway):
    done = slipway("doctor", "--deeep")
    assert done.code == 2
    assert "--deep" in done.err
    assert "slipway doctor --help" in done.err


def test_usage_errors_are_json_too(slipway):
    done = slipway("trace", "show", "--json")
    assert done.code == 2
    assert done.json["error"]["exit_code"] == 2
    assert "TRACE" in done.json["error"]["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound.among("suite", "quik", ["quick"]), 2),
        (SealedError("locked"), 2),
        (MissingExtra.named("postgres", "psycopg"), 2),
        (StoreError("the disk is full"), 3),
        (ModelError("no answer"), 3),
        (CannotTell("not enough examples"), 4),
        (NothingRan("no example"), 5),
        (CostCapReached("spent"), 6),
    ],
)
def test_each_error_has_its_exit_code_and_says_where_to_read(capsys, error, code):
    assert report.problem(error, Invocation()) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: " in said.err
    assert f"page:  docs/{error.page}" in said.err
    assert "Traceback" not in said.err
    if error.mend:
        assert f"mend:  {error.mend}" in said.err


def test_the_cause_is_named(capsys):
    try:
        try:
            raise OSError("No space left on device")
        except OSError as cause:
            raise StoreError("the store cannot be written", mend="make room") from cause
    except StoreError as error:
        report.problem(error, Invocation())
    assert "cause: OSError: No space left on device" in capsys.readouterr().err


def test_unforeseen_errors_show_no_traceback_unless_asked(capsys):
    error = RuntimeError("boom")
    invocation = Invocation(json=True)
    assert report.unexpected(error, invocation) == 3
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["message"] == "RuntimeError: boom"
    assert "Traceback" not in said.err
    assert "--debug" in said.err
    invocation = Invocation()
    invocation.debug = True
    try:
        raise error
    except RuntimeError as raised:
        report.unexpected(raised, invocation)
    assert "Traceback" in capsys.readouterr().err


def test_interrupted_is_130(capsys):
    assert report.interrupted(Invocation(), ["eval", "quick", "--fresh"], code=main.INTERRUPTED) == 130
    assert "repeat nothing, with: slipway eval quick\n" in capsys.readouterr().err


def test_exit_codes_are_those_of_the_error_tree():
    """The table that ``--help`` prints knows every code that an error carries."""
    from slipway import errors

    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.SlipwayError)]
    assert {kind.exit_code for kind in kinds} <= set(directory.EXIT_CODES)


def test_a_hostile_error_message_is_made_harmless(capsys):
    report.problem(NotFound("no run '\x1b[2J\x1b]0;owned\x07'"), Invocation())
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\x07" not in said


SHELL = [sys.executable, "-m", "slipway.cli"]


@pytest.mark.parametrize("arguments", [["--help"], ["runs", "ls", "--help"]])
def test_a_reader_that_went_away_is_no_error(arguments):
    """``slipway --help | head -1``: here nobody reads at all, so that the pipe is always broken."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*SHELL, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("arguments", "code"), [("--help", 0), ("journey", 5), ("runs ls", 0), ("nonsense", 2)])
def test_closed_streams(arguments, code, tmp_path):
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f'"{sys.executable}" -m slipway.cli {arguments} {closed}'
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, "Traceback" in done.stderr, "Error" in done.stderr) == (code, False, False)


def test_standard_output_on_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*SHELL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"
