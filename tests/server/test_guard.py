"""What no route should see: foreign hosts, requests of other sites' pages, requests with two meanings, keys in addresses."""

from __future__ import annotations

import socket

import httpx
import pytest

MUTATING = ("POST", "PUT", "PATCH", "DELETE")


def raw(served, text, *, more=b"", timeout=60.0):
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
    assert httpx.get(f"{served.url}/healthz").status_code == 200


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
    assert httpx.get(f"{served.url}/healthz").status_code == 200


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
