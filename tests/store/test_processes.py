"""Threads, processes, forks and kills: nothing acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.data import EvalRun, MetricPoint, Sample
from slipway.errors import DataError
from slipway.store import metrics, open_store
from slipway.store.rows import rows_of
from store.writers import Child


def test_four_processes_write_one_store_and_no_row_is_lost_or_twice(url):
    open_store(url).close()
    children = [Child(url, f"run{n}", 1500) for n in range(4)]
    for child in children:
        assert child.rest() == list(range(1500))
        assert child.process.exitcode == 0
    store = open_store(url)
    for n in range(4):
        found = [int(sample.example_id) for sample in store.find(Sample, {"run_id": f"run{n}"})]
        assert found == list(range(1500))  # in the order of each process's submissions
    positions = [row[0] for row in store.columns(Sample, ("position",))]
    assert len(positions) == len(set(positions)) == 6000
    assert store.health(deep=True).problems == ()
    store.close()


def test_many_threads_share_one_store(store):
    def work(name):
        futures = [store.submit([Sample(f"run{name}", str(n))]) for n in range(200)]
        new = store.write([Sample("shared", str(n)) for n in range(100)])
        # Reads go on beside the writes of the others; what this thread submitted before its write is there.
        assert len(list(store.find(Sample, {"run_id": f"run{name}"}))) == 200
        return new, sum(future.result() for future in futures)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    assert [own for _, own in results] == [200] * 8
    assert sum(shared for shared, _ in results) == 100  # each row was new to exactly one of them
    assert store.count(Sample) == 8 * 200 + 100


def test_a_record_the_database_refuses_does_not_take_others_with_it(store):
    """A row that passes every check of ours and not the database's: its own future fails, its neighbours' do not."""
    from slipway.store.sql import SqlStore

    assert isinstance(store, SqlStore)
    row = (None,) * 19
    before = store.submit([Sample("r", "before")])
    bad = store._writer.submit({Sample: [row]}, 1)
    after = store.submit([Sample("r", "after")])
    assert (before.result(), after.result()) == (1, 1)
    with pytest.raises(Exception, match="refuses"):
        bad.result()
    assert {sample.example_id for sample in store.find(Sample)} == {"before", "after"}


def test_after_a_record_the_database_refuses_writing_goes_on_with_another_log(sqlite_store):
    """The error closes every connection, so SQLite deletes its log and makes a new one: that is not a log gone missing."""
    sqlite_store.write([Sample("r", "before")])
    log = sqlite_store.backend.path.with_name("slipway.db-wal")
    with log.open("rb"):  # keeps the old one's inode taken, so that the new one's must be another
        with pytest.raises(DataError, match="refuses"):
            sqlite_store._writer.submit({Sample: [(None,) * 19]}, 1).result()
        assert sqlite_store.write([Sample("r", "after")]) == 1
    assert sqlite_store.health(deep=True).drops == {}


def test_new_metric_names_in_a_group_with_a_record_that_was_there_already(store):
    """The group is run again, piece by piece: the numbers of the names that the first try learned are not there any more."""
    run = EvalRun("r", "x", "v", "v", "d", 5)
    store.write([run])
    again = {EvalRun: [rows_of(EvalRun).row(run)]}
    fresh = {MetricPoint: metrics.rows([MetricPoint("r", "loss", 0.5, 0)])}
    assert store._commit([again, fresh]) == [0, 1]
    assert [value.value for value in store.last_values("loss")] == [0.5]


def test_close_commits_what_was_submitted(url):
    store = open_store(url)
    futures = [store.submit([Sample("r", str(n))]) for n in range(500)]
    store.close()
    assert all(future.done() for future in futures)
    store = open_store(url)
    assert store.count(Sample) == 500
    store.close()


def test_leaving_without_close_commits_what_was_submitted(url):
    code = (
        "import sys; from slipway.data import Sample; from slipway.store import open_store\n"
        "store = open_store(sys.argv[1])\nfor n in range(500): store.submit([Sample('r', str(n))])"
    )
    subprocess.run([sys.executable, "-c", code, url], check=True)
    store = open_store(url)
    assert store.count(Sample) == 500
    store.close()


def test_t05_a_forked_child_writes_with_connections_of_its_own(store):
    store.write([Sample("parent", "0"), EvalRun("r", "x", "v", "v", "d", 5)])
    stop = threading.Event()

    def busy():
        n = 0
        while not stop.is_set():
            n += 1
            store.write([Sample("busy", str(n))])

    thread = threading.Thread(target=busy)
    thread.start()
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:  # in the child: no pytest, no clean-up that is the parent's
            code = 1
            try:
                mine = [store.submit([Sample(f"child{child}", str(n))]) for n in range(50)]
                good = sum(future.result(240) for future in mine) == 50 and store.get(EvalRun, "r") is not None
                store.close()
                code = 0 if good else 2
            finally:
                os._exit(code)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    stop.set()
    thread.join()
    assert codes == [0] * 4
    assert store.write([Sample("parent", "1")]) == 1
    for child in range(4):
        assert store.count(Sample, {"run_id": f"child{child}"}) == 50
    numbers = [int(sample.example_id) for sample in store.find(Sample, {"run_id": "busy"})]
    assert numbers == list(range(1, len(numbers) + 1))
    assert store.health(deep=True).problems == ()


def test_t05_a_child_goes_on_after_its_parent_closed_the_store(store):
    """SQLite counts its locks by file and not by process: a child that inherits the count has no lock, and loses its log."""
    store.write([Sample("parent", "0")])
    assert store.count(Sample) == 1  # a connection that reads is open too
    (asked, ask), (heard, say) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            store.write([Sample("child", "0")])
            os.write(say, b"x")
            os.read(asked, 1)  # the parent has closed the store
            good = store.write([Sample("child", "1")]) == 1 and store.count(Sample) == 3
            store.close()
            code = 0 if good else 2
        finally:
            os._exit(code)
    os.read(heard, 1)
    url = store.url
    store.close()
    os.write(ask, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for end in (asked, ask, heard, say):
        os.close(end)
    after = open_store(url)
    assert sorted(sample.example_id for sample in after.find(Sample, {"run_id": "child"})) == ["0", "1"]
    assert after.health(deep=True).drops == {}
    assert after.health(deep=True).problems == ()
    after.close()


def test_a_writer_that_was_killed_beside_a_reader_lost_nothing(sqlite_url):
    """The reader's is the last connection, so its close takes the log into the file: nothing is missing afterwards."""
    reader = open_store(sqlite_url)
    child = Child(sqlite_url, "killed", 1_000_000)
    acknowledged = child.hear()
    assert reader.count(Sample) > acknowledged
    child.process.kill()
    acknowledged = [acknowledged, *child.rest()][-1]
    reader.close()
    after = open_store(sqlite_url)
    assert after.count(Sample) > acknowledged
    assert after.health(deep=True).drops == {}
    after.close()


def killed_at_random(url, times, seed):
    """Kill a writing process again and again; every sample that it said was acknowledged is there, whole, once."""
    chance = random.Random(seed)
    acknowledged = {}
    for number in range(times):
        child = Child(url, f"kill{number}", 1_000_000, at_once=20)
        first = child.hear()  # it is writing
        timer = threading.Timer(chance.uniform(0.0, 0.25), child.process.kill)
        timer.start()
        acknowledged[f"kill{number}"] = [first, *child.rest()]
        timer.join()
        assert child.process.exitcode == -signal.SIGKILL
    store = open_store(url)
    for name, numbers in acknowledged.items():
        stored = [int(row[0]) for row in store.columns(Sample, ("example_id",), {"run_id": name})]
        assert len(stored) == len(set(stored))
        assert set(numbers) <= set(stored)
        assert stored == list(range(len(stored)))  # a prefix of what it submitted: nothing out of order, no hole
    assert store.health(deep=True).problems == ()
    store.close()
    return sum(map(len, acknowledged.values()))


def test_t11_twenty_kills_lose_nothing_acknowledged(sqlite_url):
    assert killed_at_random(sqlite_url, 20, seed=1) >= 20


def test_t11_five_kills_lose_nothing_acknowledged_on_postgresql(new_database):
    assert killed_at_random(new_database(), 5, seed=2) >= 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_t11_three_hundred_kills_lose_nothing_acknowledged(sqlite_url):
    assert killed_at_random(sqlite_url, 300, seed=time.time_ns()) >= 300
