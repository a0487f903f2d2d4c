"""What OpenTelemetry says beside the fields of a span is cleaned and searched for secrets as all else."""

from __future__ import annotations

from slipway.data import Event, Span
from slipway.testing import recording

SECRET = "sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAA"


def test_no_secret_passes_in_links_or_otlp_and_counts_stay():
    links = (
        {"trace_id": "1" * 32, "span_id": "2" * 16, "attributes": {"why": SECRET}, "flags": 0x100},
        {"span_id": "3"},
    )
    said = {"flags": 0x300, "scope": {"version": "1", "attributes": {"key": SECRET, "password": "abc", "n": 1}}}
    given = Span("a" * 32, "b" * 16, "s", 5, events=(Event("e", 6, {"n": 1}, 7),), links=links, otlp=said)
    with recording() as recorded:
        kept = recorded.tracer.recorder.converter.record(given)
    assert SECRET not in repr(kept)
    assert (kept.otlp["flags"], kept.otlp["scope"]["version"], kept.otlp["scope"]["attributes"]["n"]) == (0x300, "1", 1)
    assert kept.otlp["scope"]["attributes"]["password"] != "abc"
    assert kept.links[0] == {**links[0], "attributes": kept.links[0]["attributes"]}
    assert kept.links[1] == links[1]
    assert kept.events == given.events


def test_a_span_with_nothing_besides_keeps_nothing():
    with recording() as recorded:
        assert recorded.tracer.recorder.converter.record(Span("a" * 32, "b" * 16, "s", 5)).otlp is None
