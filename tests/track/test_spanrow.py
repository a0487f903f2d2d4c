"""An ordinary span's row is what the store would have made of its record; anything else goes the long way."""

from __future__ import annotations

import pytest

from slipway.config import Capture, Config
from slipway.data import Span
from slipway.store import open_store
from slipway.store.kinds import KINDS, Form
from slipway.store.rows import rows_of
from slipway.testing import StepClock, recording
from slipway.track import bound, init, shutdown, span
from slipway.track.convert import Converter
from slipway.track.spanrow import COLUMNS, JSON
from slipway.track.spool import Damage, frame, header, scan
from slipway.track.tracer import RandomIds

ORDINARY = [
    ("plain", "text", "more text"),
    ("nothing", None, None),
    ("空", {"質問": "天気は？", "n": [1, 2.5, True, None]}, ["a", {"b": ()}]),
    ("odd numbers", {"nan": float("nan"), "inf": [float("-inf")], "big": 1 << 2_000}, -0.0),
    ("controls", "a\x00b\x10c\x1fd", {"key\x00": "\x10"}),
    ("surrogate in a value", "\udc80", {"\udfff": 1}),
    ("hidden by name", {"cookie": "anything", "flag": {"credential": True}}, ""),
    ("bytes", b"\xff\x00", (1, 2)),
    ("usage", {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 34}, {"max_tokens": "12"}),
]
OUT_OF_THE_ORDINARY = [
    ("escape\x10 in the name", 1, 2),
    ("surrogate \udc80 in the name", 1, 2),
    ("secret", {"text": "my key is sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAA"}, 1),
    ("secret", 1, "write to someone.else@example.org"),
    ("long", ["x" * 4_000] * 3, 1),
    ("named as a blob", {"$blob": "0" * 64}, 1),
    ("too many parts", [[n] for n in range(3_000)], 1),
]


def lives(cases, **options):
    """Finished spans, as the queue holds them."""
    with recording(capture=Capture(max_bytes=20_000), **options) as recorded:
        for name, given, output in cases:
            with span(name, kind="tool", given=given) as s:
                s.record_input(given)
                s.record_output(output)
        queue = recorded.tracer.recorder._queue
        found = list(queue)
        queue.clear()
        return found, recorded.tracer.recorder.converter


def same(converter: Converter, live) -> bool:
    """Whether the short way was taken; what it gives must be what the long way gives."""
    made, record = converter.row(live), converter.span(live)
    if isinstance(made, Span):
        assert made == record
        return False
    assert made == rows_of(Span).row(record)
    return True


def test_the_columns_are_those_of_the_store():
    assert rows_of(Span).names == COLUMNS
    assert {column.name for column in KINDS[Span].columns if column.form is Form.JSON} == JSON


@pytest.mark.parametrize("case", ORDINARY, ids=[case[0] for case in ORDINARY])
def test_an_ordinary_span_becomes_the_row_of_its_record(case):
    (live,), converter = lives([case])
    assert same(converter, live)


@pytest.mark.parametrize("case", OUT_OF_THE_ORDINARY, ids=range(len(OUT_OF_THE_ORDINARY)))
def test_what_is_redacted_escaped_or_cut_goes_the_long_way(case):
    (live,), converter = lives([case])
    assert not same(converter, live)


def test_errors_streams_events_links_and_limits_go_the_long_way():
    with recording() as recorded:
        with pytest.raises(ValueError), span("failed"):
            raise ValueError("no")
        with span("stream") as s:
            s.add_chunk("a")
        with span("event") as s:
            s.event("retry")
        with span("links") as s:
            s.links = ({"trace_id": "a"},)
        with span("attributes") as s:
            s.set({f"a{number}": "x" * 4_000 for number in range(200)})
        with span("dropped") as s:
            s.set({f"a{number}": number for number in range(1_001)})
        with span("wrong") as s:
            s.kind = 7
        with bound(session_id=5), span("wrong"):  # type: ignore[arg-type]
            pass
        with span("first token, session, parent") as s, bound(session_id="s", user_id="u", run_id="r"):
            s.first_token()
            with span("child"):
                pass
        queue = recorded.tracer.recorder._queue
        found, converter = list(queue), recorded.tracer.recorder.converter
        queue.clear()
    short = [live.name for live in found if same(converter, live)]
    assert short == ["child", "first token, session, parent"]


def test_without_redaction_secrets_are_ordinary_text():
    cases = [OUT_OF_THE_ORDINARY[2], ("named", {"cookie": "anything"}, 1)]
    with recording(capture=Capture(redact=False)) as recorded:
        for name, given, output in cases:
            with span(name) as s:
                s.record_input(given)
                s.record_output(output)
        queue = recorded.tracer.recorder._queue
        assert [same(recorded.tracer.recorder.converter, live) for live in queue] == [True, True]
        queue.clear()


def test_a_hook_sees_every_text():
    with recording(redactors=[lambda text: text.replace("Bob", "[name]")]) as recorded:
        with span("s") as s:
            s.record_input("Bob")
        made = recorded.tracer.recorder.converter.row(recorded.tracer.recorder._queue[0])
    assert isinstance(made, Span)
    assert made.input == "[name]"


def test_a_row_lies_in_the_spool_as_its_record_does():
    found, converter = lives(ORDINARY)
    rows = [converter.row(live) for live in found]
    assert {type(row) for row in rows} == {tuple}
    damage = Damage()
    data = header() + b"".join(frame(number, row) for number, row in enumerate(rows))
    back = [record for _, record in scan(data, damage)]
    assert damage.lost == 0
    expected = header() + b"".join(frame(number, converter.span(live)) for number, live in enumerate(found))
    assert back == [record for _, record in scan(expected, Damage())]
    assert [rows_of(Span).row(record) for record in back] == rows


def test_both_ways_end_in_the_same_store(tmp_path):
    init(config=Config(project="t", root=str(tmp_path)), environment=False, instrument=False)
    for name, given, output in [*ORDINARY, *OUT_OF_THE_ORDINARY] * 2:
        with span(name) as s:
            s.record_input(given)
            s.record_output(output)
    assert shutdown(60)
    store = open_store(Config(root=str(tmp_path)).store_url)
    spans = list(store.find(Span))
    store.close()
    assert len(spans) == 2 * len(ORDINARY + OUT_OF_THE_ORDINARY)
    by_name = {found.name: found for found in spans}
    assert by_name["controls"].input == "a\x00b\x10c\x1fd"
    assert by_name["空"].input == {"質問": "天気は？", "n": [1, 2.5, True, None]}


def test_trace_ids_grow_with_time_and_stay_random_below():
    ids, clock = RandomIds(), StepClock()
    made = []
    for _ in range(1_000):
        clock.monotonic()  # a millisecond
        made.append(ids.trace(clock.wall()))
    assert made == sorted(made)
    assert all(0 < number < 1 << 128 for number in made)
    assert len({number & (1 << 56) - 1 for number in made}) == 1_000
    assert ids.trace(clock.wall(), 77) & (1 << 64) - 1 == 77
    assert 0 < ids.trace(-1) < 1 << 128
    assert 0 < ids.trace(1 << 80) < 1 << 128
