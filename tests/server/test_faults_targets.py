"""T43: whatever a request calls its target and its host, the route that is found decides who may, and only our host is served."""

from __future__ import annotations

import pytest

from server.otlp import batch, span
from server.test_guard import raw, statuses
from server.walk import address
from slipway.data import Span
from slipway.server.keys import issue
from slipway.server.routing import all_routes

OWN = "Host: 127.0.0.1\n"
AUTHORITIES = (
    "http://evil.example",
    "https://evil.example:4318",
    "http://ada:secret@evil.example",
    "http://127.0.0.1",
    "ws://x",
)


def ask(served, method, target, headers=OWN, more=""):
    """The answer to a request that is spelled out."""
    return raw(served, f"{method} {target} HTTP/1.1\n{headers}Connection: close\n{more}\n")


@pytest.fixture
def locked(start):
    """A server on which everything but a few routes needs a key."""
    served = start()
    issue(served.store, member="ada", role="admin", projects=["*"])
    served.state.keys.forget()
    return served


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_an_absolute_target_is_decided_as_its_path_is(locked, authority):
    """granian gives no ASGI application the authority of a target beside a Host (it does without, see below). So nothing may
    hang on it: each route answers as it does to the path alone."""
    seen = set()
    for found in all_routes():
        path = address(found)
        plain, absolute = ask(locked, found.method, path), ask(locked, found.method, authority + path)
        assert statuses(absolute) == statuses(plain), (found.method, path)
        assert statuses(absolute) == [401] or found.needs is None, (found.method, path)
        assert b"evil.example" not in absolute
        seen |= {*statuses(absolute)}
    assert 401 in seen


@pytest.mark.parametrize(
    "authority", ["evil.example", "evil.example:4318", "127.0.0.1@evil.example", "evil.example#127.0.0.1"]
)
def test_a_foreign_authority_without_a_host_is_a_foreign_host(served, authority):
    for version in ("1.0", "1.1"):
        answer = raw(served, f"GET http://{authority}/healthz HTTP/{version}\nConnection: close\n\n")
        assert statuses(answer) == [400]


@pytest.mark.parametrize(
    "hosts",
    [
        "Host: evil.example\n",
        "Host:\n",
        "Host:  \n",
        "Host: 127.0.0.1/?\n",
        "Host: 127.0.0.1?x\n",
        "Host: 127.0.0.1#x\n",
        "Host: 127.0.0.1/healthz\n",
        "Host: http://127.0.0.1\n",
        "Host: 127.0.0.1@evil.example\n",
        "Host: evil.example@127.0.0.1\n",
        "Host: 127.0.0.1 evil.example\n",
        "Host: 127.0.0.1\nHost: 127.0.0.1\n",
        "Host: 127.0.0.1\nHost: evil.example\n",
        "Host: evil.example\nhOST: 127.0.0.1\n",
        "Host: 127.0.0.1\nX-Forwarded-Host: 127.0.0.1\nHost:\n",
    ],
)
def test_no_route_sees_a_request_for_another_host(served, hosts):
    body = batch(span(1))
    head = f"POST /v1/traces HTTP/1.1\n{hosts}Content-Type: application/x-protobuf\nContent-Length: {len(body)}\n"
    for target in ("/healthz", "/api/v1/projects", "http://127.0.0.1/healthz"):
        assert statuses(ask(served, "GET", target, hosts)) == [400], target
    assert statuses(raw(served, f"{head}Connection: close\n\n", more=body)) == [400]
    assert served.store.count(Span) == 0


def test_without_a_host_what_a_proxy_says_is_none(served):
    assert statuses(ask(served, "GET", "/healthz", "X-Forwarded-Host: 127.0.0.1\nForwarded: host=127.0.0.1\n")) == [400]


def test_what_a_proxy_says_of_the_host_is_not_believed(served):
    for name in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "X-HTTP-Host-Override", "Forwarded"):
        answer = ask(served, "GET", "/api/v1/projects/", f"{OWN}{name}: evil.example\n")
        assert b"evil.example" not in answer


def test_methods_of_proxies_are_none_of_ours(served):
    for method, target in (("CONNECT", "evil.example:80"), ("OPTIONS", "*"), ("TRACE", "/healthz"), ("GET", "*")):
        answer = ask(served, method, target)
        assert statuses(answer)[0] in (400, 404, 405), (method, answer)
