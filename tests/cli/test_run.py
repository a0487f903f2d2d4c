"""``slipway run``: a program that does not know Slipway is recorded, and behaves as without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(*arguments):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    command = [sys.executable, "-m", "slipway.cli", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_a_script_gets_its_arguments_and_its_exit_code_is_passed_on(slipway):
    Path("job.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")
    done = run("--project", "jobs", "job.py", "--json", "--limit", "3")
    assert done.returncode == 7
    assert done.stdout == "['--json', '--limit', '3']\n"
    found = slipway("trace", "ls", "--project", "jobs", "--json").json
    assert len(found) == 1
    assert found[0]["errors"] == 1


def test_a_module(slipway):
    Path("package").mkdir()
    Path("package/__init__.py").write_text("")
    Path("package/__main__.py").write_text("import sys\nprint(__name__, sys.argv[1:])\n")
    done = run("-m", "package", "x")
    assert (done.returncode, done.stdout) == (0, "__main__ ['x']\n")
    assert len(slipway("trace", "ls", "--json").json) == 1


def test_a_traceback_is_the_programs_own(slipway):
    Path("job.py").write_text("def f():\n    1 / 0\nf()\n")
    done = run("job.py")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "slipway" not in done.stderr
    assert "ZeroDivisionError" in slipway("trace", "show", "@latest").out


def test_spans_of_the_program_are_kept_in_the_folder_that_was_named(slipway, tmp_path):
    Path("job.py").write_text("import slipway as sw\nwith sw.span('inner'):\n    pass\n")
    assert run("--data", "elsewhere", "job.py").returncode == 0
    assert not (tmp_path / ".slipway").exists()
    names = [
        span["name"] for span in slipway("trace", "show", "@latest", "--data", "elsewhere", "--json").json["spans"]
    ]
    assert "inner" in names


def test_the_variables_of_whoever_calls_it_stay_as_they_were(slipway, monkeypatch):
    monkeypatch.setenv("SLIPWAY_DATA", "mine")
    Path("job.py").write_text(
        "import os\nprint(*(os.environ[f'SLIPWAY_{name}'] for name in ('TRACE', 'PROJECT', 'DATA')))\n"
    )

    def settings():
        return {name: value for name, value in os.environ.items() if name.startswith("SLIPWAY_")}

    before = settings()
    done = slipway("run", "--project", "jobs", "--data", "theirs", "job.py")
    assert (done.code, done.out) == (0, f"true jobs {Path('theirs').absolute()}\n")
    assert settings() == before


def test_a_script_that_is_not_there(slipway):
    done = run("gone.py")
    assert done.returncode == 2
    assert "no script 'gone.py'" in done.stderr
    assert slipway("run", "--json", "gone.py").code == 2
