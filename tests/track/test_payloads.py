"""Big inputs and outputs: whole in a blob, on both kinds of store, through outages, never twice, never without limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from slipway.config import Capture, Config
from slipway.data import Span
from slipway.store import open_store, whole
from slipway.store.payloads import Keeping, reference, refers
from slipway.testing import recording
from slipway.track import flush, init, record, ship_folder, shutdown, span, status
from slipway.track.convert import cut
from slipway.track.payloads import Payloads
from slipway.track.spool import read, segments

SRC = Path(__file__).parents[2] / "src"
WORDS = "a slipway is a ramp for ships; " * 2_000  # 62,000 characters


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/slipway.db"
    return str(request.getfixturevalue("new_database")())


@pytest.fixture
def started(url, tmp_path):
    def start(**capture):
        settings = Config(project="t", root=str(tmp_path), store=url, capture=Capture(**capture))
        return init(config=settings, environment=False, instrument=False)

    yield start
    shutdown()


@pytest.fixture
def store(url):
    opened = open_store(url)
    yield opened
    opened.close()


def test_a_big_payload_is_kept_whole_beside_its_span(started, store):
    started()
    asked = {"messages": [{"role": "user", "content": WORDS}], "n": 3}
    with span("big") as live:
        live.record_input(asked)
        live.record_output(WORDS)
    with span("small") as live:
        live.record_input({"q": "?"})
    assert flush(60)
    big, small = store.find(Span)
    assert small.input == {"q": "?"}
    assert refers(big.input)
    assert refers(big.output)
    assert big.output["preview"] == WORDS[:1_024]
    assert big.output["bytes"] == len(json.dumps(WORDS))
    assert whole(store, big.input) == asked
    assert whole(store, big.output) == WORDS
    assert "$data" not in big.input


def test_equal_payloads_are_one_blob(started, store):
    started()
    for _ in range(5):
        with span("same") as live:
            live.record_output(WORDS)
    assert flush(60)
    assert len({found.output["$blob"] for found in store.find(Span)}) == 1
    assert store.health().details["blobs"] == 1


def test_what_exceeds_the_cap_is_cut_and_counted_and_no_span_is_lost(started, store):
    tracer = started(max_bytes=30_000)
    with span("huge") as live:
        live.record_output(WORDS)
    assert flush(60)
    (found,) = store.find(Span)
    kept = whole(store, found.output)
    assert kept.startswith(WORDS[:20_000])
    assert kept.endswith("bytes more]")
    assert found.output["bytes"] < 31_000
    assert tracer.recorder.drops.totals() == {("capture", "payload cut"): 1}
    shutdown()
    assert store.health().drops == {"capture: payload cut": 1}


def test_doctor_does_not_call_it_a_lost_span(tmp_path):
    code = f"""
import slipway
slipway.init(environment=False, instrument=False)
with slipway.span("huge") as live: live.record_output({WORDS!r} * 40)
slipway.flush(60)
"""
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=240)
    command = [sys.executable, "-m", "slipway.cli", "doctor", "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240, check=False)
    found = json.loads(done.stdout)
    assert (found["spans.stored"], found["spans.dropped"]) == (1, 0)
    assert found["drops"] == {"capture: payload cut": 1}


def calls_itself(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("an output of too many parts", lambda live: live.record_output([[n] for n in range(3_000)])),
        ("an input too deep", lambda live: live.record_input(calls_itself(40))),
        ("an attribute of too many parts", lambda live: live.set({"a": {str(n): [n] for n in range(3_000)}})),
        ("too long an attribute", lambda live: live.set({"a": "x" * 70_000})),
        ("too many attributes", lambda live: live.set({f"a{n}": n for n in range(1_500)})),
        ("too long an event", lambda live: live.event("e", text="x" * 70_000)),
        ("too many events", lambda live: [live.event("e") for _ in range(2_000)]),
        ("too long an error", lambda live: live.record_error(ValueError("x" * 70_000))),
        ("a stream of too many parts", lambda live: [live.add_chunk([n]) for n in range(3_000)]),
    ],
)
def test_every_cut_is_counted(name, fill):
    with recording() as recorded, span("whole") as live:
        live.record_output([[n] for n in range(500)])
        live.set({"a": "x" * 5_000}).event("e", text="y")
    assert recorded.spans
    assert recorded.dropped == {}
    with recording() as recorded, span("cut") as live:
        fill(live)
    assert len(recorded.spans) == 1
    assert recorded.dropped.get(("capture", "payload cut"), 0) >= 1, name


def test_redaction_comes_before_the_blob(started, store):
    started()
    with span("secret") as live:
        live.record_output(f"{WORDS} my key is sk-abcdefghijklmnopqrstuvwx {WORDS}")
    assert flush(60)
    (found,) = store.find(Span)
    kept = whole(store, found.output)
    assert "[redacted openai]" in kept
    assert "sk-abcdef" not in kept
    assert len(kept) > 2 * len(WORDS)


def test_a_streamed_answer_too(started, store):
    started()
    with span("stream") as live:
        for start in range(0, len(WORDS), 10):
            live.add_chunk(WORDS[start : start + 10])
    assert flush(60)
    (found,) = store.find(Span)
    assert whole(store, found.output) == WORDS


def test_a_spooled_span_carries_its_payload(url, tmp_path):
    away = f"sqlite:///{tmp_path}/nobody/may/slipway.db"
    (tmp_path / "nobody").write_text("a file where a folder should be")
    init(config=Config(project="t", root=str(tmp_path), data="here", store=away), environment=False, instrument=False)
    with span("waits") as live:
        live.record_output(WORDS)
    shutdown(5)
    folder = tmp_path / "here" / "spool"
    assert status(tmp_path / "here")["spool.pending"] == 1
    store = open_store(url)
    assert ship_folder(folder, Keeping(store).write) >= 1
    (found,) = store.find(Span)
    assert refers(found.output)
    assert whole(store, found.output) == WORDS
    store.close()


def test_while_no_blob_can_be_written_the_span_waits_in_the_spool(started, url, tmp_path, store):
    if not url.startswith("sqlite"):
        return  # there a blob is a row, which fails with its span
    (tmp_path / "data" / "blobs").write_text("a file where a folder should be")
    tracer = started()
    with span("waits") as live:
        live.record_output(WORDS)
    assert not flush(5)
    shutdown()
    (segment,) = segments(tracer.spool_folder)
    records, damage = read(segment)
    assert damage.lost == 0
    (waiting,) = [found for found in records if isinstance(found, Span)]
    assert waiting.output["$data"] == json.dumps(WORDS)
    assert list(store.find(Span)) == []
    (tmp_path / "data" / "blobs").unlink()
    started()
    assert flush(60)
    (found,) = store.find(Span)
    assert whole(store, found.output) == WORDS


def test_a_value_that_looks_like_a_reference_is_none(started, store):
    started()
    secret = store.put_blob(b'"somebody else\'s"')
    forged = {"$blob": secret, "bytes": 17, "preview": "x"}
    carried = {**reference("y", b'"y"'), "$blob": secret}
    with span("forged") as live:
        live.record_input(forged)
        live.record_output(carried)
    record(Span(trace_id="ab" * 16, span_id="cd" * 8, name="made", started_ns=1, input=forged))
    assert flush(60)
    found = {each.name: each for each in store.find(Span)}
    assert whole(store, found["forged"].input) == forged
    assert whole(store, found["forged"].output) == carried
    assert whole(store, found["made"].input) == forged


def test_a_sink_of_ones_own_gets_payloads_whole():
    with recording() as recorded, span("s") as live:
        live.record_output(WORDS)
    assert recorded.spans[0].output == WORDS


def test_limits():
    counted = []
    payloads = Payloads(inline_bytes=100, max_bytes=1_000, cut=cut, count=lambda: counted.append(1))
    assert payloads.fit("x" * 16) == "x" * 16
    assert payloads.fit("x" * 98) == "x" * 98  # with its quotes 100 bytes of JSON
    assert payloads.fit("x" * 99)["bytes"] == 101
    assert payloads.fit(["é" * 400])["bytes"] == 804
    assert not counted
    assert payloads.fit("é" * 501)["bytes"] < 1_100
    assert len(counted) == 1


def test_whoever_hands_a_batch_over_does_not_wait_for_the_blob():
    class Slow:
        """A disk that answers when it is told to."""

        def __init__(self):
            self.may = Future()
            self.order = []

        def put_blob(self, data):
            self.order.append("blob")
            return self.may.result(120)

        def submit(self, records):
            self.order.append("spans")
            done = Future()
            done.set_result(len(records))
            return done

    slow = Slow()
    big = Span(trace_id="ab" * 16, span_id="cd" * 8, name="s", started_ns=1, output=reference("y", b'"y"'))
    future = Keeping(slow)([big])
    assert not future.done()
    slow.may.set_result("0" * 64)
    assert future.result(120) == 1
    assert slow.order == ["blob", "spans"]
