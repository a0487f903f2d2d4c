"""Spans come in any order: children before parents, roots last, ends before starts, over several batches (T20)."""

from __future__ import annotations

import random

import pytest

from server import web
from server.otlp import STARTED, batch, post, span
from server.patience import until

ROOT, PARENTS = 1, {2: 1, 3: 1, 4: 2, 5: 2, 6: 5, 7: 3}


def made(number):
    fields = {"name": f"span {number}", "start_time_unix_nano": STARTED + number * 1000}
    if number in PARENTS:
        fields["parent_span_id"] = PARENTS[number].to_bytes(8, "big")
    ended = STARTED if number == 6 else STARTED + 9000  # the sixth ends before it starts
    return span(number, end_time_unix_nano=ended, **fields)


def tree(client, trace_id, level=None):
    """{name: its tree}, as the API opens it level by level."""
    path = f"/api/v1/traces/{trace_id}" + (f"/spans?parent={level}" if level else "")
    return {
        node["span"]["name"]: tree(client, trace_id, node["span"]["span_id"])
        for node in client.get(path).json()["spans"]
    }


WHOLE = {"span 1": {"span 2": {"span 4": {}, "span 5": {"span 6": {}}}, "span 3": {"span 7": {}}}}


@pytest.mark.parametrize("order", ["backwards", *range(4)])
def test_t20_the_tree_is_the_same_in_whatever_order_spans_come(anywhere, order):
    numbers = [*PARENTS, ROOT]
    if order == "backwards":
        numbers.sort(reverse=True)
    else:
        random.Random(order).shuffle(numbers)
    with web.client(anywhere.url) as client:
        for number in numbers:
            assert post(anywhere, batch(made(number))).status_code == 200
        answer = until(lambda: (said := client.get("/api/v1/traces").json())["behind"] == 0 and said)
        [trace] = answer["traces"]
        assert (trace["spans"], trace["rooted"], trace["name"]) == (7, True, "span 1")
        assert trace["started_ns"] == STARTED + 1000
        assert trace["duration_ns"] == 8000
        assert tree(client, trace["trace_id"]) == WHOLE
        late = client.get(f"/api/v1/traces/{trace['trace_id']}/spans/{6:016x}").json()
        assert late["span"]["duration_ns"] == 0


def test_t20_what_came_so_far_can_be_opened(anywhere):
    """A trace whose root has not come shows its spans as orphans, each once, and closes up when the root comes."""
    with web.client(anywhere.url) as client:
        for numbers, top in (
            ([6, 4], {"span 4", "span 6"}),
            ([5, 7, 3, 2], {"span 2", "span 3"}),
            ([ROOT], {"span 1"}),
        ):
            post(anywhere, batch(*map(made, numbers)))
            until(lambda: client.get("/api/v1/traces").json()["behind"] == 0)
            [trace] = client.get("/api/v1/traces").json()["traces"]
            assert trace["rooted"] is (ROOT in numbers)
            nodes = client.get(f"/api/v1/traces/{trace['trace_id']}").json()["spans"]
            assert {node["span"]["name"] for node in nodes} == top
            assert all(node["orphan"] is not trace["rooted"] for node in nodes)
        assert tree(client, trace["trace_id"]) == WHOLE
