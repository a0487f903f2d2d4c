"""What a sender of OTLP is told when it is refused: a google.rpc.Status in the encoding of its request, whoever refuses."""

from __future__ import annotations

import pytest

from server import web
from server.otlp import JSON, PROTOBUF
from slipway.server.keys import issue

ENCODINGS = [(PROTOBUF, b""), (JSON, b"{}")]
INVALID, PERMISSION_DENIED, NOT_FOUND, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 3, 7, 5, 13, 14, 16


def issued(served, role, **more):
    _, key = issue(served.store, member=f"a {role}", role=role, **{"projects": ("*",), **more})
    served.state.keys.forget()
    return key


def told(served, path, headers, body, key=None, **more):
    """(status, code of google.rpc, headers) of the answer, which has to be in the encoding of the request."""
    given = headers | ({"Authorization": f"Bearer {key}"} if key else {}) | more
    answer = web.post(f"{served.url}/v1/{path}", content=body, headers=given)
    assert answer.headers["content-type"] == headers["Content-Type"]
    if headers is JSON:
        said = answer.json()
        assert said["message"]
        return answer.status_code, said["code"], answer.headers
    code, message = answer.content[:2], answer.content[2:]
    assert (code[0], message[0]) == (0x08, 0x12)  # field 1, a number; field 2, text
    return answer.status_code, code[1], answer.headers


@pytest.mark.parametrize(("headers", "body"), ENCODINGS, ids=["protobuf", "json"])
@pytest.mark.parametrize("path", ["traces", "logs", "metrics"])
def test_whoever_refuses_says_it_as_otlp_does(start, path, headers, body):
    served = start()
    admin, viewer = issued(served, "admin"), issued(served, "viewer")
    shop = issued(served, "writer", projects=("shop",))
    status, code, said = told(served, path, headers, body)
    assert (status, code) == (401, UNAUTHENTICATED)
    assert said["www-authenticate"].startswith("Bearer")
    assert told(served, path, headers, body, viewer)[:2] == (403, PERMISSION_DENIED)
    elsewhere = {"X-Slipway-Project": "elsewhere"}
    assert told(served, path, headers, body, shop, **elsewhere)[:2] == (404, NOT_FOUND)
    assert told(served, path, headers, b"\xff", admin)[:2] == (400, INVALID)
    assert served.state.counts["refused: no key"] == 1


def test_a_store_that_is_away_before_the_route_is_reached_is_told_the_same_way(served):
    served.store.close()  # the keys can no longer be read
    served.state.keys.forget()
    for headers, body in ENCODINGS:
        status, code, said = told(served, "traces", headers, body, "slw_" + "a" * 8)
        assert (status, code, said["retry-after"]) == (503, UNAVAILABLE, "1")


@pytest.mark.parametrize(("headers", "body"), ENCODINGS, ids=["protobuf", "json"])
@pytest.mark.parametrize("path", ["traces", "logs", "metrics"])
def test_what_no_route_sees_is_refused_the_same_way(served, path, headers, body):
    assert told(served, path, headers, body, Host="evil.example")[:2] == (400, INVALID)
    assert told(served, path, headers, body, Origin="http://evil.example")[:2] == (403, PERMISSION_DENIED)
    assert told(served, f"{path}?key=slw_{'a' * 16}_{'b' * 64}", headers, body)[:2] == (400, INVALID)
    served.state.draining = True  # as at the end of a server that still answers what it had begun
    status, code, said = told(served, path, headers, body)
    assert (status, code, said["retry-after"]) == (503, UNAVAILABLE, "1")


def test_a_fault_of_ours_is_told_the_same_way(served):
    journal = served.state.journal
    del served.state.journal  # whatever breaks
    for headers, body in ENCODINGS:
        assert told(served, "traces", headers, body)[:2] == (500, INTERNAL)
    served.state.journal = journal


def test_other_routes_speak_json(served):
    assert web.get(f"{served.url}/api/v1/nothing").json()["error"]["cause"]
