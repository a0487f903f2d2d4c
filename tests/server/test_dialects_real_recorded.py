"""What SDKs sent that cannot be installed here, recorded once (tests/track/dialects), sent again to a real server."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server import web
from server.patience import until
from slipway.data import LogRecord, Message, Span, ToolCall
from slipway.server import deriving
from slipway.server.deriving import derive as facts
from slipway.store.derived.conditions import Words
from slipway.track.dialects import Derived, derive

RECORDED = Path(__file__).parents[1] / "track" / "dialects"
PRICES = {"m1-0001": (1.0, 2.0), "m1": (1.0, 2.0)}
SYSTEM, ASKED, ANSWER = Message("system", "be brief"), Message("user", "what is a slipway"), "a ramp for ships"
CALL = ToolCall("weather", {"city": "boston"}, "call_1")


def send(served: Any, name: str, *signals: str) -> None:
    for signal in signals:
        body = (RECORDED / f"{name}.{signal}.json").read_bytes()
        headers = {"Content-Type": "application/json"}
        answer = web.post(f"{served.url}/v1/{signal}", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {}), answer.text


def read(served: Any, name: str, *signals: str) -> dict[str, list[Derived]]:
    """What is derived from the spans of a recording, by the names of the spans, in the order of their start."""
    send(served, name, *signals or ("traces",))
    logs = defaultdict(list)
    for record in served.store.find(LogRecord):
        logs[record.trace_id, record.span_id].append(record)
    found = defaultdict(list)
    for span in sorted(served.store.find(Span), key=lambda span: span.started_ns):
        found[span.name].append(derive(span, logs[span.trace_id, span.span_id], prices=PRICES))
    return found


def texts(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(each.role, each.content) for each in messages]


def calls(found: dict[str, list[Derived]]) -> list[Derived]:
    return [each for many in found.values() for each in many if each.call]


def test_vercel(served):
    found = read(served, "vercel")
    plain, asks, answers = found["ai.generateText.doGenerate"]
    (streamed,) = found["ai.streamText.doStream"]
    assert (plain.kind, plain.model, plain.request_model) == ("llm", "m1-0001", "m1")
    assert (plain.messages_in, plain.messages_out) == ((SYSTEM, ASKED), (Message("assistant", ANSWER),))
    assert (plain.input_tokens, plain.output_tokens, plain.cost_usd) == (6, 4, (6 * 1 + 4 * 2) / 1e6)
    assert (plain.temperature, plain.finish_reason, plain.cached_tokens, plain.reasoning_tokens) == (0.25, "stop", 0, 0)
    assert {(each.session_id, each.user_id) for many in found.values() for each in many} == {("s-1", "ann")}
    assert streamed.first_token_ms == pytest.approx(30, abs=30)
    assert streamed.messages_out == (Message("assistant", ANSWER),)
    assert asks.tool_calls == (CALL,)
    assert (asks.tools[0]["name"], asks.tools[0]["description"]) == ("weather", "the weather of a city")
    assert answers.messages_in[-1] == Message("tool", "sunny in boston", tool_call_id="call_1")
    (tool,) = found["ai.toolCall"]
    assert (tool.kind, tool.tool_calls, tool.call) == ("tool", (CALL,), False)
    assert [each.kind for each in found["ai.generateText"]] == ["chain", "chain"]
    assert found["ai.generateText"][0].messages_in == (SYSTEM, ASKED)
    assert found["ai.embed.doEmbed"][0].input_tokens == 1
    assert len(calls(found)) == 5  # of which the outer spans repeat the tokens


def test_litellm(served):
    found = read(served, "litellm")
    plain, asks, priced, embedding, refused = found["litellm_request"]
    assert (plain.model, plain.provider, plain.user_id) == ("m1-0001", "openai", "ann")
    assert (plain.messages_in, plain.messages_out) == ((SYSTEM, ASKED), (Message("assistant", ANSWER),))
    assert (plain.input_tokens, plain.output_tokens, plain.cost_usd) == (6, 4, (6 * 1 + 4 * 2) / 1e6)
    assert (plain.temperature, plain.max_tokens, plain.finish_reason) == (0.25, 9, "stop")
    assert (asks.tool_calls[0].name, asks.tool_calls[0].arguments) == (CALL.name, CALL.arguments)
    assert asks.tools[0]["parameters"]["properties"] == {"city": {"type": "string"}}
    assert priced.cost_usd == pytest.approx(0.000225)  # its own, not by our prices
    assert (embedding.kind, embedding.input_tokens) == ("embedding", 1)
    assert "NotFoundError" in (refused.error or "")
    assert len(calls(found)) == 5  # and not the requests as they were sent, which are inside


def test_livekit(served):
    found = read(served, "livekit")
    asks, answers = found["llm_request"]
    assert asks.messages_in == (SYSTEM, Message("user", "what is the weather in boston"))
    assert asks.tool_calls == (CALL,)
    assert asks.tools[0]["name"] == "weather"
    assert answers.messages_in[-1] == Message("tool", "sunny in boston", tool_call_id="call_1")
    assert answers.messages_out == (Message("assistant", ANSWER),)
    assert (answers.model, answers.input_tokens, answers.output_tokens) == ("m1", 12, 4)
    assert answers.first_token_ms is not None
    node = found["llm_node"][1]
    assert [each.role for each in node.messages_in] == ["system", "user", "assistant", "tool"]
    assert node.messages_in[3] == answers.messages_in[-1]
    (tool,) = found["function_tool"]
    assert (tool.kind, tool.tool_calls) == ("tool", (CALL,))
    (spoken,) = found["tts_request"]
    assert (spoken.kind, spoken.model, spoken.provider, spoken.call) == ("tts", "silence-1", "lab", True)
    assert texts(spoken.messages_in) == [("user", ANSWER)]
    assert spoken.first_token_ms is not None
    (turn,) = found["agent_turn"]
    assert (turn.kind, texts(turn.messages_out)) == ("agent", [("assistant", ANSWER)])
    assert len(calls(found)) == 3  # attempts and nodes are no calls of their own


def test_pipecat(served):
    found = read(served, "pipecat")
    (answer,), (spoken,) = found["llm"], found["tts"]
    assert (answer.kind, answer.model, answer.provider) == ("llm", "m1", "openai")
    assert (answer.messages_in, answer.messages_out) == ((SYSTEM, ASKED), (Message("assistant", ANSWER),))
    assert (answer.input_tokens, answer.output_tokens, answer.temperature) == (6, 4, 0.25)
    assert answer.first_token_ms is not None
    assert (spoken.kind, texts(spoken.messages_in), spoken.call) == ("tts", [("user", ANSWER)], True)
    assert {found[name][0].session_id for name in ("turn", "conversation")} == {"s-1"}


def test_openai_messages_as_log_records(served):
    first, asks, answers = read(served, "openai_events", "traces", "logs")["chat m1"]
    assert (first.messages_in, first.messages_out) == ((SYSTEM, ASKED), (Message("assistant", ANSWER),))
    assert first.cost_usd == (6 * 1 + 4 * 2) / 1e6
    assert asks.tool_calls == (CALL,)
    assert asks.finish_reason == "tool_calls"
    assert [each.role for each in answers.messages_in] == ["system", "user", "assistant", "tool"]
    assert answers.messages_in[2].tool_calls == (CALL,)
    assert answers.messages_in[3] == Message("tool", "sunny", tool_call_id="call_1")


def test_pydantic_ai_messages_as_events(served):
    found = read(served, "pydantic_events")
    asks, answers = found["chat m1"]
    assert asks.messages_in == (SYSTEM, ASKED)
    assert asks.tool_calls == (CALL,)
    assert asks.tools[0]["parameters"]["required"] == ["city"]
    assert answers.messages_in[-1] == Message("tool", "sunny in boston", tool_call_id="call_1")
    assert answers.messages_out == (Message("assistant", ANSWER),)
    (tool,), (agent,) = found["running tool"], found["agent run"]
    assert (tool.kind, tool.tool_calls) == ("tool", (CALL,))
    assert (agent.kind, agent.call, agent.output) == ("agent", False, ANSWER)


def indexed(served: Any, spans: int) -> None:
    """Wait until the server has derived so many spans, and all log records that came for them."""
    state = served.state
    until(lambda: not state.derived.lag() and len(state.query.spans("default").items) == spans,
          lambda: state.indexer.problem or "the indexer does not catch up")  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request, start):
    return start(store=request.getfixturevalue("new_database")() if request.param == "postgresql" else "")


@pytest.mark.parametrize("order", [("traces", "logs"), ("logs", "traces")], ids=" then ".join)
def test_log_records_and_traces_come_in_any_order(either, order):
    send(either, "openai_events", order[0])
    if order[0] == "traces":
        indexed(either, 3)
        assert not either.state.query.spans("default", Words("ramp")).items
    send(either, "openai_events", order[1])
    indexed(either, 3)
    until(lambda: len(either.state.query.spans("default", Words("ramp")).items) == 2, "the messages cannot be found")
    found = either.state.query.spans("default", Words("ramp")).items
    assert {span.model for span in found} == {"m1-0001"}
    (trace,) = [t for t in either.state.query.traces("default").items if t.trace_id == found[0].trace_id]
    assert ANSWER in (trace.output or "")
    assert "what is a slipway" in (trace.input or "")


def test_log_records_of_another_project_do_not_show(served):
    span = Span("1" * 32, "2" * 16, "chat", 5, attributes={"gen_ai.operation.name": "chat"})
    log = LogRecord("a", 6, {"content": "a ramp"}, "gen_ai.user.message", trace_id=span.trace_id, span_id=span.span_id)
    served.store.write([span, replace(log, id="b", project="other", body={"content": "a secret"})])
    assert [each.text for each in facts([span], store=served.store)] == ["chat   "]
    served.store.write([log])
    assert [each.text for each in facts([span], store=served.store)] == ["chat user a ramp  "]


def test_an_application_that_logs_much_hides_no_messages(served):
    """More log records than are read for a batch belong to one trace: the others still have theirs."""
    spans = [Span(f"{n}" * 32, "2" * 16, "chat", n, attributes={"gen_ai.operation.name": "chat"}) for n in (1, 2)]
    noise = LogRecord("", 1, {"content": "x"}, "gen_ai.user.message", trace_id=spans[0].trace_id, span_id="3" * 16)
    served.store.write([replace(noise, id=f"{n}") for n in range(deriving.MOST_LOGS)])
    log = replace(noise, id="a", body={"content": "a ramp"}, trace_id=spans[1].trace_id, span_id="2" * 16)
    served.store.write([log])
    assert ["ramp" in each.text for each in facts(spans, store=served.store)] == [False, True]


def test_recordings_hold_nothing_of_the_machine():
    for path in RECORDED.glob("*.json"):
        text = path.read_text()
        assert not [word for word in ("/root", "/home/", "/tmp/", "/Users/", "process.command") if word in text], path
        assert json.loads(text)
