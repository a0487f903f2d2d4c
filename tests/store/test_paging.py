"""Reading a page at a time: everything once and in order, and never more in memory than a page may have."""

from __future__ import annotations

import pytest

from slipway.data import Span
from slipway.store import paging

LARGE = "x" * 1_000_000


@pytest.fixture
def filled(store):
    """Spans of which some are larger than others by a thousand times."""
    store.write(
        [Span("a" * 32, f"{n + 1:016x}", "s", n, 1, input=LARGE if n % 50 == 7 else "small") for n in range(400)]
    )
    return store


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 100, 101, 399, 400, 5000])
def test_rows_of_any_size_come_once_and_in_order(filled, newest_first, limit):
    expected = list(range(400))[:: -1 if newest_first else 1][:limit]
    found = filled.find(Span, newest_first=newest_first, limit=limit)
    assert [(span.started_ns, len(span.input)) for span in found] == [
        (number, len(LARGE if number % 50 == 7 else "small")) for number in expected
    ]
    pairs = filled.columns(Span, ("started_ns", "input"), newest_first=newest_first, limit=limit)
    assert [number for number, _ in pairs] == expected


def test_a_page_ends_with_the_row_that_fills_it(store):
    rows = iter([(1, LARGE)] * 20)
    found, length = paging.page(rows)
    assert (len(found), length) == (5, 5_000_000)
    assert len(list(rows)) == 15  # the others were not asked for
