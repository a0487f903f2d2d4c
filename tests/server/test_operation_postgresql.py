"""Operating a server on PostgreSQL: pruning by size, backup with pg_dump and restore."""

from __future__ import annotations

import random

import pytest

from server.test_operation_retention import NOW, Kept
from slipway.data import Feedback, Span
from slipway.store.derived.tables import metadata as derived_tables
from slipway.store.tables import metadata

NOISE = random.Random(4)


@pytest.fixture
def kept(new_database):
    kept = Kept(new_database())
    yield kept
    kept.derived.close()
    kept.store.close()


def fill(kept, first, count, **fields):
    """Traces one after the other, of about 17 kB that no compression makes shorter."""
    for trace in range(first, first + count):
        kept.add(trace, NOW - (10_000 - trace) * 10**9, output=NOISE.randbytes(4000).hex(), **fields)


def bytes_of(kept):
    """What the tables take on disk."""
    names = [table.name for each in (metadata, derived_tables) for table in each.sorted_tables if table.name != "blobs"]
    with kept.derived.reading() as connection:
        sizes = [
            connection.exec_driver_sql(f"SELECT pg_total_relation_size(to_regclass('{name}'))").scalar_one() or 0
            for name in [*names, "span_text"]
        ]
    return sum(sizes)


def test_the_oldest_go_until_the_rows_fit_and_no_more_each_time(kept):
    fill(kept, 1, 300)
    kept.builder.catch_up()
    whole = bytes_of(kept)
    assert kept.prune(days=0, max_bytes=2 * whole).traces == 0
    most = whole // 2
    dry = kept.prune(days=0, max_bytes=most, dry_run=True)
    assert len(kept.traces()) == 300
    done = kept.prune(days=0, max_bytes=most)
    left = kept.traces()
    assert abs(dry.traces - done.traces) <= 50  # whole steps
    assert 50 < len(left) < 250
    assert left == set(range(301 - len(left), 301))  # the newest
    assert kept.searchable() == left
    # The files are as large as before. What is free in them is not taken for rows, or each round would delete more.
    assert bytes_of(kept) > most
    for _ in range(3):
        assert kept.prune(days=0, max_bytes=most).traces <= 50
    assert len(kept.traces()) >= len(left) - 50
    fill(kept, 301, 200)
    again = kept.prune(days=0, max_bytes=most).traces
    assert 50 < again <= 300
    assert max(kept.traces()) == 500


def test_what_matters_stays_whatever_the_size(kept):
    fill(kept, 1, 40)
    fill(kept, 41, 1, status="error")
    kept.store.write([Feedback("f", f"{7:032x}", "thumb", True, NOW)])
    fill(kept, 50, 2)
    done = kept.prune(days=0, max_bytes=1)
    assert kept.traces() == {7, 41, 51}  # and the newest row
    assert done.kept == 2
    assert kept.store.count(Span) == 6
