"""A small real project in a git repository, evaluated by a process of its own, for the tests of `reproduce`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slipway.store import Store, open_store

SRC = Path(__file__).parents[2] / "src"

TOML = """
[suites.words]
dataset = "words.jsonl"
task = "shout:shout"
scorers = ["exact", "latency"]
"""
ROWS = "".join(f'{{"id": "w{n}", "input": "word {n}", "expected": "WORD {n}"}}\n' for n in range(12))
SHOUT = """
import slipway
from words import louder

@slipway.task
def shout(example):
    return louder(example.input)
"""
LOUDER = "def louder(text):\n    return text.upper()\n"
RUN = """
import sys
from slipway.evals.run import evaluate
runs = evaluate(suite="words", store=sys.argv[1], progress=False, fresh=True)
print(next(iter(runs.values())).id)
"""


class Project:
    """A folder with a git repository in it and a store beside it."""

    def __init__(self, home: Path) -> None:
        self.known = ""
        self.folder = home / "project"
        self.folder.mkdir()
        self.url = f"sqlite:///{home / 'slipway.db'}"
        self.git("init", "--quiet", "--initial-branch=main")
        self.write(
            {"slipway.toml": TOML, "words.jsonl": ROWS, "shout.py": SHOUT, "words.py": LOUDER, ".gitignore": "*.log\n"}
        )
        self.commit()

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Mia", "-c", "user.email=mia@desk.example", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", "-C", str(self.folder), *who, *arguments], check=True, capture_output=True, text=True
        ).stdout

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "a commit")

    def run(self, script: str = RUN, *, path: tuple[str, ...] = (), file: str | None = None, **variables: str) -> str:
        """Evaluate in a process of its own; the run's id."""
        environ = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join([str(SRC), *path])}
        command = [sys.executable, "-c", script] if file is None else [sys.executable, file]
        done = subprocess.run(
            [*command, self.url], cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[-1]

    def store(self) -> Store:
        return open_store(self.url)


def keep_compiled(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Compile slipway and what it loads once, for all processes of a test. Their own modules are not written there: they
    change twice a second, which a compiled file's time stamp does not see."""
    patch.setenv("PYTHONPYCACHEPREFIX", str(folder))
    patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    code = "from slipway.evals import run, datasets, stats, summary; import slipway.store.sql, scipy.special, alembic.command"
    if not folder.exists():
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(SRC)}, check=True)
    patch.setenv("PYTHONDONTWRITEBYTECODE", "1")


def only_wheels_of(patch: pytest.MonkeyPatch, folder: Path, home: Path) -> None:
    """uv and pip install from ``folder`` and ask no registry, whatever this machine's own settings say."""
    settings = home / "uv.toml"
    settings.write_text(f"no-index = true\nfind-links = [{str(folder)!r}]\n")
    patch.setenv("UV_CONFIG_FILE", str(settings))  # there is no variable for no-index
    patch.setenv("UV_CACHE_DIR", str(home / "uv"))
    for name in ("UV_FIND_LINKS", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_NO_CONFIG"):
        patch.delenv(name, raising=False)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(folder))


def wheel(folder: Path, version: str) -> Path:
    """A wheel of a package ``greeter`` that says its version, and brings the model provider ``oracle``."""
    folder.mkdir(exist_ok=True)
    path = folder / f"greeter-{version}-py3-none-any.whl"
    info = f"greeter-{version}.dist-info"
    files = {
        "greeter.py": f"VERSION = {version!r}\n" + GREETER,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greeter\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[slipway.models]\noracle = greeter:Oracle\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            file.writestr(name, content)
    return path


GREETER = """
import os
from slipway.data import Reply

def greet(text):
    return f"{VERSION} {text}"

class Oracle:
    def __init__(self, name, **options):
        self.name = f"oracle/{name}"

    async def complete(self, request):
        now = os.environ["ORACLE"]
        return Reply(text=f"{now} {request.messages[-1].content}", model=f"oracle-{now}")
"""


def unpacked(packed: Path, folder: Path) -> None:
    """As an installer upgrades: whatever version was in ``folder`` goes, this one comes."""
    for old in folder.glob("greeter*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    with zipfile.ZipFile(packed) as file:
        file.extractall(folder)
