"""Every test runs in an empty folder of its own, with no setting of the person who runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import postgres

# The same examples in each run, so that a change is told by its own tests and not by what chance finds that day; a machine
# with much else to do is no failure. `pytest --hypothesis-profile=search` draws others each time, and says how to repeat them.
settings.register_profile(
    "suite", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("suite"), derandomize=False, print_blob=True)
settings.load_profile("suite")

# Before any fixture, those of a module and of the session too: what they start would record itself, or elsewhere.
for _name in [name for name in os.environ if name.startswith("SLIPWAY_") and name != "SLIPWAY_NLU_DATA"]:
    del os.environ[_name]

OF_PYTEST = "PYTEST_CURRENT_TEST"  # which it changes as it goes
ROOT = Path(__file__).parent.parent
BESIDE = ROOT.parent / "shared/data/nlu"


@pytest.fixture(autouse=True)
def _no_setting_is_left() -> Iterator[None]:
    """What a test sets for programs that it starts is not there for the fixtures of a later module, and a span that it left open
    is no parent of a later test's: which tests share a worker is chance."""
    before = {name: value for name, value in os.environ.items() if name != OF_PYTEST}
    yield
    for name in [name for name in os.environ if name not in before and name != OF_PYTEST]:
        del os.environ[name]  # `init` itself sets some, for instrumentors to read
    os.environ.update(before)
    live = sys.modules.get("slipway.track.live")
    if live is not None:
        live.current.set(None)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, _no_setting_is_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLIPWAY_") and name != "SLIPWAY_NLU_DATA":
            monkeypatch.delenv(name)
    # No test calls a model that is not on this machine.
    monkeypatch.setenv("SLIPWAY_FORBID_REMOTE", "1")
    if "SLIPWAY_NLU_DATA" not in os.environ and (BESIDE / "dev.jsonl").is_file():
        monkeypatch.setenv("SLIPWAY_NLU_DATA", str(BESIDE))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """``small_disk("16m")``: a folder that is a file system of its own, of that size. Skips where this user may not mount:
    the tests beside the ones that need it show the same with a limit on files, which needs no rights."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.getuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only who may mount a file system can fill a small one")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for all tests; fails, and never skips, when PostgreSQL is not installed."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes an empty place for a store and gives its URL: a schema, since a new database takes 0.3 s and 7 MB."""
    import psycopg

    with psycopg.connect(postgres_server + "postgres", autocommit=True) as connection:

        def make() -> str:
            name = f"t{uuid.uuid4().hex[:12]}"
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]
            return f"{postgres_server}postgres?options=-csearch_path%3D{name}"

        yield make
