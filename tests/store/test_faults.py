"""The disk fills, the folder cannot be written, pages rot, files vanish: a clear error, and no harm to what was kept."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from permissions import start_confined
from slipway.data import Drop, EvalRun, MetricPoint, Sample, Span, new_span_id, new_trace_id
from slipway.errors import StoreError
from slipway.store import open_store
from slipway.store.recover import recover


def database(store):
    return Path(store.url.removeprefix("sqlite:///"))


def fill(store, until=4000):
    """Write until the disk is full; the keys acknowledged and the error."""
    kept = []
    for number in range(until):
        try:
            store.write([Sample("r", str(number), output=os.urandom(10_000).hex())])
        except StoreError as error:
            return kept, error
        kept.append(str(number))
    raise AssertionError("the disk never got full")


def test_t14_disk_full_then_room_again_without_a_restart(small_disk):
    small = small_disk("16m")
    ballast = small / "ballast"
    ballast.write_bytes(bytes(6 * 2**20))
    store = open_store(f"sqlite:///{small}/data/slipway.db")
    kept, error = fill(store)
    assert "free disk space" in str(error)
    with pytest.raises(StoreError, match="free disk space"):
        store.put_blob(bytes(12 * 2**20))
    assert not list((small / "data/blobs").rglob(".*"))  # no half-written leftovers take the room
    assert store.get(Sample, "r", kept[0], 0) is not None  # reading goes on
    ballast.unlink()
    assert store.write([Sample("r", "after")]) == 1  # and so does writing, once there is room
    assert [row[0] for row in store.columns(Sample, ("example_id",))][: len(kept)] == kept
    assert store.health(deep=True).problems == ()
    store.close()
    store = open_store(f"sqlite:///{small}/data/slipway.db")
    assert {*kept, "after"} <= {row[0] for row in store.columns(Sample, ("example_id",))}
    store.close()


def test_t14_no_room_for_more_pages(sqlite_store):
    """The same through SQLite's own limit, which needs no rights."""
    sqlite_store.write([Sample("r", "first")])
    driver = sqlite_store._writing.connection.driver_connection
    driver.execute("PRAGMA max_page_count=100")
    kept, error = fill(sqlite_store)
    assert "free disk space" in str(error)
    assert sqlite_store.write([Sample("r", "after")]) == 1  # the limit went with the connection that failed
    assert {"first", "after", *kept} == {row[0] for row in sqlite_store.columns(Sample, ("example_id",))}
    assert sqlite_store.health(deep=True).problems == ()


def test_t14_several_writers_meet_a_full_disk_and_all_are_told(sqlite_store):
    sqlite_store.write([Sample("r", "first")])
    sqlite_store._writing.connection.driver_connection.execute("PRAGMA max_page_count=60")
    futures = {str(n): sqlite_store.submit([Sample("r", str(n), output="x" * 100_000)]) for n in range(20)}
    told = {name: future.exception(120) for name, future in futures.items()}
    assert any(told.values())
    assert all(error is None or isinstance(error, StoreError) for error in told.values())
    stored = {row[0] for row in sqlite_store.columns(Sample, ("example_id",))}
    assert {name for name, error in told.items() if error is None} <= stored


OPEN_AND_WRITE = """
import sys
from slipway.data import Sample
from slipway.errors import StoreError
from slipway.store import open_store
store = open_store(sys.argv[1])
print("opened", flush=True)
sys.stdin.readline()
print(store.get(Sample, "r", "e", 0).example_id)
print(store.write([Sample("r", "more")]))
try:
    store.put_blob(b"x")
except StoreError as error:
    print("StoreError", error)
"""


def test_t15_the_right_to_write_is_lost_while_the_store_is_open(sqlite_url):
    """Records go on, through the files that are open; a blob wants a new one. See test_readonly.py for the rest of T15."""
    store = open_store(sqlite_url)
    store.write([Sample("r", "e")])
    store.close()
    blobs = database(store).parent / "blobs"
    with start_confined("-c", OPEN_AND_WRITE, sqlite_url) as child:
        assert child.stdout.readline() == "opened\n", child.communicate()[1]
        blobs.mkdir(mode=0o500)
        out, err = child.communicate("\n", timeout=240)
    assert out.splitlines()[:2] == ["e", "1"], err
    assert "StoreError" in out.splitlines()[2]
    assert "Permission denied" in out.splitlines()[2]
    store = open_store(sqlite_url)
    assert store.count(Sample) == 2
    assert store.health(deep=True).problems == ()
    store.close()


def filled(url):
    """A store with some of everything, closed, so that all is in its one file."""
    store = open_store(url)
    store.write([Sample("r", f"e{n}", output="x" * 500) for n in range(2000)])
    store.write([Span(new_trace_id(), new_span_id(), f"s{n}", 5) for n in range(200)])
    store.write([EvalRun("r", "x", "v", "v", "d", 5), Drop("p", "queue", "full", 3, 5)])
    store.write([MetricPoint("r", f"m{n}", n / 2, step) for n in range(20) for step in range(5)])
    blobs = [store.put_blob(b"good"), store.put_blob(b"bad")]
    store.close()
    return Path(url.removeprefix("sqlite:///")), blobs


def spoil(path, page):
    """Overwrite one page with noise."""
    with sqlite3.connect(path) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek(page * size)
        file.write(b"\xa5" * size)


def test_t17_a_corrupted_page_is_a_clear_error_and_recover_saves_the_rest(sqlite_url, tmp_path):
    path, blobs = filled(sqlite_url)
    with sqlite3.connect(path) as connection:  # a page in the middle of the samples' own table
        query = "SELECT pageno FROM dbstat WHERE name = 'samples' AND pagetype = 'leaf' ORDER BY pageno"
        try:
            pages = [row[0] for row in connection.execute(query)]
        except (
            sqlite3.OperationalError
        ):  # this SQLite has no dbstat: samples were written first, so they are early pages
            pages = list(range(60, 200))
    spoil(path, pages[len(pages) // 2] - 1)
    spoiled_blob = path.parent / "blobs" / blobs[1][:2] / blobs[1][2:]
    spoiled_blob.write_bytes(b"BAD")

    store = open_store(sqlite_url)
    with pytest.raises(StoreError, match=r"slipway\.store\.recover"):
        list(store.find(Sample))
    with pytest.raises(StoreError, match="damaged"):
        store.get_blob(blobs[1])
    problems = store.health(deep=True).problems
    assert any("malformed" in problem or "page" in problem for problem in problems)
    assert any(blobs[1] in problem for problem in problems)
    assert store.get(EvalRun, "r") is not None  # what is whole is still read
    store.close()

    out = open_store(f"sqlite:///{tmp_path}/new/slipway.db")
    found = recover(path, out)
    saved = {sample.example_id: sample for sample in out.find(Sample)}
    lost = [line for line in found.lost if line.startswith("Sample ('r', 'e")]
    assert len(saved) + len(lost) == 2000
    assert 0 < len(lost) < 100
    assert all(sample.output == "x" * 500 for sample in saved.values())
    assert {f"e{n}" for n in range(2000)} - saved.keys() == {line.split("'")[3] for line in lost}
    assert found.copied["Span"] == 200
    assert found.copied["MetricPoint"] == 100
    assert out.last_values("^m3$")[0].value == 1.5
    assert out.get_blob(blobs[0]) == b"good"
    assert any(blobs[1] in line for line in found.lost)
    assert out.health(deep=True).problems == ()
    out.close()


def test_t17_the_first_page_is_gone(sqlite_url, tmp_path):
    path, _ = filled(sqlite_url)
    spoil(path, 0)
    with pytest.raises(StoreError, match=r"not a database.*slipway\.store\.recover"):
        open_store(sqlite_url)
    out = open_store(f"sqlite:///{tmp_path}/new/slipway.db")
    with pytest.raises(StoreError, match="restore it from a backup"):
        recover(path, out)
    out.close()


def test_t17_recover_of_a_whole_store_loses_nothing(sqlite_url, tmp_path):
    path, _ = filled(sqlite_url)
    out = open_store(f"sqlite:///{tmp_path}/new/slipway.db")
    found = recover(path, out)
    assert found.lost == ()
    source = open_store(sqlite_url)
    assert out.health().counts == source.health().counts
    assert list(out.find(Sample)) == list(source.find(Sample))
    source.close()
    out.close()


WRITE_AND_DIE = """
import os, signal, sys
from slipway.data import Sample
from slipway.store import open_store
store = open_store(sys.argv[1])
store.write([Sample("r", "acknowledged")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_t17_a_log_deleted_after_a_crash_is_noticed_and_told_for_ever(sqlite_url):
    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, sqlite_url])
    assert died.returncode == -signal.SIGKILL
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with_log = path.parent.parent / "copy"
    shutil.copytree(path.parent, with_log)
    path.with_name("slipway.db-wal").unlink()
    for _ in range(2):
        store = open_store(sqlite_url)
        assert store.get(Sample, "r", "acknowledged", 0) is None
        assert store.health().drops == {
            "store: the log was deleted after a crash: the records of its last moments are lost": 1
        }
        store.close()
    store = open_store(f"sqlite:///{with_log}/slipway.db")  # with its log nothing is lost and nothing is told
    assert store.get(Sample, "r", "acknowledged", 0) is not None
    assert store.health().drops == {}
    store.close()


def test_t17_a_log_deleted_under_the_open_store_is_an_error_once_and_nothing_is_lost(sqlite_store):
    sqlite_store.write([Sample("r", str(n)) for n in range(100)])
    sqlite_store.count(Sample)
    database(sqlite_store).with_name("slipway.db-wal").unlink()
    with pytest.raises(StoreError, match="was deleted while the store was open"):
        sqlite_store.write([Sample("r", "refused")])
    assert sqlite_store.write([Sample("r", "next")]) == 1
    url = sqlite_store.url
    sqlite_store.close()
    store = open_store(url)
    assert {row[0] for row in store.columns(Sample, ("example_id",))} == {*map(str, range(100)), "next"}
    assert store.health(deep=True).problems == ()
    store.close()


def test_t46_sql_in_values_and_names_is_data(store):
    hostile = [
        "' OR '1'='1",
        '"; DROP TABLE samples; --',
        "%",
        "_",
        "\\",
        "1) UNION SELECT",
        "{}",
        "$1",
        "s%s",
        ":x",
        "?",
    ]
    store.write([Sample(text, text, output={text: text}) for text in hostile])
    for text in hostile:
        assert [sample.run_id for sample in store.find(Sample, {"run_id": text})] == [text]
        assert [sample.run_id for sample in store.find(Sample, {"example_id__prefix": text})] == [text]
        with pytest.raises(Exception, match="no field of Sample"):
            list(store.find(Sample, {text.replace("_", "x"): 1}))
    assert store.count(Sample) == len(hostile)
