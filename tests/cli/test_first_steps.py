"""From an empty folder to a verdict, as a person would type it: what `slipway init` says to type next works."""

from __future__ import annotations

import os
import subprocess
import sys


def test_from_an_empty_folder_to_a_verdict(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}

    def type_in(*arguments, folder="."):
        command = [sys.executable, "-m", "slipway.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path / folder, env=environ, capture_output=True, text=True, check=False)

    made = type_in("init", "support")
    assert made.returncode == 0, made.stderr
    steps = [line.split() for line in made.stdout.splitlines() if line.startswith("  ")]
    assert steps[0] == ["cd", "support"]
    assert [step[1] for step in steps[1:]] == ["eval", "compare", "gate", "journey"]
    said = {}
    for step in steps[1:]:
        done = type_in(*step[1:], folder="support")
        assert done.returncode == 0, done.stdout + done.stderr
        said[step[1]] = done.stdout
    assert "stems is better than words." in said["compare"]
    assert said["gate"].startswith("passed: stems on quick")
    assert "└─ strict" in said["journey"]
    blocked = type_in("gate", "strict", folder="support")
    assert blocked.returncode == 1
