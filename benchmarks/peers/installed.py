"""Each peer in an environment of its own, thrown away with the folder that holds them: never in .venv.

``SLIPWAY_BENCH_VENVS`` names the folder; without it they lie in the system's temporary one and are used again next time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VENVS = Path(os.environ.get("SLIPWAY_BENCH_VENVS", Path(tempfile.gettempdir()) / "slipway-bench-venvs"))
SECONDS = 900


def python_of(peer: str, *packages: str) -> str | None:
    """The interpreter of an environment that has ``packages``; None, with a line on standard error, when there can be none."""
    home = VENVS / peer
    python = home / "bin" / "python"
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if Path(uv).exists():
        commands = [
            [uv, "venv", "-q", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "-q", "--python", str(python), *packages],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(home)],
            [str(python), "-m", "pip", "install", "-q", *packages],
        ]
    return str(python) if _ready(peer, home, commands) else None


def program_of(peer: str) -> str | None:
    """The program of a peer that npm installs; None, with a line on standard error, when there can be none."""
    if not (shutil.which("node") and shutil.which("npm")):
        print(f"{peer}: not measured, it needs node and npm, which are not here", file=sys.stderr)
        return None
    home = VENVS / peer
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), peer]
    return str(home / "node_modules" / ".bin" / peer) if _ready(peer, home, [command]) else None


def _ready(peer: str, home: Path, commands: list[list[str]]) -> bool:
    if (home / "ready").exists():
        return True
    print(f"installing {peer} into {home}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
            said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1] if done.returncode else ""
        except subprocess.TimeoutExpired:
            said = f"no end within {SECONDS} s"
        if said:
            print(f"{peer}: not measured, it cannot be installed here: {said[:200]}", file=sys.stderr)
            return False
    (home / "ready").touch()
    return True
