"""Group commit: few commits for many submissions, no waiting for a lone one."""

from __future__ import annotations

import threading

import pytest

from slipway.data import Sample
from slipway.errors import StoreError
from slipway.store.writer import Writer


def test_what_gathers_during_a_commit_is_one_commit():
    groups = []
    gate, entered = threading.Event(), threading.Event()

    def commit(works):
        groups.append(list(works))
        entered.set()
        assert gate.wait(120)
        return [1] * len(works)

    writer = Writer(commit)
    first = writer.submit("first", 1)
    assert entered.wait(120)
    rest = [writer.submit(str(n), 1) for n in range(100)]
    gate.set()
    assert first.result(120) == 1
    assert [future.result(120) for future in rest] == [1] * 100
    writer.close()
    assert groups == [["first"], [str(n) for n in range(100)]]


def test_a_group_has_a_bound():
    sizes = []
    gate = threading.Event()

    def commit(works):
        gate.wait(120)
        sizes.append(sum(works))
        return list(works)

    writer = Writer(commit)
    futures = [writer.submit(9_000, 9_000) for _ in range(7)]
    gate.set()
    assert sum(future.result(120) for future in futures) == 63_000
    writer.close()
    assert max(sizes) <= 20_000
    assert len(sizes) >= 4


def test_a_commit_that_fails_fails_its_own_and_the_next_goes_on():
    def commit(works):
        if "bad" in works:
            raise StoreError("the disk is full")
        return [7] * len(works)

    writer = Writer(commit)
    assert writer.submit("good", 1).result(120) == 7
    with pytest.raises(StoreError, match="full"):
        writer.submit("bad", 1).result(120)
    assert writer.submit("good", 1).result(120) == 7
    cancelled = writer.submit("good", 1)
    cancelled.cancel()
    assert writer.submit("good", 1).result(120) == 7
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.submit("late", 1)


def test_who_closes_with_patience_does_not_wait_for_a_commit_that_does_not_end():
    entered, leave = threading.Event(), threading.Event()

    def commit(works):
        entered.set()
        leave.wait(300)
        return [1] * len(works)

    writer = Writer(commit)
    stuck = writer.submit("stuck", 1)
    assert entered.wait(120)
    behind = writer.submit("behind", 1)
    assert not writer.close(0.01)
    assert not stuck.done()
    assert not behind.done()
    leave.set()
    assert writer.close()
    assert (stuck.result(120), behind.result(120)) == (1, 1)


def test_what_is_acknowledged_was_synced(sqlite_store):
    """WAL with synchronous=FULL: each commit waits for the disk. Killed processes cannot show it, only a power cut could."""
    sqlite_store.write([Sample("r", "e")])
    driver = sqlite_store._writing.connection.driver_connection
    assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert driver.execute("PRAGMA synchronous").fetchone() == (2,)
