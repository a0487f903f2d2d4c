"""How `slipway up` starts: what it does not load, since loading is nearly all that starting costs (decision 0080)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

UP = [sys.executable, "-X", "importtime", "-m", "slipway.cli", "up", "--port", "0"]
NOT_NEEDED = (
    "alembic",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "psycopg",
    "numpy",
    "scipy",
    "pandas",
    "pydantic",
    "httpx",
)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_server_on_sqlite_starts_without_what_it_may_never_need(tmp_path, form):
    more = ["--json"] if form == "json" else []
    for store in ("new", "existing"):
        loaded = imported(tmp_path, more)
        assert "sqlalchemy" in loaded, "the list is not what was imported"
        for name in NOT_NEEDED:
            assert name not in loaded, f"{name} is loaded on a start on a {store} store"


def imported(folder, more):
    """The modules that a server imports until it says that it answers, and those of its end."""
    with (folder / "imports.txt").open("w+") as said:
        with subprocess.Popen(
            [*UP, *more], cwd=folder, env=os.environ, stdout=subprocess.PIPE, stderr=said, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
        said.seek(0)
        text = said.read()
    assert first, text
    assert process.returncode == 0, text
    return set(re.findall(r"^import time: .*\| +(\S+)$", text, re.MULTILINE))


ASKED = """
import gc, os, signal, sys
from slipway.cli.main import main

def said(*_):
    os.write(1, f"collects={gc.isenabled()} frozen={gc.get_freeze_count() > 10_000}\\n".encode())

signal.signal(signal.SIGUSR1, said)
sys.exit(main(["up", "--port", "0"]))
"""


def test_garbage_is_collected_once_the_server_answers(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", ASKED], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert "listens on" in process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        said = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert (said, process.returncode) == ("collects=True frozen=True\n", 0)
