"""``slipway doctor``: what is stored, dropped, waiting; what is broken and how to mend it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.cli.examine import without_password
from slipway.data import Drop
from slipway.store import open_store

PROGRAM = """
import slipway as sw
sw.init(project="default")
for i in range({count}):
    with sw.span("work"):
        pass
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The data folder that a program left which recorded 200 spans, in a process of its own."""
    folder = tmp_path_factory.mktemp("recorded")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    command = [sys.executable, "-c", PROGRAM.format(count=200)]
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder, env=environ)
    return folder / ".slipway"


@pytest.fixture
def traced(recorded, tmp_path):
    """A copy of `recorded` in the working folder."""
    shutil.copytree(recorded, tmp_path / ".slipway")


def test_where_nothing_is_recorded_yet_all_is_well_and_nothing_is_made(slipway, tmp_path):
    before = set(tmp_path.rglob("*"))
    done = slipway("doctor", "--json")
    assert done.code == 0
    found = done.json
    assert (found["spans.stored"], found["spans.dropped"], found["spool.pending"]) == (0, 0, 0)
    assert found["healthy"] is True
    assert set(tmp_path.rglob("*")) == before


def test_what_was_recorded_is_counted(slipway, traced):
    found = slipway("doctor", "--json", "--deep").json
    assert found["spans.stored"] == 200
    assert (found["spans.dropped"], found["spool.pending"]) == (0, 0)
    said = slipway("doctor").out
    assert "spans.stored 200  spans.dropped 0  spool.pending 0" in said


def test_another_folder(slipway, traced, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert slipway("doctor", "--json").json["spans.stored"] == 0
    assert slipway("doctor", "--json", "--data", "../.slipway").json["spans.stored"] == 200
    monkeypatch.setenv("SLIPWAY_DATA", str(tmp_path / ".slipway"))
    assert slipway("doctor", "--json").json["spans.stored"] == 200


def test_drops_are_shown_by_reason(slipway, tmp_path):
    (tmp_path / ".slipway").mkdir(mode=0o700)
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    store.write(
        [Drop("p1", "queue", "full", 7, 1), Drop("p2", "queue", "full", 5, 1), Drop("p1", "spool", "full", 1, 1)]
    )
    store.close()
    found = slipway("doctor", "--json").json
    assert found["spans.dropped"] == 13
    assert sorted(found["drops"].values()) == [1, 12]
    assert "12 dropped" in slipway("doctor").out


def test_t17_a_damaged_store_is_broken_and_says_so(slipway, traced, tmp_path):
    slipway("doctor")
    path = tmp_path / ".slipway/slipway.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 30] = b"\xff" * 4096 * 27
    path.write_bytes(content)
    done = slipway("doctor", "--deep", "--json")
    assert done.code == 3
    assert done.json["healthy"] is False
    broken = [problem for problem in done.json["problems"] if problem["state"] == "broken"]
    assert broken
    assert all(problem["mend"] for problem in broken)
    assert slipway("doctor", "--deep").code == 3


def test_a_file_that_is_no_store(slipway, tmp_path):
    (tmp_path / ".slipway").mkdir(mode=0o700)
    (tmp_path / ".slipway/slipway.db").write_text("not a database, and long enough to be looked at as one" * 50)
    done = slipway("doctor", "--json")
    assert done.code == 3
    assert [problem["name"] for problem in done.json["problems"] if problem["state"] == "broken"] == ["store"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("project = ", "not valid TOML"),
        ('projet = "x"', "did you mean 'project'?"),
        ('[suites.a]\ntask = "t:f"\n', "names no dataset"),
        ('[suites.a]\ndataset = "gone.jsonl"\n', "gone.jsonl is not there"),
    ],
)
def test_settings_are_checked(slipway, settings, said):
    Path("slipway.toml").write_text(settings)
    found = slipway("doctor", "--json").json
    assert any(said in f"{p['problem']} {p['mend']}" for p in found["problems"])


def test_modes_that_let_others_read(slipway, traced, tmp_path):
    (tmp_path / ".slipway").chmod(0o755)
    found = slipway("doctor", "--json").json
    assert any("can be read by others" in problem["problem"] for problem in found["problems"])
    (tmp_path / ".slipway").chmod(0o700)
    (tmp_path / ".slipway/slipway.db").chmod(0o644)
    found = slipway("doctor", "--json").json
    assert any("slipway.db" in problem["problem"] for problem in found["problems"])


def test_a_store_of_a_later_version_is_not_touched(slipway, traced, tmp_path):
    slipway("doctor")
    with sqlite3.connect(tmp_path / ".slipway/slipway.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    done = slipway("doctor", "--json")
    assert done.code == 3
    assert "9999" in str(done.json["problems"])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://ann:s3cr:t@db/slipway", "postgresql+psycopg://ann:***@db/slipway"),
        ("postgresql://ann@db:5432/slipway", "postgresql://ann@db:5432/slipway"),
        ("sqlite:////srv/a:b@c/slipway.db", "sqlite:////srv/a:b@c/slipway.db"),
    ],
)
def test_t56_the_password_of_a_store_is_not_shown(url, shown):
    assert without_password(url) == shown


def test_a_full_disk_is_a_finding_and_every_other_check_is_made(slipway, small_disk, monkeypatch):
    disk = small_disk("4m")
    monkeypatch.chdir(disk)
    (disk / ".slipway" / "spool").mkdir(parents=True, mode=0o700)
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(5 << 20))
    done = slipway("doctor", "--json")
    states = {check["name"]: check["state"] for check in done.json["checks"]}
    assert (done.code, states["disk"], states["store"]) == (3, "broken", "broken")
    assert {"python", "sqlite", "settings"} <= set(states)
    (store,) = [problem for problem in done.json["problems"] if problem["name"] == "store"]
    assert "full" in store["problem"]
    assert "free disk space" in store["mend"]
    assert "Traceback" not in done.err
    filler.unlink()
    assert slipway("doctor", "--json").json["healthy"]


def test_forty_megabytes_are_little_and_enough(slipway, small_disk, monkeypatch):
    disk = small_disk("40m")
    monkeypatch.chdir(disk)
    (disk / ".slipway").mkdir(mode=0o700)
    done = slipway("doctor", "--json")
    assert {check["name"]: check["state"] for check in done.json["checks"]}["disk"] == "warn"
    assert done.code == 0
