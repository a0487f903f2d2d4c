"""The pace of the indexer: it takes the time that the receiver leaves, until what can be searched is late."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from server import web
from server.patience import until
from slipway.data import Span
from slipway.server.arrived import Arrived
from slipway.server.busy import Busy
from slipway.server.deriving import derive
from slipway.server.indexer import LATE_S, Indexer
from slipway.store import open_store
from slipway.store.derived import Builder, Derived


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self):
        return self.now

    def passes(self, seconds, inside=None):
        with inside or nullcontext():
            self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/slipway.db")
    yield store
    store.close()


@pytest.fixture
def indexer(store, clock):
    derived = Derived(store)
    yield Indexer(Builder(derived, derive, batch=1), Arrived(Busy(clock)), clock=clock)
    derived.close()


def receiving(indexer):
    return indexer._arrived.receiving


def written(store, *numbers):
    store.write([Span(f"{number:032x}", "1" * 16, "work", number) for number in numbers])


@pytest.mark.parametrize(("busy", "rest"), [(0, 0.05), (0.75, 0.15), (0.9, 0.45), (1, 0.45)])
def test_the_indexer_takes_the_time_that_the_receiver_leaves(indexer, clock, busy, rest):
    clock.passes(10 * busy, receiving(indexer))
    clock.passes(10 * (1 - busy))
    assert indexer.rest_s(0.05) == pytest.approx(rest)


def test_a_large_batch_is_no_reason_to_rest_for_long(indexer, clock):
    assert indexer.rest_s(5.0) == 0.1
    clock.passes(10, receiving(indexer))
    assert indexer.rest_s(5.0) == 2.0


def test_what_happened_before_the_batch_before_is_forgotten(indexer, clock):
    clock.passes(10, receiving(indexer))
    assert indexer.rest_s(0.05) == pytest.approx(0.45)
    clock.passes(1)
    assert indexer.rest_s(0.05) == 0.05


def test_what_is_late_is_searchable_before_more_comes_in(store, indexer, clock):
    written(store, 1, 2, 3, 4)
    assert indexer.step() == 2
    assert indexer.behind_s == 0  # that much was seen only now
    clock.passes(LATE_S + 1, receiving(indexer))
    written(store, 5)
    assert (indexer.step(), indexer.behind_s) == (1, LATE_S + 1)
    assert indexer.rest_s(0.05) == 0.05
    assert (indexer.step(), indexer.behind_s) == (1, 0)  # 5 alone is left, and came a moment ago
    clock.passes(5, receiving(indexer))
    assert indexer.behind_s == 5
    assert indexer.rest_s(0.05) == pytest.approx(0.45)
    assert (indexer.step(), indexer.behind_s) == (1, 0)
    clock.passes(5)
    assert (indexer.step(), indexer.behind_s) == (0, 0)


def test_it_rests_after_a_few_milliseconds_and_not_once_for_a_batch(store, clock):
    """A commit that meets the indexer waits for as long as it works without a rest."""
    written(store, *range(1, 301))
    worked, derived = [], Derived(store)

    class Counting(Indexer):
        def rest_s(self, worked_s):
            worked.append(worked_s)
            return 0

    def slowly(spans):
        clock.passes(0.003)
        return derive(spans)

    indexer = Counting(Builder(derived, slowly), Arrived(Busy(clock)), clock=clock)
    indexer.start()
    try:
        until(lambda: len(worked) == 2)
    finally:
        indexer.stop()
    # 300 spans are derived by the hundred, and two times 3 ms are more than the five that are worked without a rest.
    assert worked == pytest.approx([0.006, 0.003])
    assert derived.lag() == 0
    derived.close()


def test_a_store_with_fewer_rows_than_before_is_not_late(store, indexer, clock, tmp_path):
    written(store, *range(1, 6))
    indexer.step()
    clock.passes(5)
    assert indexer.behind_s == 5
    with store.reading() as connection:
        connection.exec_driver_sql("DELETE FROM spans WHERE position > 2")
    clock.passes(5)
    indexer.step()
    indexer.step()
    assert indexer.behind_s == 0


def test_busy_is_the_time_with_anybody_inside(clock):
    busy = Busy(clock)
    with busy:
        clock.passes(1, busy)
        clock.passes(2)
        assert busy.seconds == 3
    clock.passes(4)
    assert busy.seconds == 3


def test_how_late_it_is_can_be_seen(served):
    assert "\nslipway_indexer_lag_seconds 0.0\n" in web.get(f"{served.url}/metrics").text
