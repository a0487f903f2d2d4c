"""A store that may not be written: it is read, and whoever writes is told why not."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from permissions import confined
from slipway.data import Sample
from slipway.errors import StoreError
from slipway.store import open_store, readonly

READ = """
import json, sys
from slipway.data import MetricPoint, Sample
from slipway.errors import StoreError
from slipway.store import open_store
try:
    store = open_store(sys.argv[1])
except StoreError as error:
    print(json.dumps({"opening": str(error)}))
    sys.exit()
found = {"read": [sample.example_id for sample in store.find(Sample)], "why": store.read_only}
for name, write in {
    "write": lambda: store.write([Sample("r", "more")]),
    "blob": lambda: store.put_blob(b"x"),
    "metric": lambda: store.write([MetricPoint("r", "m", 1.0, 0)]),
}.items():
    try:
        write()
    except StoreError as error:
        found[name] = str(error)
found["again"] = store.count(Sample)
found["problems"] = store.health(deep=True).problems
store.close()
print(json.dumps(found))
"""

CRASH = """
import os, signal, sys
from slipway.data import Sample
from slipway.store import open_store
store = open_store(sys.argv[1])
store.write([Sample("r", "in the log")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def kept(url):
    """A store with one sample, closed."""
    store = open_store(url)
    store.write([Sample("r", "in the file")])
    store.close()
    return Path(url.removeprefix("sqlite:///"))


@contextmanager
def locked_away(folder, mode=0o400):
    """Nobody may write what is in the folder, nor make anything there."""
    before = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path in before:
        path.chmod(mode | 0o100 if path.is_dir() else mode)
    try:
        yield {path.name for path in folder.iterdir()}
    finally:
        for path, bits in before.items():
            path.chmod(bits)


def look(url):
    done = confined("-c", READ, url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_refusals(found):
    assert "open for reading only: no right to write" in found["write"]
    assert "give this user the right to write" in found["write"]
    assert "for reading only" in found["metric"]
    assert "Permission denied" in found["blob"]
    assert found["problems"] == []


@pytest.mark.parametrize("what", ["all", "folder", "file", "session"])
def test_t15_a_store_that_may_not_be_written_is_read(sqlite_url, what):
    path = kept(sqlite_url)
    if what == "all":
        with locked_away(path.parent) as before:
            found = look(sqlite_url)
            assert {item.name for item in path.parent.iterdir()} == before  # nothing was made beside it
    else:
        one = {"folder": path.parent, "file": path, "session": path.with_name(".slipway.db.session")}[what]
        bits = one.stat().st_mode
        one.chmod(0o500 if what == "folder" else 0o400)
        (path.parent / "blobs").mkdir(mode=0o500)
        found = look(sqlite_url)
        one.chmod(bits)
        (path.parent / "blobs").chmod(0o700)
    assert (found["read"], found["again"]) == (["in the file"], 1)
    check_refusals(found)
    store = open_store(sqlite_url)  # and whoever may, goes on
    assert store.read_only == ""
    assert store.write([Sample("r", "after")]) == 1
    assert store.health(deep=True).problems == ()
    store.close()


def test_what_a_live_writer_committed_is_read_from_its_log(sqlite_url):
    path = kept(sqlite_url)
    writer = open_store(sqlite_url)
    writer.write([Sample("r", "in the log")])
    with locked_away(path.parent):
        found = look(sqlite_url)
        assert found["read"] == ["in the file", "in the log"]
        check_refusals(found)
    assert writer.write([Sample("r", "later")]) == 1
    writer.close()


def test_what_a_crash_left_in_the_log_is_read(sqlite_url):
    path = kept(sqlite_url)
    assert subprocess.run([sys.executable, "-c", CRASH, sqlite_url]).returncode == -signal.SIGKILL
    with locked_away(path.parent):
        found = look(sqlite_url)
        assert found["read"] == ["in the file", "in the log"]
        check_refusals(found)
    store = open_store(sqlite_url)
    assert store.count(Sample) == 2
    assert store.health().drops == {}
    store.close()


def test_a_log_without_its_index_is_an_error_and_not_an_old_answer(sqlite_url, tmp_path):
    path = kept(sqlite_url)
    assert subprocess.run([sys.executable, "-c", CRASH, sqlite_url]).returncode == -signal.SIGKILL
    path.with_name("slipway.db-shm").unlink()
    with locked_away(path.parent):
        said = look(sqlite_url)["opening"]
        assert "slipway.db-wal holds commits that cannot be read" in said
        assert "copy" in said
    shutil.copytree(path.parent, tmp_path / "copy")  # what it says helps
    assert look(f"sqlite:///{tmp_path}/copy/slipway.db")["read"] == ["in the file", "in the log"]


def test_an_older_schema_cannot_be_brought_up_to_date(sqlite_url):
    path = kept(sqlite_url)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with locked_away(path.parent):
        assert "has schema 0001" in look(sqlite_url)["opening"]


def test_a_file_written_during_a_read_is_not_trusted(sqlite_url):
    path = kept(sqlite_url)
    connection = readonly.connect(path, timeout=5)
    assert connection.execute("SELECT count(*) FROM samples").fetchone() == (1,)
    readonly.trusted(connection, path)
    writer = open_store(sqlite_url)
    writer.write([Sample("r", "meanwhile")])
    with pytest.raises(StoreError, match="was written while it was read"):
        readonly.trusted(connection, path)
    writer.close()
    with pytest.raises(StoreError, match="was written while it was read"):
        readonly.trusted(connection, path)
    connection.close()


def test_t15_a_folder_mounted_read_only_is_read(small_disk):
    where = small_disk("8m")
    url = f"sqlite:///{where}/data/slipway.db"
    kept(url)
    subprocess.run(["mount", "-o", "remount,ro", where], check=True)
    try:
        store = open_store(url)
        assert store.count(Sample) == 1
        with pytest.raises(StoreError, match="for reading only"):
            store.write([Sample("r", "f")])
        store.close()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", where], check=True)
    store = open_store(url)
    assert store.write([Sample("r", "f")]) == 1
    store.close()
