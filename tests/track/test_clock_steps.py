"""T18, what the calendar does to clocks: a night with an hour twice, one with an hour missing, a leap second."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from slipway.cli.trace import moment_ns
from slipway.data.text import moment
from slipway.testing import StepClock, recording
from slipway.track import span

SECOND = 1_000_000_000


@pytest.fixture
def berlin(monkeypatch):
    """The local time of Berlin, for this process."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def unix_ns(*moment_utc):
    return int(datetime(*moment_utc, tzinfo=UTC).timestamp()) * SECOND


def check_order(recorded, names):
    spans = sorted(recorded.spans, key=lambda kept: kept.sequence)
    assert [kept.name for kept in spans] == names
    assert all(kept.duration_ns >= 0 for kept in spans)
    root, *inside = spans
    for kept in inside:
        assert root.started_ns <= kept.started_ns
        assert kept.started_ns + kept.duration_ns <= root.started_ns + root.duration_ns
    return spans


@pytest.mark.parametrize(
    ("change", "local_hours"),
    [((2026, 10, 25, 0, 59, 59), ("02:59", "02:00")), ((2026, 3, 29, 0, 59, 59), ("01:59", "03:00"))],
    ids=["an hour twice", "an hour missing"],
)
def test_t18_a_trace_over_the_change_of_summer_time(berlin, change, local_hours):
    clock = StepClock(unix_ns(*change), step_ns=SECOND // 4)
    with recording(clock=clock) as recorded, span("root"):
        for number in range(4):
            with span(f"s{number}"):
                pass
    spans = check_order(recorded, ["root", "s0", "s1", "s2", "s3"])
    assert [kept.started_ns for kept in spans] == sorted(kept.started_ns for kept in spans)
    root = spans[0]
    assert root.duration_ns == 9 * clock.step_ns  # neither an hour nor less than nothing
    first, last = moment(root.started_ns), moment(root.started_ns + root.duration_ns)
    assert local_hours[0] in first
    assert local_hours[1] in last


def test_t18_a_leap_second_repeats_a_second_of_the_wall_clock():
    clock = StepClock(unix_ns(2016, 12, 31, 23, 59, 59), step_ns=SECOND // 5)
    with recording(clock=clock) as recorded, span("root"):
        with span("before"):
            pass
        with span("over"):
            clock.skew(-SECOND)  # 23:59:60 is 23:59:59 once more
        with span("after"):
            pass
    spans = check_order(recorded, ["root", "before", "over", "after"])
    assert [kept.duration_ns for kept in spans[1:]] == [clock.step_ns] * 3
    assert spans[0].duration_ns == 7 * clock.step_ns


def test_t18_a_smeared_leap_second_slows_the_wall_clock_alone():
    clock = StepClock(unix_ns(2016, 12, 31, 23, 59, 59), step_ns=SECOND)
    with recording(clock=clock) as recorded, span("root"):
        for number in range(5):
            clock.skew(-SECOND // 86_400)
            with span(f"s{number}"):
                pass
    spans = check_order(recorded, ["root", *(f"s{number}" for number in range(5))])
    assert spans[0].duration_ns == 11 * SECOND


def test_t18_a_local_time_that_is_twice_or_never_still_names_a_moment(berlin):
    twice = moment_ns("2026-10-25T02:30")
    assert twice == unix_ns(2026, 10, 25, 0, 30)  # the first of the two: nothing of the second is hidden
    assert moment_ns("2026-10-25T02:30+01:00") - twice == 3600 * SECOND
    assert unix_ns(2026, 3, 29, 0, 30) <= moment_ns("2026-03-29T02:30") <= unix_ns(2026, 3, 29, 1, 30)
    assert moment_ns("1d", now=unix_ns(2026, 10, 26) / SECOND) == unix_ns(2026, 10, 25)  # a day is 24 hours
