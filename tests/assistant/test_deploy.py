"""The assistant's unit for systemd: what it names is there, what it promises it says, and systemd reads it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/slipway-assistant.service"
RUN = [sys.executable, "-c", "import sys; from slipway_assistant.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def unit():
    lines = [line for line in UNIT.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    return [tuple(line.split("=", 1)) for line in lines]


def test_its_command_and_options_exist(unit):
    program, *words = dict(unit)["ExecStart"].split()
    assert program.endswith("/slipway-assistant")
    done = subprocess.run([*RUN, words[0], "--help"], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in words[1:])


def test_its_variables_are_settings(unit):
    from slipway_assistant.experiment import FOLDER
    from slipway_assistant.settings import PREFIX, Settings

    names = {value.split("=")[0] for key, value in unit if key == "Environment"}
    settings = {PREFIX + field.upper() for field in Settings.__struct_fields__}
    assert names <= settings | {FOLDER, "SLIPWAY_DATA"}


def test_it_gives_the_service_no_more_than_it_needs(unit):
    found = dict(unit)
    assert found["NoNewPrivileges"] == found["PrivateTmp"] == found["RestrictSUIDSGID"] == "yes"
    assert (found["ProtectSystem"], found["ProtectHome"]) == ("strict", "read-only")
    assert found["StateDirectoryMode"] == found["CacheDirectoryMode"] == "0700"
    assert "AF_PACKET" not in found["RestrictAddressFamilies"]


def test_systemd_reads_it(tmp_path):
    # Where there is no systemd nothing can read it; the tests above hold what it says.
    analyze = shutil.which("systemd-analyze")
    program = tmp_path / "slipway/bin/slipway-assistant"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    environ = os.environ | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    if analyze is not None:
        done = subprocess.run(
            [analyze, "verify", "--user", str(UNIT)], capture_output=True, text=True, env=environ, timeout=280
        )
        assert done.returncode == 0, done.stderr
        assert UNIT.name not in done.stderr, done.stderr
