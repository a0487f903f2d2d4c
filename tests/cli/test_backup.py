"""``slipway backup``, ``restore`` and ``migrate``: what was saved comes back whole, or not at all."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from slipway.data import Span
from slipway.server.deriving import derive
from slipway.store import migrate, open_store
from slipway.store.derived import Builder, Derived
from slipway.track.spool import write_segment


def span(number: int, **fields: object) -> Span:
    return Span(f"{number:032x}", f"{number:016x}", "work", 10**18 + number, 5, **fields)  # type: ignore[arg-type]


@pytest.fixture
def filled(tmp_path):
    """A data folder with ten spans, a blob and a segment of a spool that nobody ships."""
    folder = tmp_path / ".slipway"
    store = open_store(f"sqlite:///{folder}/slipway.db")
    store.write([span(number) for number in range(1, 11)])
    store.put_blob(b"a large payload")
    store.close()
    (folder / "spool").mkdir(mode=0o700)
    write_segment(folder / "spool" / "1-p-1.spool", [span(11)])
    return folder


def stored(folder: Path) -> set[int]:
    with closing(sqlite3.connect(folder / "slipway.db")) as connection:
        return {int(row[0], 16) for row in connection.execute("SELECT span_id FROM spans")}


def test_what_was_backed_up_comes_back(slipway, filled, tmp_path):
    assert slipway("backup", "saved").code == 0
    assert slipway("backup", "saved", "--verify").code == 0
    done = slipway("restore", "saved", "--data", "fresh", "--json")
    assert (done.code, done.json["schema"]) == (0, migrate.HEAD)
    assert stored(tmp_path / "fresh") == set(range(1, 11))
    with closing(sqlite3.connect(tmp_path / "fresh" / "slipway.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    found = slipway("doctor", "--deep", "--json", "--data", "fresh").json
    assert found["healthy"] is True, found["problems"]
    assert found["store"]["blobs"] == 1
    assert found["spans.stored"] == 11  # with the one that waited in the spool


def test_everything_is_for_its_owner_alone(slipway, filled, tmp_path):
    slipway("backup", "saved")
    slipway("restore", "saved", "--data", "fresh")
    for path in [*(tmp_path / "saved").rglob("*"), *(tmp_path / "fresh").rglob("*"), tmp_path / "saved"]:
        assert path.stat().st_mode & 0o077 == 0, path  # T61


def test_it_is_taken_while_others_write(slipway, filled, tmp_path):
    store = open_store(f"sqlite:///{filled}/slipway.db")
    written, stop, some = [], threading.Event(), threading.Event()

    def write():
        for number in range(100, 10**6):
            store.write([span(number)])
            written.append(number)
            some.set()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert some.wait(240)
        before = set(written)
        done = slipway("backup", "saved", "--json")
    finally:
        stop.set()
        writer.join()
        store.close()
    assert done.code == 0
    slipway("restore", "saved", "--data", "fresh")
    assert before <= stored(tmp_path / "fresh")


def test_a_store_that_a_crash_left_is_backed_up_with_its_log(slipway, filled, tmp_path):
    store = open_store(f"sqlite:///{filled}/slipway.db")
    store.write([span(50)])
    shutil.copytree(filled, tmp_path / "crashed")  # as a kill leaves it: the newest commit is in the log alone
    store.close()
    (tmp_path / "crashed" / "slipway.db-shm").unlink()
    assert slipway("backup", "saved", "--data", "crashed").code == 0
    slipway("restore", "saved", "--data", "fresh")
    assert 50 in stored(tmp_path / "fresh")


def test_a_folder_that_is_not_empty_is_refused(slipway, filled, tmp_path):
    slipway("backup", "saved")
    before = stored(filled)
    assert slipway("restore", "saved").code == 2  # the store itself
    assert slipway("backup", "saved").code == 2
    assert stored(filled) == before
    assert slipway("backup", "other", "--data", "nothing-here").code == 2


def test_a_damaged_backup_is_refused_and_nothing_is_made(slipway, filled, tmp_path):
    slipway("backup", "saved")
    database = tmp_path / "saved" / "slipway.db"
    whole = database.read_bytes()
    for damaged in (whole[:-1], whole[:5000] + b"\0" + whole[5001:] if whole[5000] else whole[:-1] + b"x", None):
        database.unlink()
        if damaged is not None:
            database.write_bytes(damaged)
        assert slipway("restore", "saved", "--data", "fresh").code == 2
        assert slipway("backup", "saved", "--verify").code == 2
        assert not (tmp_path / "fresh").exists()
    (tmp_path / "saved" / "manifest.json").unlink()
    assert slipway("restore", "saved", "--data", "fresh").code == 2


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/tmp/escaped", "blobs/../../escaped", "blobs//x", "./slipway.db", "manifest.json", "blobs", ""],
)
def test_t39_a_name_that_leads_elsewhere_is_refused(slipway, filled, tmp_path, name):
    slipway("backup", "saved")
    path = tmp_path / "saved" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"].append({**manifest["files"][0], "path": name})
    path.write_text(json.dumps(manifest))
    done = slipway("restore", "saved", "--data", "deep/fresh", "--json")
    assert done.code == 2
    assert "none of a backup" in done.json["error"]["message"]
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path / "deep" / "fresh").exists()


def test_t39_a_link_in_a_backup_is_refused(slipway, filled, tmp_path):
    slipway("backup", "saved")
    moved = tmp_path / "moved.db"
    (tmp_path / "saved" / "slipway.db").rename(moved)
    (tmp_path / "saved" / "slipway.db").symlink_to(moved)
    assert slipway("restore", "saved", "--data", "fresh").code == 2


def test_t21_a_newer_schema_is_refused(slipway, filled, tmp_path):
    slipway("backup", "saved")
    path = tmp_path / "saved" / "manifest.json"
    path.write_text(path.read_text().replace(f'"schema": "{migrate.HEAD}"', '"schema": "9999"'))
    assert slipway("restore", "saved", "--data", "fresh").code == 3
    with closing(sqlite3.connect(filled / "slipway.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = (filled / "slipway.db").read_bytes()
    done = slipway("migrate", "--json")
    assert done.code == 3
    assert "9999" in done.json["error"]["message"]
    assert (filled / "slipway.db").read_bytes() == before


def test_migrate_shows_and_applies(slipway, filled):
    with closing(sqlite3.connect(filled / "slipway.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    done = slipway("migrate", "--dry-run", "--json").json
    assert (done["schema"], done["applied"]) == ("0001", False)
    assert done["pending"] == migrate.revisions()[1:]
    assert slipway("migrate", "--dry-run", "--json").json["schema"] == "0001"


def test_migrate_where_all_is_well(slipway, filled):
    done = slipway("migrate", "--json").json
    assert (done["schema"], done["pending"]) == (migrate.HEAD, [])


def test_migrate_makes_derived_data_again(slipway, filled):
    store = open_store(f"sqlite:///{filled}/slipway.db")
    derived = Derived(store)
    Builder(derived, derive).catch_up()
    with derived.writing() as connection:
        connection.exec_driver_sql("UPDATE traces SET name = 'wrong'")
    derived.close()
    assert slipway("migrate", "--derived", "--json").json["derived"] == 10
    derived = Derived(store)
    with derived.reading() as connection:
        assert connection.exec_driver_sql("SELECT DISTINCT name FROM traces").all() == [("work",)]
    derived.close()
    store.close()


def test_postgresql_says_what_to_do_or_dumps(slipway, new_database, tmp_path, monkeypatch):
    url = new_database()
    store = open_store(url)
    store.write([span(1)])
    store.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    done = slipway("backup", "saved", "--store", url, "--json").json
    assert "pg_dump --format=custom" in done["missing"]
    monkeypatch.undo()
