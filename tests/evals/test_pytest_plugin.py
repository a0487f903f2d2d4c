"""The pytest plugin, in a pytest of its own as users have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("measured_children")

SETTINGS = """
[suites.quick]
dataset = "rows.jsonl"
gate = { at-least = 0.5 }

[suites.strict]
dataset = "rows.jsonl"
tier = "must-pass"
task = "app:shout"
"""

APP = """
def shout(example):
    return example.input.upper()
"""


def run_pytest(folder: Path, tests: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "slipway.toml").write_text(SETTINGS)
    (folder / "app.py").write_text(APP)
    rows = [f'{{"id": "e{n}", "input": "w{n}", "expected": "W{n}"}}' for n in range(20)]
    (folder / "rows.jsonl").write_text("\n".join(rows))
    (folder / "test_app.py").write_text(tests)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-q",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)


def test_marked_tasks_results_and_bare_marks(tmp_path):
    done = run_pytest(
        tmp_path,
        """
import pytest, sys
sys.path.insert(0, ".")

@pytest.mark.slipway_suite("quick")
def test_task(example):
    return example.input.upper()

@pytest.mark.slipway_suite("quick", at_least=0.9)
async def test_bad_task(example, ctx):
    return example.input

@pytest.mark.slipway_suite("strict")
def test_bare():
    assert True

@pytest.mark.slipway_suite("strict")
def test_result(slipway_gate):
    assert slipway_gate.passed and slipway_gate.run.record.tier == "must-pass"

@pytest.mark.slipway_suite("quick", task="app:shout", variants={"a": {}, "b": {}}, baseline="a", margin=0.3)
def test_runs_and_baseline(slipway_runs, slipway_gate):
    assert list(slipway_runs) == ["a", "b"]
    assert slipway_gate.run.variant == "b" and slipway_gate.verdict.verdict == "not_worse"

@pytest.mark.slipway_suite("quik")
def test_mistyped(example):
    return ""

def test_ordinary(tmp_path):
    assert tmp_path.exists()
""",
        "--junitxml=report.xml",
    )
    assert "2 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    assert "gate blocked: default on quick" in done.stdout
    assert "did you mean 'quick'" in done.stdout
    assert "gate passed: default on strict" in done.stdout
    assert 'name="slipway_gate" value="passed"' in (tmp_path / "report.xml").read_text()


def test_silent_and_light_when_unused(tmp_path):
    done = run_pytest(
        tmp_path,
        """
import sys

def test_nothing_is_loaded():
    assert not {name for name in sys.modules if name.startswith("slipway.") and name != "slipway.pytest_plugin"}

def test_the_mark_is_known(pytestconfig):
    assert any(line.startswith("slipway_suite(") for line in pytestconfig.getini("markers"))
""",
        "--strict-markers",
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert "slipway" not in done.stdout.replace("slipway_suite", "")
