"""The files in deploy/: what they name is there, and what they promise they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def unit():
    lines = (ROOT / "deploy/slipway.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def instructions():
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text())
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def of(name):
    return [rest for found, rest in instructions() if found == name]


def test_every_path_that_is_copied_exists():
    for rest in of("COPY"):
        if not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_the_image_runs_as_nobody_special_and_is_pinned():
    assert of("USER") == ["10001:10001"]
    names = [name for name, _ in instructions()]
    assert names.index("ENTRYPOINT") > names.index("USER")
    assert "--require-hashes" in of("RUN")[0]
    pinned = (ROOT / "requirements/demo.txt").read_text()
    assert "granian==" in pinned
    assert "hatchling==" in pinned  # --no-build-isolation builds with what is pinned


def commands():
    """The commands of Slipway that the two files run."""
    return [
        ["up", *of("CMD")[0].strip("[]").replace('"', "").split(", ")[1:]],
        unit()["ExecStart"].split()[1:],
        ["key", "create", "--role", "admin"],
    ]


def test_the_commands_exist():
    for command in commands():
        words = [word for word in command if not word.startswith("-")][: 2 if command[0] == "key" else 1]
        done = subprocess.run(
            [sys.executable, "-m", "slipway.cli", *words, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        for option in (word for word in command if word.startswith("--")):
            assert option in done.stdout


def test_the_unit_gives_the_service_no_more_than_it_needs():
    found = unit()
    assert found["NoNewPrivileges"] == found["DynamicUser"] == found["PrivateTmp"] == "yes"
    assert found["ProtectSystem"] == "strict"
    assert (found["StateDirectory"], found["StateDirectoryMode"]) == ("slipway", "0700")
    assert found["CapabilityBoundingSet"] == ""


def test_it_is_not_killed_before_its_grace_is_over():
    from slipway.config import Server
    from slipway.server.serve import LAST_S

    assert int(unit()["TimeoutStopSec"]) > Server().grace + LAST_S
