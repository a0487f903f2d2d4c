"""A real pseudo-terminal for a program: what it writes there, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from collections.abc import Mapping, Sequence

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environ(**more: str) -> dict[str, str]:
    """The environment without what would decide for the terminal or for Slipway."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"):
        kept.pop(name, None)
    return kept | {"TERM": "xterm-256color"} | more


def typed(command: Sequence[str], env: Mapping[str, str], *, columns: int = 80, piped: bool = False) -> tuple[str, str]:
    """What ``command`` writes to a terminal of that width, and with ``piped`` what it writes to its standard output, which
    is then a pipe as in ``command | tee``."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, columns))
    out = subprocess.PIPE if piped else slave
    process = subprocess.Popen(command, stdin=slave, stdout=out, stderr=slave, env=env)
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says so when the last writer is gone
            break
        if not piece:
            break
        written += piece
    said, _ = process.communicate()
    os.close(master)
    return written.decode().replace("\r\n", "\n"), (said or b"").decode()
