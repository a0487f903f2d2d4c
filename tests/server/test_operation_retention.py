"""Retention: what is old goes as a whole, what matters stays, nothing that is new is touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from server import web
from server.patience import until
from slipway.config import Retention as Settings
from slipway.data import DatasetVersion, Feedback, LogRecord, Span
from slipway.server.deriving import derive
from slipway.store import open_store
from slipway.store.derived import Builder, Derived
from slipway.store.payloads import Keeping, reference
from slipway.store.retention import DAY_NS, Limits, Retention

NOW = 1_700_000_000 * 10**9
OLD, NEW = NOW - 10 * DAY_NS, NOW - DAY_NS


class Kept:
    """A store with its derived data."""

    def __init__(self, url: str) -> None:
        self.store = open_store(url)
        self.derived = Derived(self.store)
        self.builder = Builder(self.derived, derive)

    def add(self, trace: int, at: int, spans: int = 2, **fields: object) -> str:
        trace_id = f"{trace:032x}"
        records = [
            Span(trace_id, f"{trace * 100 + number:016x}", "work", at + number, 5, **fields)  # type: ignore[arg-type]
            for number in range(spans)
        ]
        Keeping(self.store).write(records)
        return trace_id

    def prune(self, *, dry_run: bool = False, **limits: float) -> object:
        self.builder.catch_up()
        limits = {"days": 5, **limits}
        retention = Retention(self.derived, self.builder, Limits(**limits), clock=lambda: NOW)  # type: ignore[arg-type]
        return retention.run(dry_run=dry_run)

    def traces(self) -> set[int]:
        return {int(row[0], 16) for row in self.store.columns(Span, ["trace_id"])}

    def searchable(self) -> set[int]:
        self.builder.catch_up()
        with self.derived.reading() as connection:
            return {int(row[0], 16) for row in connection.exec_driver_sql("SELECT trace_id FROM traces")}

    def counted(self) -> int:
        with self.derived.reading() as connection:
            return int(connection.exec_driver_sql("SELECT sum(count) FROM rollups").scalar_one())


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request, tmp_path):
    url = request.getfixturevalue("new_database")() if request.param == "postgresql" else f"sqlite:///{tmp_path}/s.db"
    kept = Kept(url)
    yield kept
    kept.derived.close()
    kept.store.close()


def test_old_traces_go_with_all_that_belongs_to_them_and_rollups_stay(kept):
    old, new = kept.add(1, OLD), kept.add(2, NEW)
    kept.store.write([LogRecord(name, OLD, trace_id=trace) for name, trace in (("a", old), ("b", new), ("c", None))])
    kept.store.write([LogRecord("d", OLD), LogRecord("e", NEW)])
    done = kept.prune()
    assert (done.traces, done.spans, done.log_records) == (1, 2, 3)
    assert kept.traces() == kept.searchable() == {2}
    assert {row[0] for row in kept.store.columns(LogRecord, ["id"])} == {"b", "e"}
    assert kept.counted() == 4
    assert kept.prune().traces == 0


def test_what_matters_stays_up_to_its_own_age(kept):
    flagged, _failed, linked = kept.add(1, OLD), kept.add(2, OLD, status="error"), kept.add(3, OLD)
    kept.add(4, OLD, run_id="run")
    kept.add(5, OLD)
    kept.add(9, NEW)
    rows = kept.store.put_blob(b'{"id": "1", "provenance": {"trace_id": "' + linked.encode() + b'"}}\n')
    kept.store.write([Feedback("f", flagged, "thumb", True, NOW), DatasetVersion("d", "set", 1, rows, NOW)])
    done = kept.prune()
    assert (done.traces, done.kept) == (1, 4)
    assert kept.traces() == {1, 2, 3, 4, 9}
    assert kept.prune(keep_days=20).traces == 0
    assert kept.prune(keep_days=7).traces == 4
    assert kept.traces() == kept.searchable() == {9}
    assert kept.store.count(Feedback) == 0


def test_a_trace_goes_when_all_of_it_is_old(kept):
    kept.add(1, OLD)
    kept.store.write([Span(f"{1:032x}", f"{199:016x}", "late", NEW, 5)])
    kept.add(2, NEW)
    assert kept.prune().traces == 0
    assert kept.traces() == {1, 2}


def test_the_newest_row_stays_so_that_no_position_is_given_twice(kept):
    kept.add(1, OLD)
    kept.add(2, OLD)
    assert kept.prune().traces == 1
    kept.add(3, NEW)
    assert kept.searchable() == {2, 3}
    assert kept.counted() == 6
    assert kept.prune().traces == 1
    assert kept.searchable() == {3}
    assert kept.counted() == 6


def test_what_is_not_derived_yet_waits(kept):
    kept.add(1, OLD)
    kept.add(2, NEW)
    retention = Retention(kept.derived, kept.builder, Limits(days=5), clock=lambda: NOW)
    assert retention.run().traces == 0
    assert kept.prune().traces == 1


def test_a_dry_run_counts_and_changes_nothing(kept):
    kept.add(1, OLD)
    kept.add(2, NEW)
    done = kept.prune(dry_run=True)
    assert (done.traces, done.spans) == (1, 2)
    assert kept.traces() == kept.searchable() == {1, 2}


def test_a_log_record_that_comes_after_its_trace_went_disturbs_nothing(kept):
    old = kept.add(1, OLD)
    kept.add(2, NEW)
    kept.prune()
    kept.store.write([LogRecord("late", OLD, trace_id=old, span_id=f"{100:016x}")])
    assert kept.searchable() == {2}
    assert kept.counted() == 4


@pytest.fixture
def local(tmp_path):
    kept = Kept(f"sqlite:///{tmp_path}/s.db")
    yield kept
    kept.derived.close()
    kept.store.close()


def test_the_oldest_go_until_the_store_fits(local, tmp_path):
    for trace in range(200):
        local.add(trace + 1, NOW - (300 - trace) * 10**9, output="x" * 4000)
    size = (tmp_path / "s.db").stat().st_size + (tmp_path / "s.db-wal").stat().st_size
    dry = local.prune(days=0, max_bytes=1_000_000, dry_run=True)
    done = local.prune(days=0, max_bytes=1_000_000)
    left = local.traces()
    assert 0 < len(left) < 190
    assert left == set(range(201 - len(left), 201))  # the newest
    assert abs(dry.traces - done.traces) <= 100  # it counts by the average, in whole steps
    for trace in range(150):  # what was freed is filled first
        local.add(trace + 500, NOW, output="x" * 4000)
    assert (tmp_path / "s.db").stat().st_size <= size


def blobs_of(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


def test_payloads_that_nothing_names_go(local, tmp_path):
    mine, shared = (reference(text * 50_000, text.encode() * 50_000) for text in ("a", "b"))
    local.add(1, OLD, input=mine, output=shared)
    local.add(2, NEW, output=shared)
    assert len(blobs_of(tmp_path)) == 2
    assert local.prune(dry_run=True).blobs == 0
    for path in blobs_of(tmp_path):
        os.utime(path, (1, 1))
    assert local.prune().blobs == 1
    assert len(blobs_of(tmp_path)) == 1
    assert local.store.get_blob(shared["$blob"])


def test_a_payload_that_was_put_again_meanwhile_stays(local, tmp_path):
    digest = local.store.put_blob(b"payload")
    [path] = blobs_of(tmp_path)
    blobs = local.store.backend.blobs
    os.utime(path, (1, 1))
    assert blobs.is_settled(digest)
    local.store.put_blob(b"payload")
    assert not blobs.remove(digest)
    assert local.store.get_blob(digest) == b"payload"


def test_the_server_prunes_by_itself_and_tells(start):
    first = start(retention=Settings(days=5))
    now = time.time_ns()
    first.store.write([Span(f"{n:032x}", f"{n:016x}", "work", now - n * 4 * DAY_NS, 5) for n in (3, 2, 1)])
    first.state.indexer.builder.catch_up()
    first.state.pruner.stop()  # it has looked already; the next look would be in ten minutes
    first.state.pruner._stopping.clear()
    first.state.pruner.start()
    until(lambda: first.store.count(Span) == 1)
    first.state.pruner.stop()
    assert 'slipway_pruned_total{what="traces"} 2' in web.get(f"{first.url}/metrics").text
