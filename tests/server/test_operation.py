"""What an operator sees of a server: /metrics, the log, and how it ends."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing, contextmanager, suppress
from io import StringIO

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import web
from server.otlp import PROTOBUF, batch, post, span
from server.patience import PATIENCE_S, until
from slipway.data import Drop
from slipway.errors import ConfigError
from slipway.server import logs
from slipway.server.keys import issue

KEY = "slw_0123456789abcdef_" + "a" * 64


def collected(served):
    answer = web.get(f"{served.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


# -- /metrics


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_metrics_count_what_was_done(start, new_database, database):
    served = start(store=new_database() if database == "postgresql" else "")
    assert post(served, batch(span(1), span(2))).status_code == 200
    assert web.get(f"{served.url}/nope/{KEY[:10]}").status_code == 404
    served.store.write([Drop("p", "queue", 'fu"ll\\', 7, 1)])
    labels = (("method", "POST"), ("route", "/v1/traces"), ("status", "200"))
    # A request is counted, and what it held is let go, after its answer has left.
    until(lambda: (found := collected(served)).get(("slipway_http_requests_total", *labels)) == 1
          and not found["slipway_pending_records",] and found["slipway_commit_seconds_count",])  # fmt: skip
    found = collected(served)
    assert found["slipway_http_requests_total", ("method", "other"), ("route", "other"), ("status", "404")] == 1
    assert found["slipway_http_request_seconds_count", ("route", "/v1/traces")] == 1
    assert found["slipway_http_request_seconds_bucket", ("le", "+Inf"), ("route", "/v1/traces")] == 1
    assert found["slipway_otlp_records_total", ("outcome", "stored"), ("signal", "spans")] == 2
    assert found["slipway_dropped_total", ("reason", 'fu"ll\\'), ("where", "queue")] == 7
    assert found["slipway_commit_seconds_count",] == 1
    assert found["slipway_pending_records",] == 0
    assert found["slipway_store_up",] == 1
    assert found["slipway_store_bytes",] > 10_000
    assert found["slipway_sse_clients",] == 0
    assert found["process_resident_memory_bytes",] > 10_000_000
    assert found["process_cpu_seconds_total",] > 0


def test_metrics_are_answered_while_the_store_cannot_be_read(served):
    served.state.derived.close()
    found = collected(served)
    assert found["slipway_store_up",] == 0
    assert ("slipway_store_bytes",) not in found


def test_metrics_need_a_key_where_one_is_needed(start):
    served = start()
    issue(served.store, member="ada", role="admin", projects=("*",))
    _, reader = issue(served.store, member="prometheus", role="viewer", projects=("default",))
    served.state.keys.forget()
    assert web.get(f"{served.url}/metrics").status_code == 401
    assert web.get(f"{served.url}/metrics", headers={"Authorization": f"Bearer {reader}"}).status_code == 200


# -- the log


@contextmanager
def logged(level="info", stream=None, *, lines=0):
    """What is logged inside. At the end it waits for that many ``lines``: a request's comes after its answer."""
    stream = stream or StringIO()
    writing = logs.begin(level, stream)
    try:
        yield stream
        until(lambda: stream.getvalue().count("\n") >= lines, stream.getvalue)
    finally:
        logs.end(writing)


def test_a_request_is_one_line_without_its_key_query_or_body(served):
    with logged(lines=1) as stream:
        answer = web.post(
            f"{served.url}/v1/traces?project=secret",
            content=b"the body",
            headers={"Authorization": f"Bearer {KEY}", **PROTOBUF},
        )
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert line.keys() == {"time", "level", "event", "request", "method", "route", "status", "ms"}
    assert (line["level"], line["event"], line["method"], line["route"]) == ("info", "request", "POST", "/v1/traces")
    assert line["status"] == answer.status_code
    assert line["request"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_an_unexpected_error_is_logged_with_its_traceback_and_answered_without(served):
    served.state.derived.lag = None  # so that the route fails as no error of ours does
    with logged(lines=1) as stream:
        answer = web.get(f"{served.url}/metrics")
    assert answer.status_code == 500
    assert "NoneType" not in answer.text
    error = next(line for line in map(json.loads, stream.getvalue().splitlines()) if line["level"] == "error")
    assert "TypeError: 'NoneType' object is not callable" in error["traceback"]
    assert error["request"] == answer.headers["x-request-id"]


def test_levels(served):
    with logged("debug", lines=2) as stream:
        web.get(f"{served.url}/healthz")
        web.get(f"{served.url}/nope")
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["debug", "info"]
    with logged("warning") as stream:
        web.get(f"{served.url}/nope")
    assert stream.getvalue() == ""
    with pytest.raises(ConfigError, match="'info'"):
        logs.begin("inof")


def test_keys_in_what_others_say_are_blotted_out():
    with logged(lines=1) as stream:
        logging.getLogger("slipway.server").error("a client sent %s", KEY)
    assert KEY not in stream.getvalue()
    assert "slw_***" in stream.getvalue()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_is_for_people(served):
    with logged(stream=Terminal(), lines=1) as stream:
        web.get(f"{served.url}/nope")
    assert re.fullmatch(r"\d\d:\d\d:\d\d info    request request=\w+ .*status=404 ms=[\d.]+\n", stream.getvalue())


def test_nobody_reads_the_log_and_the_server_answers_all_the_same(served):
    reading, writing = os.pipe()
    stream = open(writing, "w")  # noqa: SIM115
    lines = logs.begin("info", stream)
    try:
        for _ in range(logs.WAITING + 1000):
            logging.getLogger("slipway.server").info("x" * 200)
        assert web.get(f"{served.url}/healthz").status_code == 200
        assert lines.dropped > 0
    finally:
        os.close(reading)  # the thread that writes gets an error, and goes on
        logs.end(lines)
        with suppress(BrokenPipeError):
            stream.close()


# -- the end


@contextmanager
def up(folder, *, settings="grace = 60"):
    """``slipway up`` as a process: (process, url)."""
    (folder / "slipway.toml").write_text(f"[server]\nport = 0\n{settings}")
    command = [sys.executable, "-m", "slipway.cli", "up", "--data", str(folder / "data")]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said + (folder / "log").read_text()
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_sigterm_under_load_every_acknowledged_span_is_there(tmp_path):
    acknowledged: set[int] = set()
    refused: set[int] = set()
    counting, enough = threading.Lock(), threading.Event()
    with up(tmp_path) as (process, url):

        def send(worker):
            with web.client() as client:
                for number in range(1, 100_000):
                    mine = worker * 100_000 + number
                    try:
                        answer = client.post(f"{url}/v1/traces", content=batch(span(mine)), headers=PROTOBUF)
                    except httpx.HTTPError:
                        break  # the connection ended without an answer: nothing was promised
                    if answer.status_code != 200:
                        refused.add(answer.status_code)
                        break
                    with counting:
                        acknowledged.add(mine)
                        if len(acknowledged) == 200:
                            enough.set()

        workers = [threading.Thread(target=send, args=(worker,)) for worker in range(8)]
        for worker in workers:
            worker.start()
        assert enough.wait(PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        for worker in workers:
            worker.join(PATIENCE_S)
    assert refused <= {503}
    assert not (tmp_path / "data/slipway.db-wal").exists()  # it was closed
    with closing(sqlite3.connect(tmp_path / "data/slipway.db")) as connection:
        stored = {int(row[0], 16) for row in connection.execute("SELECT span_id FROM spans")}
    assert acknowledged <= stored
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert events[0] == "serving"
    assert "stopping" in events


@contextmanager
def half_sent(url):
    """A request of which the second half of the body is still to come: (connection, the half)."""
    host, port = url.removeprefix("http://").split(":")
    body = batch(span(77))
    head = f"POST /v1/traces HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body[:20])
        yield connection, body[20:]


def wait_for(url, status):
    until(lambda: web.get(f"{url}/readyz").status_code == status, f"/readyz never said {status}")


def test_a_request_under_way_is_answered_after_sigterm_and_new_ones_are_refused(tmp_path):
    with up(tmp_path, settings="grace = 60") as (process, url), half_sent(url) as (connection, rest):
        wait_until_running(url)
        process.send_signal(signal.SIGTERM)
        wait_for(url, 503)
        refused = web.get(f"{url}/api/v1/openapi.json")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert web.get(f"{url}/healthz").status_code == 200
        connection.sendall(rest)
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")
        assert process.wait(PATIENCE_S) == 0
    with closing(sqlite3.connect(tmp_path / "data/slipway.db")) as database:
        assert database.execute("SELECT count(*) FROM spans").fetchone() == (1,)


def wait_until_running(url):
    """Until the request that was half sent is one that the server waits for."""
    until(lambda: "\nslipway_http_running 1\n" in web.get(f"{url}/metrics").text, "the request never began")


def test_the_grace_period_ends_and_so_does_the_server(tmp_path):
    with up(tmp_path, settings="grace = 0.2") as (process, url), half_sent(url):
        wait_until_running(url)
        process.send_signal(signal.SIGTERM)
        # 3: on a busy machine, closing the store took more than the few seconds after which the process is ended
        assert process.wait(PATIENCE_S) in (0, 3)
    assert "not answered within" in (tmp_path / "log").read_text()


def test_t28_50_streams_are_closed_and_not_cut_off(tmp_path):
    with up(tmp_path, settings="grace = 60") as (process, url), ExitStack() as leave:
        client = leave.enter_context(web.client())
        streams = [leave.enter_context(client.stream("GET", f"{url}/api/v1/events")) for _ in range(50)]
        assert {stream.status_code for stream in streams} == {200}
        assert "\nslipway_sse_clients 50\n" in web.get(f"{url}/metrics").text
        process.send_signal(signal.SIGTERM)
        for stream in streams:
            stream.read()  # raises for a body that is cut off
        assert process.wait(PATIENCE_S) == 0
    assert "not answered within" not in (tmp_path / "log").read_text()


def test_a_second_signal_ends_it_at_once(tmp_path):
    with up(tmp_path, settings="grace = 1000") as (process, url), half_sent(url):
        wait_until_running(url)
        process.send_signal(signal.SIGTERM)
        wait_for(url, 503)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == -signal.SIGTERM
