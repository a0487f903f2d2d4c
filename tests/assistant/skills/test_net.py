"""Asking a server: whatever it answers is an answer in bounds or a NetError with its reason."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from slipway_assistant.backends import net
from slipway_assistant.backends.net import NetError, fetch, fetch_json
from web_here import WebHere


@pytest.fixture(scope="module")
def here() -> Iterator[WebHere]:
    with WebHere({"GET /json": lambda request: {"q": request.query.get("q", "")}}) as server:
        yield server


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net, "TIMEOUT_S", 120.0)


def reason(url: str, **options: object) -> str:
    with pytest.raises(NetError) as caught:
        fetch_json(url, **options)
    return caught.value.reason


def test_an_answer_comes_back_with_the_parameters_sent(here: WebHere) -> None:
    assert fetch_json(here.url + "/json", params={"q": "été & 夏"}) == {"q": "été & 夏"}


def test_what_is_sent_arrives_as_json(here: WebHere) -> None:
    here.handlers["POST /echo"] = lambda request: {"sent": True}
    assert fetch_json(here.url + "/echo", send={"a": [1, "é"]}, headers={"Authorization": "Bearer x"}) == {"sent": True}
    assert here.bodies[-1] == {"a": [1, "é"]}
    assert here.headers[-1]["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("status", "why"), [(401, "refused"), (403, "refused"), (404, "status"), (429, "status"), (500, "status")]
)
def test_an_error_is_told_by_its_status(here: WebHere, status: int, why: str) -> None:
    here.handlers["GET /bad"] = lambda request: web.json_response({}, status=status)
    with pytest.raises(NetError) as caught:
        fetch(here.url + "/bad")
    assert (caught.value.reason, caught.value.status) == (why, status)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[" * 100_000, b'{"a": NaN}', b"\xff\xfe\x00", b'{"a": "\\ud800"}']
)
def test_garbage_is_no_json(here: WebHere, body: bytes) -> None:
    here.handlers["GET /garbage"] = lambda request: body
    assert reason(here.url + "/garbage") == "garbage"


def test_an_answer_of_any_length_is_cut_off(here: WebHere) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    here.handlers["GET /endless"] = endless
    assert reason(here.url + "/endless", most_bytes=300_000) == "size"
    here.handlers["GET /large"] = lambda request: b"x" * 300_001
    assert reason(here.url + "/large", most_bytes=300_000) == "size"


def test_a_server_that_says_nothing_costs_the_timeout_and_no_more(here: WebHere) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(600)
        return web.Response()

    here.handlers["GET /silent"] = silent
    assert reason(here.url + "/silent", timeout_s=0.3) == "slow"


def test_a_server_that_drips_costs_the_timeout_and_no_more() -> None:
    """Each byte comes well within the timeout of a socket; all of them never do."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        assert reason(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout_s=0.5) == "slow"
    finally:
        over.set()
        thread.join(120)
        listening.close()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "http://", "http:///x", "nonsense", "http://[::1", "http://127.0.0.1:99999/"],
)  # fmt: skip
def test_only_http_is_asked(url: str) -> None:
    assert reason(url) == "address"


def test_a_redirect_stays_on_http_and_takes_no_key_along(here: WebHere) -> None:
    def away(to: str) -> web.Response:
        return web.Response(status=302, headers={"Location": to})

    with WebHere({"GET /there": lambda request: {"there": True}}) as other:
        here.handlers["GET /away"] = lambda request: away(other.url + "/there")
        key = {"Authorization": "Bearer secret"}
        assert fetch_json(here.url + "/away", headers=key) == {"there": True}
        assert "authorization" not in other.headers[-1]
        here.handlers["GET /near"] = lambda request: away("/json")
        assert fetch_json(here.url + "/near", headers=key) == {"q": ""}
        assert here.headers[-1]["authorization"] == "Bearer secret"
        here.handlers["POST /moved"] = lambda request: web.Response(
            status=307, headers={"Location": other.url + "/there"}
        )
        assert reason(here.url + "/moved", send={"secret": 1}) == "redirect"
    here.handlers["GET /file"] = lambda request: away("file:///etc/passwd")
    assert reason(here.url + "/file") in ("redirect", "status")
    here.handlers["GET /loop"] = lambda request: away("/loop")
    assert reason(here.url + "/loop") in ("redirect", "status")


def test_no_other_machine_is_asked_where_that_is_forbidden() -> None:
    assert reason("http://192.0.2.1/") == "offline"


def test_a_port_where_nobody_listens_is_offline() -> None:
    # Bound, so that nobody else gets it, but not listening.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert reason(f"http://127.0.0.1:{bound.getsockname()[1]}/") == "offline"
