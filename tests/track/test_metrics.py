"""`log`: numbers of a run reach the store, and nothing that is passed to it can hurt or delay the caller."""

from __future__ import annotations

import math

import slipway as sw
from slipway.config import Config
from slipway.data import MetricPoint
from slipway.store import open_store
from slipway.testing import recording
from slipway.track import bound, init, shutdown
from slipway.track.drops import NOT_CONVERTED, TOO_MANY_NAMES, Drops
from slipway.track.drops import kept as drops_kept
from slipway.track.metrics import MOST_NAMES


class Bomb:
    def __float__(self):
        raise RuntimeError("boom")


def points(recorded):
    recorded.tracer.recorder.flush(1.0)
    return [record for record in recorded.sink.records if isinstance(record, MetricPoint)]


def test_points_belong_to_the_run_they_are_logged_in():
    with recording(project="t") as recorded:
        sw.log(loss=0.5)
        sw.log({"loss/train": 0.25}, step=7, run_id="a" * 32, epoch=1)
        with bound(run_id="b" * 32):
            sw.log(loss=1)
        sw.log(loss=0.125)
    own, given, epoch, inside, again = points(recorded)
    assert (own.name, own.value, own.step, own.project) == ("loss", 0.5, 0, "t")
    assert len(own.run_id) == 32
    assert own.run_id == again.run_id
    assert (given.name, given.value, given.step, given.run_id) == ("loss/train", 0.25, 7, "a" * 32)
    assert (epoch.name, epoch.value) == ("epoch", 1.0)
    assert inside.run_id == "b" * 32
    assert not recorded.dropped


def test_what_cannot_be_kept_is_counted_and_never_raised():
    with recording() as recorded:
        sw.log({"a": "0.5", "b": None, "c": Bomb(), 4: 1.0, "": 1.0, "n" * 1_025: 1.0})
        sw.log(a=1.0, step=-1)
        sw.log(a=1.0, step="two")
        sw.log(7)
        sw.log(a=1.0, run_id=3)
        sw.log({"kept": 10**400, "nan": math.nan, "inf": -math.inf})
    assert [point.name for point in points(recorded)] == ["nan", "inf"]
    assert recorded.dropped == {NOT_CONVERTED: 6 + 1 + 1 + 1 + 1 + 1}


def test_t10_new_names_are_counted_and_not_kept_once_there_are_50_000(tmp_path):
    """A name with an id in it makes a new one each time; what had a name before goes on."""
    with recording() as recorded:
        recorder = recorded.tracer.recorder
        for start in range(0, 100_000, 1_000):
            sw.log({f"loss/{number}": 0.5 for number in range(start, start + 1_000)})
            sw.log(epoch=1.0, step=start)
            recorder.flush(5.0)
        kept = {point.name for point in points(recorded)}
        assert len(kept) == MOST_NAMES == len(recorder.metric_names)
        assert recorded.dropped == {TOO_MANY_NAMES: 100_001 - MOST_NAMES}
        assert sum(point.name == "epoch" for point in points(recorded)) == 100
    folder = tmp_path / "counts"  # the reason survives a disk that takes nothing but names of files
    drops = Drops("host-1-a", "p")
    drops.count(TOO_MANY_NAMES, 7)
    folder.mkdir()
    drops._name(folder, folder / "host-1-a.drops", drops.totals())
    ((_, (row,)),) = list(drops_kept(folder))
    assert (row.where, row.reason, row.count) == (*TOO_MANY_NAMES, 7)


def test_without_init_nothing_is_kept(tmp_path):
    sw.log(a=1.0)
    assert list(tmp_path.iterdir()) == []  # the working directory: no store, no spool


def test_they_are_in_the_store_and_found_by_expression(tmp_path):
    settings = Config(project="t", root=str(tmp_path))
    init(config=settings, environment=False, instrument=False)
    try:
        for step in range(3):
            sw.log({"loss": 1 / (step + 1), "gone": math.nan}, step=step, run_id="c" * 32)
    finally:
        assert shutdown(60)
    store = open_store(settings.store_url)
    try:
        found = {one.name: (one.value, one.step) for one in store.last_values("^(loss|gone)$")}
        assert found["loss"] == (1 / 3, 2)
        assert math.isnan(found["gone"][0])
    finally:
        store.close()
