"""Another process that keeps a SQLite file to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("CREATE TABLE IF NOT EXISTS of_somebody (x)")
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
held.rollback()
held.execute("DROP TABLE of_somebody")
held.close()
"""


@contextmanager
def kept_locked(path: Path) -> Iterator[None]:
    """Nobody else reads or writes the file meanwhile; it is made when it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.stdin.close()
        assert holder.wait(60) == 0
        holder.stdout.close()
