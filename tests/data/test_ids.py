"""Ids are OpenTelemetry's: 128 and 64 bits in hex, never zero, different in a forked child."""

from __future__ import annotations

import os
import re

from slipway.data import new_span_id, new_trace_id


def test_ids_have_the_right_size_and_do_not_repeat():
    traces = {new_trace_id() for _ in range(10_000)}
    spans = {new_span_id() for _ in range(10_000)}
    assert len(traces) == len(spans) == 10_000
    assert all(re.fullmatch("[0-9a-f]{32}", one) and int(one, 16) for one in traces)
    assert all(re.fullmatch("[0-9a-f]{16}", one) and int(one, 16) for one in spans)


def test_t05_a_forked_child_draws_other_ids():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(new_trace_id() for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn = os.read(reading, 10_000).decode()
    theirs = {drawn[at : at + 32] for at in range(0, len(drawn), 32)}
    assert len(theirs) == 50
    assert not theirs & {new_trace_id() for _ in range(50)}
