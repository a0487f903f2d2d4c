"""What `slipway doctor` says about the server that records go to, and what it does about what waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.config import Config
from slipway.data import Span, new_span_id, new_trace_id
from slipway.server.keys import issue
from slipway.track import drops, flush, shutdown, span
from slipway.track.drops import Drops
from slipway.track.spool import Segment
from slipway.track.wire import Endpoint
from track.remote_server import scripted
from track.waiting import until


def doctor(url, monkeypatch):
    monkeypatch.setenv("SLIPWAY_ENDPOINT", url)
    command = [sys.executable, "-m", "slipway.cli", "doctor", "--data", "client/.slipway", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, json.loads(done.stdout)


def server_check(said):
    return next(check for check in said["checks"] if check["name"] == "server")


@pytest.fixture
def left():
    """Records that an ended program left for the server at that address."""

    def leave(url, count):
        folder = Config(root="client").data_folder / "spool" / Endpoint.parse(url).folder
        segment = Segment(folder, process="dead-1-x")
        segment.append([Span(new_trace_id(), new_span_id(), "s", 5) for _ in range(count)])
        segment.close()
        return folder

    return leave


def test_a_server_that_is_away_is_said_and_what_waits_is_counted(left, port, monkeypatch):
    url = f"http://127.0.0.1:{port}"
    left(url, 7)
    code, said = doctor(url, monkeypatch)
    assert (code, said["spool.pending"], said["spans.dropped"], said["healthy"]) == (3, 7, 0, False)
    assert server_check(said)["state"] == "broken"
    assert "did not answer" in server_check(said)["found"]


def test_what_an_ended_program_left_is_sent(start_server, left, monkeypatch):
    server = start_server()
    folder = left(server.url, 7)
    counts = Drops("dead-999999999-x", "default")
    counts.count(drops.SPOOL_FULL, 3)
    counts.keep(folder)
    code, said = doctor(server.url, monkeypatch)
    assert (code, said["spool.pending"], said["spool.shipped"]) == (0, 0, 7)
    assert "takes records" in server_check(said)["found"]
    assert not Path("client/.slipway/slipway.db").exists()  # what goes to a server needs no store here
    assert server.store.count(Span) == 7
    assert server.store.health().drops == {"spool: full": 3}


def test_a_wrong_key_is_said_and_the_right_one_sends_what_waited(start_server, recording_to, monkeypatch):
    server = start_server(auth="auto")
    issue(server.store, member="root", role="admin", projects=["*"])
    _, key = issue(server.store, member="app", role="writer", projects=["shop"], scopes=["ingest"])
    monkeypatch.setenv("SLIPWAY_API_KEY", key[:-1] + ("0" if key[-1] != "0" else "1"))
    recording_to(server.url)
    for number in range(5):
        with span(f"s{number}"):
            pass
    assert flush(3) is False
    shutdown()
    code, said = doctor(server.url, monkeypatch)
    assert (code, said["spool.pending"], server.store.count(Span)) == (3, 5, 0)
    assert "401" in server_check(said)["found"]
    monkeypatch.setenv("SLIPWAY_API_KEY", key)
    code, said = doctor(server.url, monkeypatch)
    assert (code, said["spool.pending"], said["spool.shipped"]) == (0, 0, 5)
    assert {one.project for one in server.store.find(Span)} == {"shop"}


def test_a_record_that_the_server_refuses_is_shown_with_its_reason(recording_to, monkeypatch):
    def say(request):
        return (400, {}, b"{}") if request.names else (503, {}, b"{}")

    with scripted(say) as far:
        tracer = recording_to(far.url)
        with span("odd"):
            pass
        until(lambda: tracer.recorder.drops.totals() == {("server", "refused by it"): 1})
        shutdown()
        _, said = doctor(far.url, monkeypatch)
    assert (said["drops"], said["spans.dropped"]) == ({"server: refused by it": 1}, 1)
