"""`make demo`, as a process: the journey for real, and a second time nothing is computed again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway_assistant.mind import BEST

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


def run(folder: Path, *command: str) -> str:
    environ = os.environ | {
        "SLIPWAY_NLU_DATA": "",
        "SLIPWAY_ASSISTANT_MINDS": str(folder / "minds"),
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(printed: str) -> tuple[int, int]:
    """(computed, taken over)"""
    found = re.search(r"answers: ([\d,]+) computed, ([\d,]+) already", printed)
    assert found, printed
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


@pytest.mark.timeout(3600)  # every mind is fitted: a minute of two idle cores, many of busy ones
def test_the_journey_runs_is_recorded_and_nothing_is_computed_twice(tmp_path):
    shutil.copy(ROOT / "slipway.toml", tmp_path)
    first = run(tmp_path, str(BIN / "slipway-assistant"), "demo")
    computed, known = answers(first)
    assert computed > 1_000
    assert known == 0
    minds = json.loads(run(tmp_path, str(BIN / "slipway-assistant"), "variants", "--json"))
    for mind in minds:
        assert mind["name"] in first
    assert "must-pass" in first
    assert "Next:" in first

    second = run(tmp_path, str(BIN / "slipway-assistant"), "demo")
    assert answers(second)[0] == 0
    assert answers(second)[1] >= computed
    assert "0 fitted" in second

    journey = json.loads(run(tmp_path, str(BIN / "slipway"), "journey", "--json"))
    steps = {step["variant"]: step for step in journey["variants"]}
    assert set(steps) == {mind["name"] for mind in minds}
    for mind in minds:
        step = steps[mind["name"]]
        assert step["parent"] == mind["parent"]
        assert 0 <= step["score"]["low"] <= step["score"]["estimate"] <= step["score"]["high"] <= 1
        assert step["p50_ms"] > 0
        assert (step["verdict"] is None) == (mind["parent"] is None)
        assert step["must_pass"] in {"passed", "blocked", "flaky", "cannot tell"}
    assert steps[BEST]["score"]["low"] > steps["keywords"]["score"]["estimate"]
    assert steps[BEST]["must_pass"] == "passed"

    doctor = json.loads(run(tmp_path, str(BIN / "slipway"), "doctor", "--json"))
    assert doctor["spans"]["dropped"] == 0 if "spans" in doctor else doctor["spans.dropped"] == 0
