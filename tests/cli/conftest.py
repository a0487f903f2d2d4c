"""A command line in this process, with its own folder and a clean environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from slipway.cli.main import main


@dataclass(frozen=True)
class Done:
    """What one call of the command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, all of it, as one JSON document."""
        said = json.loads(self.out)
        return _Said(said) if isinstance(said, dict) else said


class _Said(dict[str, Any]):
    """Shows all that was said when a test asks for what is not there, as when an error came instead of a result."""

    def __missing__(self, key: str) -> Any:
        raise AssertionError(f"no {key!r} in {dict(self)}")


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """In an empty folder, without variables of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("SLIPWAY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # where the seal key would be made
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def slipway(capfd) -> Callable[..., Done]:
    """Call ``slipway`` as a shell would: ``slipway("eval", "quick")``."""

    def call(*arguments: str) -> Done:
        capfd.readouterr()
        try:
            code = main(arguments)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        said = capfd.readouterr()
        return Done(code, said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def _own_imports(tmp_path_factory, monkeypatch):
    """A task module of one test is not another's: every project has its own app.py."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, made_here = set(sys.modules), str(tmp_path_factory.getbasetemp())
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(made_here):
            del sys.modules[name]


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory):
    """The folder of `slipway init`, its quick suite run for each of its three variants, in a process of its own."""
    folder = tmp_path_factory.mktemp("support")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    for command in (["init", "--name", "support"], ["eval", "quick", "--quiet"], ["dataset", "add", "examples.jsonl"]):
        done = subprocess.run(
            [sys.executable, "-m", "slipway.cli", *command],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def there(evaluated, tmp_path, monkeypatch):
    """In a copy of `evaluated`, free to change it."""
    folder = tmp_path / "support"
    shutil.copytree(evaluated, folder)
    monkeypatch.chdir(folder)
    return folder
