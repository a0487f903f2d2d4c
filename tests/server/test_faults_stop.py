"""SIGTERM while somebody never finishes: after `server.grace` the server ends all the same, and keeps what it acknowledged."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import threading
from contextlib import ExitStack, closing, contextmanager, suppress

import httpx
import pytest

from server import web
from server.otlp import PROTOBUF, batch, span
from server.patience import PATIENCE_S, until
from server.test_operation import up
from slipway.errors import InfrastructureError

GRACE = "grace = 0.3\n"
LARGE = 1 << 20


def acknowledge(url, numbers, **fields):
    """Spans that are on disk from here on."""
    for number in numbers:
        answer = web.post(f"{url}/v1/traces", content=batch(span(number, **fields)), headers=PROTOBUF)
        assert answer.status_code == 200


def running(url):
    """How many requests the server is busy with, besides this one."""
    found = re.search(r"^slipway_http_running (\d+)", web.get(f"{url}/metrics").text, re.MULTILINE)
    assert found
    return int(found[1])


def stored(folder):
    with closing(sqlite3.connect(folder / "data/slipway.db")) as database:
        return {int(row[0], 16) for row in database.execute("SELECT span_id FROM spans")}


@contextmanager
def connected(url, head):
    """A connection over which that was sent."""
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(PATIENCE_S)
        connection.connect((host, int(port)))
        connection.sendall(head.replace("\n", "\r\n").replace("HOST", host).encode())
        yield connection


@contextmanager
def drop_by_drop(url):
    """A body that comes a byte at a time, and never ends."""
    ended = threading.Event()
    head = "POST /v1/traces HTTP/1.1\nHost: HOST\nContent-Type: application/x-protobuf\nContent-Length: 1000000\n\n"
    with connected(url, head) as connection, ExitStack() as leave:

        def send():
            with suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"\n")

        sender = threading.Thread(target=send)
        leave.callback(sender.join, PATIENCE_S)
        leave.callback(ended.set)
        sender.start()
        yield


def never_reads(url):
    """An answer of many megabytes that nobody takes."""
    until(lambda: web.get(f"{url}/api/v1/traces").json()["traces"])
    return connected(url, "GET /api/v1/exports/traces HTTP/1.1\nHost: HOST\n\n")


@pytest.mark.parametrize("client", [drop_by_drop, never_reads])
def test_a_client_that_never_finishes_is_left_after_the_grace_period(tmp_path, client):
    with up(tmp_path, settings=GRACE) as (process, url):
        acknowledge(url, range(1, 21), attributes={"text": "x" * LARGE})
        with client(url):
            until(lambda: running(url) == 1)
            process.send_signal(signal.SIGTERM)
            # The latter where closing the store takes more than its few seconds, on a machine with much else to do.
            assert process.wait(PATIENCE_S) in (0, InfrastructureError.exit_code)
    assert "not answered within" in (tmp_path / "log").read_text()
    assert stored(tmp_path) == set(range(1, 21))


def test_a_disk_that_hangs_does_not_keep_the_server_for_ever(tmp_path):
    """Whoever waits for the disk was promised nothing; the process ends without it, and says so."""
    with up(tmp_path, settings=GRACE) as (process, url), ExitStack() as leave:
        acknowledge(url, range(1, 6))
        lock = leave.enter_context(closing(sqlite3.connect(tmp_path / "data/slipway.db", isolation_level=None)))
        lock.execute("BEGIN IMMEDIATE")
        answers = []

        def send():
            with suppress(OSError, httpx.HTTPError):
                answer = web.post(f"{url}/v1/traces", content=batch(span(6)), headers=PROTOBUF)
                answers.append(answer.status_code)

        sender = threading.Thread(target=send)
        sender.start()
        until(lambda: running(url) == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == InfrastructureError.exit_code
        sender.join(PATIENCE_S)
        assert 200 not in answers
        lock.execute("ROLLBACK")
    assert "did not stop within server.grace" in (tmp_path / "log").read_text()
    assert stored(tmp_path) >= set(range(1, 6))
    with up(tmp_path) as (process, url):
        acknowledge(url, [7])
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert stored(tmp_path) >= {*range(1, 6), 7}
