"""The indexer of a running server: what was committed can be searched a moment later, and its troubles are its own."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from server import web
from server.otlp import PROTOBUF, batch, span
from server.patience import until
from slipway.data import Span
from slipway.server.arrived import Arrived
from slipway.server.deriving import derive, facts
from slipway.server.filters import parse
from slipway.server.indexer import Indexer
from slipway.store import open_store
from slipway.store.derived import Builder, Derived, Query


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/slipway.db"
    return request.getfixturevalue("new_database")()


@pytest.fixture
def served(start, url):
    return start(store=url)


@pytest.fixture
def store(url):
    store = open_store(url)
    yield store
    store.close()


def chat(number, **more):
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "qwen", "gen_ai.usage.input_tokens": 7}
    return Span(
        f"{number:032x}", "1" * 16, "chat qwen", number, 5, attributes={**attributes, **more}, output="fine weather"
    )


def test_what_is_committed_is_found(served):
    served.store.write([chat(1)])
    served.state.arrived.tell()
    query = served.state.query
    until(lambda: query.traces("default", parse("model = qwen and text 'fine weather'", now_ns=0)).items)
    (found,) = query.spans("default").items
    assert (found.kind, found.model, found.input_tokens, found.cost_usd) == ("llm", "qwen", 7, None)


def test_what_another_process_commits_is_found_too(served):
    served.store.write([chat(2)])  # nobody tells
    until(lambda: served.state.query.traces("default").items)
    until(lambda: served.state.derived.lag() == 0)


def test_a_server_catches_up_with_what_came_while_it_was_down(start, store, url):
    store.write([chat(number) for number in range(1, 40)])
    served = start(store=url)
    until(lambda: served.state.derived.lag() == 0)
    assert len(served.state.query.traces("default", limit=100).items) == 39


def test_trouble_is_told_once_and_mends_itself(store, caplog):
    derived, arrived = Derived(store), Arrived()
    broken = threading.Event()
    broken.set()

    def derive_or_not(spans):
        if broken.is_set():
            raise ArithmeticError("a dialect with a mistake")
        return derive(spans)

    indexer = Indexer(Builder(derived, derive_or_not), arrived, look_s=0.01)
    indexer.start()
    store.write([chat(1), chat(2)])
    arrived.tell()
    until(lambda: indexer.problem)
    assert indexer.problem == "ArithmeticError: a dialect with a mistake"
    assert derived.lag() == 2
    broken.clear()
    until(lambda: derived.lag() == 0)
    until(lambda: not indexer.problem)
    indexer.stop()
    indexer.stop()
    assert [record.getMessage() for record in caplog.records if record.name == "slipway.server"] == [
        "the indexer cannot go on: ArithmeticError: a dialect with a mistake"
    ]
    assert len(Query(derived).spans("default").items) == 2
    with derived.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM span_facts")).scalar_one() == 2
    derived.close()


def test_facts_of_a_span_whose_attributes_make_no_sense():
    odd = {
        "gen_ai.request.model": {"not": "text"},
        "gen_ai.usage.input_tokens": -3,
        "gen_ai.usage.output_tokens": float("nan"),
        "gen_ai.usage.cost": 10**400,
        "session.id": 5,
        "user.id": "",
        "gen_ai.operation.name": {"a": 1},
        "openinference.span.kind": 7,
    }
    found = facts(Span("1" * 32, "1" * 16, "s", 1, attributes=odd, input={"$blob": "x", "preview": "begins so"}))
    assert (found.model, found.input_tokens, found.output_tokens, found.cost_usd) == (None, None, None, None)
    assert (found.session_id, found.user_id, found.kind, found.call) == (None, None, "internal", False)
    assert "begins so" in found.text


def test_facts_tell_a_model_call_from_what_repeats_its_totals():
    usage = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3, "gen_ai.usage.cost": 0.5}
    call = facts(Span("1" * 32, "1" * 16, "s", 1, kind="client", attributes=usage))
    agent = facts(Span("1" * 32, "1" * 16, "s", 1, attributes={**usage, "gen_ai.operation.name": "invoke_agent"}))
    assert (call.kind, call.call, call.cost_usd) == ("llm", True, 0.5)
    assert (agent.kind, agent.call, agent.input_tokens) == ("agent", False, 3)


def test_an_answer_that_lacks_nothing_has_what_was_acknowledged_before_the_question(served):
    """No sleep in the caller: the answer waits a moment for the index, and says where that was not enough."""
    with web.client(served.url) as client:
        for number in range(100, 110):
            trace = f"{number:032x}"
            body = batch(span(trace_id=bytes.fromhex(trace)))
            assert client.post("/v1/traces", content=body, headers=PROTOBUF).status_code == 200
            answers = iter(lambda: client.get("/api/v1/traces", params={"limit": 100}).json(), None)
            answer = next(answer for answer in answers if answer["behind"] == 0)
            assert trace in [found["trace_id"] for found in answer["traces"]]


def test_an_answer_says_what_it_lacks(served):
    served.state.indexer.stop()
    served.store.write([chat(number) for number in range(1, 6)])
    with web.client(served.url) as client:
        for path in ("traces", "sessions", "summary"):
            assert client.get(f"/api/v1/{path}").json()["behind"] == 5, path
        served.state.indexer.start()
        until(lambda: client.get("/api/v1/traces").json()["behind"] == 0)
