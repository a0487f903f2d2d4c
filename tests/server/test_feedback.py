"""Feedback: over HTTP, from Python with and without a server, and from a web page of another site."""

from __future__ import annotations

import pytest

import slipway
from server import web
from server.patience import PATIENCE_S
from slipway.data import Feedback
from slipway.errors import ConfigError, DataError, InfrastructureError
from slipway.server.keys import issue
from slipway.store import open_store
from slipway.track.tracing import shutdown

TRACE, SPAN = "ab" * 16, "cd" * 8
PATH = "/api/v1/feedback"
SITE = "https://app.example"


def give(served, more=None, /, **body):
    headers = more or {}
    return web.post(served.url + PATH, json={"trace_id": TRACE, "name": "helpful", **body}, headers=headers)


@pytest.mark.parametrize(
    ("given", "kind", "kept"),
    [
        ({"value": True}, "thumb", 1),
        ({"value": "down", "kind": "thumb"}, "thumb", 0),
        ({"value": 1, "kind": "thumb"}, "thumb", 1),
        ({"value": 4.5}, "number", 4.5),
        ({"value": -3}, "number", -3),
        ({"value": "wrong city", "kind": "label"}, "label", "wrong city"),
        ({"value": "it said\nOslo"}, "text", "it said\nOslo"),
        ({"value": "weather in Boston", "kind": "correction"}, "correction", "weather in Boston"),
        ({"value": {"location": "Boston", "days": [1, None]}}, "correction", {"location": "Boston", "days": [1, None]}),
    ],
)
def test_every_kind_of_value(served, given, kind, kept):
    answer = give(served, **given, comment="näher", who="ada", span_id=SPAN.upper())
    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert (said["kind"], said["value"], said["who"], said["span_id"]) == (kind, kept, "ada", SPAN)
    assert served.store.get(Feedback, said["id"]).value == kept
    assert web.get(f"{served.url}{PATH}/{said['id']}").json() == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": "maybe", "kind": "thumb"},
        {"value": 2, "kind": "thumb"},
        {"value": True, "kind": "number"},
        {"value": "5", "kind": "number"},
        {"value": 5, "kind": "text"},
        {"value": "", "kind": "text"},
        {"value": "a\nb", "kind": "label"},
        {"value": "a" * 201, "kind": "label"},
        {"value": "a" * 10_001},
        {"value": None},
        {"value": {"a": "b" * 300_000}},
        {"value": 1, "kind": "stars"},
        {"value": 1, "trace_id": "0" * 32},
        {"value": 1, "trace_id": "xyz"},
        {"value": 1, "span_id": "0" * 16},
        {"value": 1, "name": ""},
        {"value": 1, "name": "a\x00b"},
        {"value": 1, "name": "n" * 129},
        {"value": 1, "comment": "c" * 10_001},
        {"value": 1, "api_base": "http://evil.example", "api_key": "x"},
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(served, wrong):
    answer = give(served, **wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["cause"]
    assert served.store.count(Feedback) == 0


def test_numbers_that_are_none_and_bodies_that_are_no_json(served):
    for text in ("NaN", "Infinity", "1e999", "[" * 100_000, '{"trace_id"', "", "null", "[]", '"\\ud800"'):
        body = f'{{"trace_id": "{TRACE}", "name": "n", "value": {text}}}' if text[:1] in "N1I" else text
        assert web.post(served.url + PATH, content=body.encode()).status_code == 400, text
    assert served.store.count(Feedback) == 0


def test_sending_again_keeps_it_once(anywhere):
    first = give(anywhere, {"Idempotency-Key": "one"}, value=True)
    again = give(anywhere, {"Idempotency-Key": "one"}, value=True)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert give(anywhere, value=True, key="one").json() == first.json()
    assert give(anywhere, {"Idempotency-Key": "one"}, value=False).status_code == 409
    assert give(anywhere, {"Idempotency-Key": "one", "x-slipway-project": "shop"}, value=False).status_code == 201
    assert anywhere.store.count(Feedback) == 2


def test_by_trace_newest_first_in_pages(anywhere):
    for number in range(5):
        assert give(anywhere, value=number).status_code == 201
    give(anywhere, value=9, trace_id="ef" * 16)
    give(anywhere, {"x-slipway-project": "shop"}, value=8)
    seen, after = [], ""
    while True:
        page = web.get(f"{anywhere.url}{PATH}?trace_id={TRACE.upper()}&limit=2{after}").json()
        seen += [said["value"] for said in page["feedback"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [4, 3, 2, 1, 0]
    assert [said["value"] for said in web.get(f"{anywhere.url}{PATH}?project=shop").json()["feedback"]] == [8]
    assert web.get(f"{anywhere.url}{PATH}?limit=0").status_code == 400


def feedback_key(served):
    issue(served.store, member="ada", role="admin", projects=["*"])
    _, key = issue(served.store, member="page", role="writer", projects=["shop"], scopes=["feedback"])
    served.state.keys.forget()
    return key


def test_a_key_for_feedback_may_write_feedback_and_nothing_else(anywhere):
    key = {"Authorization": f"Bearer {feedback_key(anywhere)}"}
    said = give(anywhere, key, value=True).json()
    assert said["who"] == "page"
    assert anywhere.store.get(Feedback, said["id"]).project == "shop"
    assert web.get(anywhere.url + PATH, headers=key).status_code == 403
    assert web.get(f"{anywhere.url}{PATH}/{said['id']}", headers=key).status_code == 403
    assert web.post(f"{anywhere.url}/v1/traces", content=b"", headers=key).status_code == 403
    assert give(anywhere, {**key, "x-slipway-project": "bank"}, value=True).status_code == 404


# -- from Python


@pytest.fixture
def recording():
    yield
    shutdown()


def test_python_writes_the_local_store(tmp_path):
    said = slipway.feedback(TRACE, "helpful", True, who="ada", comment="yes", span_id=SPAN)
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    assert store.get(Feedback, said.id) == said
    assert (said.kind, said.value, said.project) == ("thumb", 1, "default")
    assert (
        slipway.feedback(TRACE, "helpful", False, key="k").id == slipway.feedback(TRACE, "helpful", False, key="k").id
    )
    assert store.count(Feedback) == 2
    store.close()


def test_python_writes_beside_the_spans_of_this_process(tmp_path, recording):
    slipway.init(project="shop", environment=False, instrument=False)
    with slipway.span("answer") as span:
        trace_id = span.trace_id
    said = slipway.feedback(trace_id, "stars", 4)
    assert slipway.flush(PATIENCE_S)
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    assert (store.get(Feedback, said.id).project, store.count(slipway.Span, {"trace_id": trace_id})) == ("shop", 1)
    store.close()


def test_python_sends_it_to_an_endpoint(anywhere, monkeypatch, tmp_path):
    (tmp_path / "client").mkdir()
    monkeypatch.chdir(tmp_path / "client")
    key = feedback_key(anywhere)
    monkeypatch.setenv("SLIPWAY_ENDPOINT", anywhere.url + "/")
    monkeypatch.setenv("SLIPWAY_PROJECT", "shop")
    with pytest.raises(ConfigError, match="SLIPWAY_API_KEY"):
        slipway.feedback(TRACE, "helpful", True, timeout=PATIENCE_S)
    monkeypatch.setenv("SLIPWAY_API_KEY", key)
    said = slipway.feedback(TRACE, "fix", {"city": "Boston"}, who="ada", key="once", timeout=PATIENCE_S)
    assert anywhere.store.get(Feedback, said.id) == said
    again = slipway.feedback(TRACE, "fix", {"city": "Boston"}, who="ada", key="once", timeout=PATIENCE_S)
    assert again == said
    with pytest.raises(DataError, match="used for other feedback"):
        slipway.feedback(TRACE, "fix", 1, key="once", timeout=PATIENCE_S)
    assert list((tmp_path / "client").iterdir()) == []


def test_python_says_what_is_wrong_before_anything_is_sent(tmp_path):
    for arguments in (("x", "n", 1), (TRACE, "", 1), (TRACE, "n", float("nan")), (TRACE, "n", None)):
        with pytest.raises(DataError):
            slipway.feedback(*arguments)
    assert not (tmp_path / ".slipway").exists()


def test_python_says_when_nobody_answers(monkeypatch):
    monkeypatch.setenv("SLIPWAY_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InfrastructureError, match="slipway up"):
        slipway.feedback(TRACE, "helpful", True, timeout=0.2)
    for address in ("file:///etc/passwd", "127.0.0.1:9", "ftp://127.0.0.1"):
        monkeypatch.setenv("SLIPWAY_ENDPOINT", address)
        with pytest.raises(ConfigError, match="no address"):
            slipway.feedback(TRACE, "helpful", True)


# -- from a web page


def test_t44_what_a_browser_sends_for_a_page_of_a_configured_site(start):
    served = start(origins=[SITE])
    page = {"Origin": SITE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = web.options(served.url + PATH, headers={**page, **asks})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-credentials" not in preflight.headers
    allowed = preflight.headers["access-control-allow-headers"]
    assert all(name in allowed for name in ("authorization", "content-type", "idempotency-key"))
    without = give(served, page, value=True)  # on loopback too: a page is not a program of this machine
    assert (without.status_code, without.headers["access-control-allow-origin"]) == (401, SITE)
    answer = give(served, {**page, "Authorization": f"Bearer {feedback_key(served)}"}, value=True)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, SITE)
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"]
)
def test_t44_a_page_of_any_other_site_gets_nothing(start, origin):
    served = start(origins=[SITE])
    page = {"Origin": origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    asks = {"Access-Control-Request-Method": "POST"}
    for answer in (web.options(served.url + PATH, headers={**page, **asks}), give(served, page, value=True)):
        assert answer.status_code >= 400
        assert "access-control-allow-origin" not in answer.headers
    assert served.store.count(Feedback) == 0


def test_the_script_can_be_loaded_by_any_page_under_a_strict_policy(served):
    answer = web.get(f"{served.url}/feedback.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    for forbidden in ("eval(", "Function(", "innerHTML", "document.write", "import(", "cookie", "localStorage"):
        assert forbidden not in answer.text
