"""What no route should see: foreign hosts, requests of other sites' pages, requests with two meanings, keys in addresses."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from server import web
from server.patience import PATIENCE_S
from server.walk import address, body
from slipway.server.keys import issue
from slipway.server.routing import all_routes

MUTATING = ("POST", "PUT", "PATCH", "DELETE")


def raw(served, text, *, more=b"", timeout=PATIENCE_S):
    """What the server answers to these very bytes, until it closes the connection."""
    host, port = served.url.removeprefix("http://").split(":")
    parts = []
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        try:
            connection.sendall(text.replace("\n", "\r\n").encode("latin-1") + more)
            while part := connection.recv(65_536):
                parts.append(part)
        except (BrokenPipeError, ConnectionResetError):  # it had heard enough
            pass
    return b"".join(parts)


def statuses(answer):
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]


HOST = "Host: 127.0.0.1\n"
SMUGGLED = f"GET /healthz HTTP/1.1\n{HOST}Connection: close\n\n"


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n",
        "Transfer-Encoding: chunked\nContent-Length: 4\n\n0\n\n",
        "Transfer-Encoding: chunked\n\nZZ\nabc\n0\n\n",
        "Transfer-Encoding: chunked\n\n-1\n\n",
        "Transfer-Encoding: xchunked\n\n0\n\n",
        "Transfer-Encoding: chunked, identity\n\n0\n\n",
        "Transfer-Encoding : chunked\n\n0\n\n",
        "Content-Length: 0\nContent-Length: 5\n\n",
        "Content-Length: -1\n\n",
        "Content-Length: +4\n\n",
        "Host: evil.example\nContent-Length: 0\nConnection: close\n\n",
        "X: a\n b\n\n",
        "X: a\0b\n\n",
    ],
)
def test_t37_no_second_request_hides_in_a_first_one(served, head):
    answer = raw(served, f"POST /api/v1/nothing HTTP/1.1\n{HOST}{head}{SMUGGLED}")
    assert len(statuses(answer)) == 1
    assert statuses(answer)[0] in (400, 404, 405)
    assert b'"status":"ok"' not in answer
    assert web.get(f"{served.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("X: " + "a" * 1_000_000 + "\n", 431),
        ("".join(f"X{number}: a\n" for number in range(1000)), 431),
        ("", 414),
    ],
    ids=["long", "many", "address"],
)
def test_t37_huge_headers_are_refused(served, head, status):
    path = "/" + "a" * (200_000 if status == 414 else 1)
    # It may hang up before it was told everything, and then its answer is lost with the connection.
    assert set(statuses(raw(served, f"GET {path} HTTP/1.1\n{HOST}{head}\n"))) <= {status}
    assert web.get(f"{served.url}/healthz").status_code == 200


def test_t37_neither_http_2_nor_another_protocol_is_spoken(served):
    for text in ("PRI * HTTP/2.0\n\nSM\n\n", "\x16\x03\x01\x02\x00\n\n", "HELO\n\n"):
        assert set(statuses(raw(served, text))) <= {400, 505}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1?",
        "127.0.0.1#x",
        "127.0.0.1/healthz",
        "127.0.0.1\\x",
        "127.0.0.1:80:90",
        "127.0.0.1:x",
        "[::1",
        "localhost.",
        "127.0.0.1.",
        "0x7f.1",
        "[::1]evil.example",
        "127.0.0.1,evil.example",
        "10.0.0.7",
        "%31",
        "evil.example",
    ],
)
def test_t43_an_odd_host_is_refused(served, host):
    answer = raw(served, f"GET /healthz HTTP/1.1\nHost: {host}\nConnection: close\n\n")
    assert statuses(answer) == [400]


def test_t43_a_request_without_a_host_is_refused(served):
    assert statuses(raw(served, "GET /healthz HTTP/1.1\nConnection: close\n\n")) == [400]
    assert statuses(raw(served, "GET /healthz HTTP/1.0\n\n")) == [400]


def test_t43_the_text_of_the_path_opens_nothing(start):
    """Who may do what is decided on the route that was found, whatever the address looks like (T41)."""
    served = start()
    issue(served.store, member="ada", role="admin", projects=["*"])
    served.state.keys.forget()
    for target in (
        "/api/v1/keys",
        "http://127.0.0.1/api/v1/keys",
        "http://evil.example/api/v1/keys",
        "/api/v1/keys?/healthz",
        "/api/v1/keys#/healthz",
        "/api/v1%2fkeys",
        "/%61pi/v1/keys",
        "//api/v1/keys",
        "/healthz/../api/v1/keys",
        "/api/v1/keys;/healthz",
        "/api/v1/keys/",
        "/API/v1/keys",
    ):
        answer = raw(served, f"GET {target} HTTP/1.1\n{HOST}X-Original-URL: /healthz\nConnection: close\n\n")
        assert statuses(answer) in ([401], [400], [404], [307]), (target, answer)
        assert b'"keys":' not in answer, target


def test_t43_names_of_the_settings_are_answered(start):
    served = start(hosts=["slipway.example"])
    assert web.get(f"{served.url}/healthz", headers={"Host": "Slipway.Example:4318"}).status_code == 200
    assert web.get(f"{served.url}/healthz", headers={"Host": "other.example"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_t44_no_page_of_another_site_writes(start, headers):
    served = start()
    for found in all_routes():
        if found.method in MUTATING:
            answer = web.request(found.method, served.url + address(found), headers=headers, content=body(found))
            assert answer.status_code == 403, (found.method, found.path)
            assert "access-control-allow-origin" not in answer.headers
    assert served.state.counts["refused: origin"] > 0


def test_t44_no_page_of_another_site_reads_what_loopback_may(served):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}):
        answer = web.get(f"{served.url}/api/v1/projects", headers=headers)
        assert (answer.status_code, "access-control-allow-origin" in answer.headers) == (401, False)
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_t44_programs_and_our_own_pages_are_not_affected(served):
    own = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    typed = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for headers in ({}, own, typed, followed):
        assert web.get(f"{served.url}/api/v1/projects", headers=headers).status_code == 200
    for headers in ({}, own):
        made = web.post(f"{served.url}/api/v1/projects", json={"name": "shop"}, headers=headers)
        assert made.status_code == 201


def test_t44_cors_names_one_site_and_never_a_person(start):
    served = start(origins=["https://app.example"])
    for origin, allowed in (
        ("https://app.example", "https://app.example"),
        ("https://evil.example", None),
        ("*", None),
    ):
        for path in ("/healthz", "/api/v1/projects", "/nope", "/feedback.js"):
            headers = web.get(served.url + path, headers={"Origin": origin}).headers
            assert headers.get("access-control-allow-origin") == allowed
            assert headers["vary"] == "origin"
            assert "access-control-allow-credentials" not in headers


def test_a_body_that_is_too_large_or_never_ends_is_refused(start):
    served = start(max_body_bytes=1000, body_seconds=0.5)
    path = f"{served.url}/api/v1/projects"
    assert web.post(path, content=b" " * 1001).status_code == 413
    assert web.post(path, content=(b" " * 500 for _ in range(3))).status_code == 413
    # T37: a client that sends its body drop by drop does not hold a place for ever.
    for head in ("Content-Length: 500\n\n{", "Transfer-Encoding: chunked\n\n1\n{\n"):
        for there in ("/api/v1/projects", "/v1/traces"):
            answer = raw(served, f"POST {there} HTTP/1.1\n{HOST}Content-Type: application/json\n{head}")
            assert statuses(answer) == [408]


def test_t37_a_client_that_never_ends_its_headers_is_left_and_hinders_nobody(start):
    served = start()
    host, port = served.url.removeprefix("http://").split(":")
    with ExitStack() as leave:
        slow = [
            leave.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S)) for _ in range(200)
        ]
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-a: ")
        assert web.get(f"{served.url}/healthz").status_code == 200
        for connection in slow[:3]:  # the server hangs up on them by itself, after 10 s
            try:
                assert connection.recv(1000)[:12] in (b"", b"HTTP/1.1 408")
            except ConnectionResetError:
                continue
