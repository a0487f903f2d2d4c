"""Server-sent events: what is new, resumed, bounded for whoever reads slowly (T09), ended when the client or its key is gone."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, contextmanager

import pytest

from server import web
from server.patience import PATIENCE_S, until
from slipway.data import EvalRun, Span
from slipway.server.feed import BUFFER
from slipway.server.keys import issue, revoke

AT = 1_790_000_000_000_000_000
AT_ONCE = 200  # fewer than a listener has room for: however slow the machine is, whoever reads hears of all of them
MOST_COMMENTS = 500
PATH = "/api/v1/events"


def spans(first, many, project="default"):
    return [Span(f"{n:032x}", f"{n:016x}", "ask", AT + n, 5, project=project) for n in range(first, first + many)]


@contextmanager
def listening(served, headers=None, /, **params):
    """An iterator over (event, data, id) of a stream that has begun; "ready" is passed over."""
    with web.stream("GET", served.url + PATH, headers=headers, params=params) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer.iter_lines())


def _events(lines):
    said = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line:
            if "event" in said:
                yield said["event"], json.loads(said["data"]), said.get("id")
            said = {}
        elif name:
            said[name] = value


def take(found, event, most=1000):
    """The next of that kind."""
    for _, each in zip(range(most), found, strict=False):
        if each[0] == event:
            return each
    raise AssertionError(f"no {event}")


def test_new_traces_and_runs_are_told_once_they_can_be_found(api):
    served = api.served
    run = EvalRun("run1", "exp", "v", "base", "d", AT, suite="quick")
    with listening(served) as found:
        assert take(found, "ready")[1] == {}
        served.store.write(spans(1, 1))
        served.store.write([Span(f"{1:032x}", f"{9:016x}", "child", AT, 5, parent_id=f"{1:016x}", status="error")])
        served.store.write(spans(50, 1, project="other"))
        seen = {"spans": 0, "errors": 0}
        while seen["spans"] < 2:
            _, said, _ = take(found, "trace")
            assert said["trace_id"] == f"{1:032x}"
            seen = {name: seen[name] + said[name] for name in seen}
        assert seen == {"spans": 2, "errors": 1}
        assert api.get(f"/traces/{1:032x}")["trace"]["spans"] == 2
        served.store.write([run])
        assert take(found, "run")[1]["status"] == "running"
        served.store.write(
            [EvalRun("run1", "exp", "v", "base", "d", AT, suite="quick", status="finished", ended_ns=AT)]
        )
        assert take(found, "run")[1] == {
            "run_id": "run1", "status": "finished", "suite": "quick", "variant": "base", "experiment": "exp",
        }  # fmt: skip
    until(lambda: not served.state.feed.listeners)


def test_who_was_away_goes_on_where_it_was(api):
    served = api.served
    with listening(served) as found:
        take(found, "ready")
        served.store.write(spans(1, 1))
        _, said, last = take(found, "trace")
        assert said["trace_id"] == f"{1:032x}"
    until(lambda: not served.state.feed.listeners)  # that it went away is noticed a moment later
    api.write(*spans(2, 3), *spans(90, 2, project="other"), EvalRun("run1", "exp", "v", "base", "d", AT))
    with listening(served, {"Last-Event-ID": last}) as found:
        missed = [next(found) for _ in range(5)]
    assert [said.get("trace_id") for event, said, _ in missed if event == "trace"] == [f"{n:032x}" for n in (2, 3, 4)]
    assert [event for event, _, _ in missed[3:]] == ["run", "ready"]
    with listening(served, {"Last-Event-ID": "an id of somebody else"}) as found:
        assert next(found)[0] == "ready"
    with listening(served, {"Last-Event-ID": "999999999-0-0"}) as found:
        assert next(found)[0] == "lost"


def slow(served, leave):
    """A client that reads next to nothing: its own buffer in the system is small, and it takes what it is asked to."""
    host, port = served.url.removeprefix("http://").split(":")
    client = leave.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.settimeout(PATIENCE_S)
    client.connect((host, int(port)))
    client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert b"200 OK" in client.recv(1024)
    return client


def fill(feed, crowd, found):
    """Send comments until those who do not read have no room left in the system's buffers: from there on it is ours."""
    loop = feed._task.get_loop()
    [quick] = feed.listeners - crowd
    comment = b": " + b"x" * 65_000 + b"\n\n"
    stuck = 0
    for _ in range(MOST_COMMENTS):
        for each in crowd:
            if not each.waiting:
                loop.call_soon_threadsafe(each.tell, comment)
        # What the quick one is told after the others has been through the same loop and the same thread of the server.
        loop.call_soon_threadsafe(quick.tell, b"event: tick\ndata: {}\n\n")
        take(found, "tick")
        stuck = stuck + 1 if all(each.waiting for each in crowd) else 0
        if stuck == 20:
            return
    raise AssertionError("what is sent to those who do not read is kept somewhere, without bound")


def a_crowd_of_slow_ones(served, many, events):
    """T09: they hold up nobody, their buffers are bounded, and they are told what they lost."""
    feed = served.state.feed
    with ExitStack() as leave:
        clients = [slow(served, leave) for _ in range(many)]
        until(lambda: len(feed.listeners) == many)
        crowd = set(feed.listeners)
        with listening(served) as found:
            take(found, "ready")
            fill(feed, crowd, found)
            for started in range(1, events, AT_ONCE):
                served.store.write(spans(started, AT_ONCE))
                for client in clients:  # 1 KB each, between two batches
                    client.recv(1024)
                wanted = {f"{n:032x}" for n in range(started, started + AT_ONCE)}
                while wanted:  # the quick one hears of every one
                    event, said, _ = next(found)
                    assert event == "trace"
                    wanted.discard(said["trace_id"])
                assert web.get(f"{served.url}/healthz").status_code == 200
                assert all(len(each.waiting) <= BUFFER for each in crowd)
        until(lambda: feed.listeners == crowd)
        assert all(each.lost for each in crowd)  # it was slow indeed
        said = b""
        while b"event: lost" not in said:
            said = said[-100:] + clients[0].recv(65536)
    until(lambda: not feed.listeners)  # that they went away is noticed


def test_t09_slow_consumers_hold_up_nobody(served):
    a_crowd_of_slow_ones(served, 50, 4 * BUFFER)


@pytest.mark.slow
def test_t09_two_hundred_slow_consumers(served):
    a_crowd_of_slow_ones(served, 200, 20_000)


def test_a_key_that_is_revoked_ends_its_streams(served):
    issue(served.store, member="root", role="admin", projects=("default",))
    made, key = issue(served.store, member="ann", role="viewer", projects=("default",))
    headers = {"Authorization": f"Bearer {key}"}
    with listening(served, headers) as found:
        take(found, "ready")

        revoke(served.store, made.id)
        assert list(found) == []
    until(lambda: not served.state.feed.listeners)


def test_a_stream_lets_the_server_stop(start):
    with ExitStack() as leave:
        served = start()
        answer = leave.enter_context(web.stream("GET", served.url + PATH))
        found = _events(answer.iter_lines())
        assert next(found)[0] == "ready"
        served.state.draining = True
        assert list(found) == []


def test_head_and_a_foreign_page_open_no_stream(served):
    assert web.head(served.url + PATH).status_code == 200
    assert web.get(served.url + PATH, headers={"Origin": "https://evil.example"}).status_code in (401, 403)
    assert not served.state.feed.listeners
