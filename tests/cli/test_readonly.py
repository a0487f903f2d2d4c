"""Reading a project whose folder may not be written: another user's, or one on a read-only mount."""

from __future__ import annotations

import json

import pytest

from permissions import confined

READING = [
    "runs ls",
    "runs show stems --failures 2",
    "trace ls",
    "trace show @latest",
    "compare words stems --by desk",
    "gate stems --baseline words",
    "journey",
    "metrics exact --values",
    "dataset ls",
    "eval quick --dry-run",
]

# All in one process: each has an import of half a second otherwise.
EACH = """
import contextlib, io, json, sys
from slipway.cli.main import main
for command in sys.argv[1:]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*command.split(), "--json"])
    print(json.dumps([command, code, json.loads(out.getvalue()), err.getvalue()]))
"""


@pytest.fixture
def closed(there):
    """The evaluated project, of which nothing may be written."""
    paths = [there, *there.rglob("*")]
    before = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield there
    for path, bits in before.items():
        path.chmod(bits)


def call(folder, *commands):
    done = confined("-c", EACH, *commands, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_is_read_and_who_writes_is_told_why_not(closed):
    *reading, doctor, writing = call(closed, *READING, "doctor", "eval quick --quiet")
    assert [(command, code) for command, code, _, _ in reading if code] == []
    assert all(said for _, _, said, _ in reading)
    checks = doctor[2]["checks"]
    assert any(check["name"] == "data folder" and "cannot be written" in check["found"] for check in checks)
    assert all(check["state"] != "broken" for check in checks if check["name"] in ("store", "spool"))
    _, code, said, _ = writing
    assert (code, said["error"]["kind"]) == (3, "StoreError")
    assert "is open for reading only: no right to write" in said["error"]["message"]
    assert "give this user the right to write" in said["error"]["mend"]
