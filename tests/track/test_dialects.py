"""Dialects by their published conventions, where no real package sends them here; and that nothing anybody sends breaks them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.data import Event, LogRecord, Message, Span, ToolCall
from slipway.server.receiver import spans
from slipway.server.receiver.batch import Batch
from slipway.server.receiver.wire import FORMS, JSON, TRACES
from slipway.store.rows import rows_of
from slipway.track import dialects
from slipway.track.dialects import Derived, Dialect, conversation, derive, describe, outline
from slipway.track.dialects.shape import Said

ASKED, ANSWERED = Message("user", "what is a slipway"), Message("assistant", "a ramp for ships")


def span(name: str = "chat", *, kind: str = "internal", scope: str = "", events: tuple = (), **more) -> Span:
    return Span("1" * 32, "2" * 16, name, 5, kind=kind, scope=scope, events=events, **more)


def of(attributes, name="chat", **more) -> Derived:
    return derive(span(name, attributes=attributes, **more))


def test_numbered_attributes_come_back_in_the_order_of_their_numbers():
    attributes = {f"gen_ai.prompt.{n}.content": f"turn {n}" for n in (10, 2, 0, 1)}
    attributes |= {f"gen_ai.prompt.{n}.role": "user" for n in (10, 2, 0, 1)}
    assert [each.content for each in of(attributes).messages_in] == ["turn 0", "turn 1", "turn 2", "turn 10"]


def test_openllmetry_before_it_had_names_of_opentelemetry():
    found = of(
        {
            "llm.request.type": "chat",
            "llm.vendor": "OpenAI",
            "llm.request.model": "m1",
            "llm.prompts.0.role": "user",
            "llm.prompts.0.content": ASKED.content,
            "llm.completions.0.role": "assistant",
            "llm.completions.0.content": ANSWERED.content,
            "llm.completions.0.finish_reason": "stop",
            "llm.usage.prompt_tokens": 3,
            "llm.usage.completion_tokens": 4,
            "traceloop.association.properties.user_id": "ann",
            "traceloop.prompt.key": "harbour",
            "traceloop.prompt.version": 7,
        }
    )
    assert (found.kind, found.call, found.model, found.provider) == ("llm", True, "m1", "OpenAI")
    assert (found.messages_in, found.messages_out) == ((ASKED,), (ANSWERED,))
    assert (found.input_tokens, found.output_tokens, found.finish_reason) == (3, 4, "stop")
    assert (found.user_id, found.prompt_name, found.prompt_version) == ("ann", "harbour", "7")


def test_a_workflow_and_a_tool_of_traceloop():
    flow = of({"traceloop.span.kind": "workflow", "traceloop.entity.input": '{"inputs": "x"}'})
    assert (flow.kind, flow.call, flow.input) == ("chain", False, {"inputs": "x"})
    tool = of(
        {
            "traceloop.span.kind": "tool",
            "traceloop.entity.name": "weather",
            "traceloop.entity.input": '{"args": [], "kwargs": {"city": "boston"}}',
        }
    )
    assert tool.tool_calls == (ToolCall("weather", {"city": "boston"}),)


def test_messages_as_events_of_the_span():
    events = (
        Event("gen_ai.user.message", 1, {"content": ASKED.content}),
        Event(
            "gen_ai.choice",
            2,
            {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": ANSWERED.content})},
        ),
    )
    found = of({"gen_ai.operation.name": "chat"}, events=events)
    assert (found.messages_in, found.messages_out, found.finish_reason) == ((ASKED,), (ANSWERED,), "stop")
    older = (
        Event("gen_ai.content.prompt", 1, {"gen_ai.prompt": json.dumps([{"role": "user", "content": ASKED.content}])}),
        Event("gen_ai.content.completion", 2, {"gen_ai.completion": json.dumps([{"content": ANSWERED.content}])}),
    )
    found = of({"gen_ai.operation.name": "chat"}, events=older)
    assert (found.messages_in, found.messages_out) == ((ASKED,), (ANSWERED,))


def test_attributes_of_the_span_go_before_log_records():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": ASKED.content}]}]),
    }
    log = LogRecord("a", 1, {"content": "from the log"}, "gen_ai.user.message")
    assert derive(span(attributes=attributes), [log]).messages_in == (ASKED,)
    assert derive(span(attributes={"gen_ai.operation.name": "chat"}), [log]).messages_in[0].content == "from the log"


def test_langfuse():
    found = of(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "m1",
            "langfuse.observation.model.parameters": '{"temperature": 0.25, "max_tokens": 9}',
            "langfuse.observation.input": json.dumps([{"role": "user", "content": ASKED.content}]),
            "langfuse.observation.output": ANSWERED.content,
            "langfuse.observation.usage_details": '{"input": 3, "output": 4, "input_cached_tokens": 1}',
            "langfuse.observation.cost_details": '{"total": 0.5}',
            "langfuse.observation.prompt.name": "harbour",
            "langfuse.observation.prompt.version": 3,
            "langfuse.session.id": "s-1",
            "user.id": "ann",
        }
    )
    assert (found.kind, found.model, found.temperature, found.max_tokens) == ("llm", "m1", 0.25, 9)
    assert (found.messages_in, found.messages_out) == ((ASKED,), (ANSWERED,))
    assert (found.input_tokens, found.output_tokens, found.cached_tokens, found.cost_usd) == (3, 4, 1, 0.5)
    assert (found.prompt_name, found.prompt_version, found.session_id, found.user_id) == ("harbour", "3", "s-1", "ann")


def test_mlflow():
    found = of(
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.spanInputs": json.dumps({"model": "m1", "messages": [{"role": "user", "content": ASKED.content}]}),
            "mlflow.spanOutputs": json.dumps(
                {"choices": [{"message": {"role": "assistant", "content": ANSWERED.content}}]}
            ),
            "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}',
            "mlflow.chat.tools": json.dumps([{"type": "function", "function": {"name": "weather"}}]),
            "mlflow.llm.model": '"m1"',
            "mlflow.trace.session": '"s-1"',
        }
    )
    assert (found.kind, found.model, found.session_id) == ("llm", "m1", "s-1")
    assert (found.messages_in, found.messages_out) == ((ASKED,), (ANSWERED,))
    assert (found.input_tokens, found.output_tokens, found.tools[0]["name"]) == (3, 4, "weather")


def test_what_was_heard_in_pipecat_and_livekit():
    heard = of(
        {"gen_ai.operation.name": "stt", "transcript": "hello", "metrics.ttfb": 0.25, "user_id": "ann"},
        "stt",
        scope="pipecat",
    )
    assert (heard.kind, heard.messages_out, heard.first_token_ms) == ("stt", (Message("user", "hello"),), 250)
    assert (heard.user_id, heard.output, heard.call) == ("ann", "hello", True)
    turn = of({"lk.user_transcript": "hello", "lk.room_name": "harbour"}, "user_turn", scope="livekit-agents")
    assert (turn.kind, turn.messages_out, turn.session_id) == ("stt", (Message("user", "hello"),), "harbour")
    elsewhere = of({"transcript": "court", "user_id": "x", "conversation.id": "y"}, "stt", scope="mine")
    assert (elsewhere.kind, elsewhere.user_id, elsewhere.session_id) == ("internal", None, None)


def test_vercel_as_it_was_in_version_4():
    found = of(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.model.id": "m1",
            "ai.prompt.messages": json.dumps([{"role": "user", "content": [{"type": "text", "text": ASKED.content}]}]),
            "ai.response.text": ANSWERED.content,
            "ai.response.toolCalls": json.dumps(
                [{"toolCallId": "1", "toolName": "weather", "args": {"city": "boston"}}]
            ),
            "ai.usage.promptTokens": 3,
            "ai.usage.completionTokens": 4,
        }
    )
    assert (found.kind, found.model, found.input_tokens, found.output_tokens) == ("llm", "m1", 3, 4)
    assert found.messages_out == (
        Message("assistant", ANSWERED.content, (ToolCall("weather", {"city": "boston"}, "1"),)),
    )


@pytest.mark.parametrize(
    "value",
    [
        [
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
            },
        ],
        [
            {"type": "human", "content": "hi"},
            {"type": "ai", "content": "", "tool_calls": [{"id": "1", "name": "f", "args": {}}]},
        ],
        [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
        ],
        [
            {"role": "user", "parts": [{"type": "text", "content": "hi"}]},
            {"role": "model", "parts": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {}}]},
        ],
        {
            "input": [
                {"role": "user", "content": "hi"},
                {"type": "function_call", "id": "x", "call_id": "1", "name": "f", "arguments": "{}"},
            ]
        },
        [
            [
                {"lc": 1, "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hi"}},
                {
                    "lc": 1,
                    "id": ["AIMessage"],
                    "kwargs": {"content": "", "tool_calls": [{"id": "1", "name": "f", "args": {}}]},
                },
            ]
        ],
    ],
    ids=["openai", "langchain", "anthropic", "parts", "responses", "langchain dumped"],
)
def test_one_conversation_in_many_spellings(value):
    wanted = (Message("user", "hi"), Message("assistant", "", (ToolCall("f", {}, "1"),)))
    assert conversation.messages(value) == wanted
    assert conversation.messages(json.dumps(value)) == wanted


def test_what_is_no_text_is_named_and_thoughts_are_left_out():
    parts = [
        {"type": "image_url", "image_url": {"url": "data:"}},
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "x"},
    ]
    assert conversation.messages([{"role": "user", "content": parts}]) == (Message("user", "[image_url]\nx"),)


def test_a_call_that_is_counted_on_another_span_is_not_counted_here():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.cost": 1.0,
    }
    assert of(attributes).call
    again = of({**attributes, "slipway.counted_on": "openai"})
    assert (again.kind, again.call, again.input_tokens, again.cost_usd) == ("llm", False, None, None)


def test_prices_are_for_spans_that_give_none():
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
    }
    prices = {"m1": (1.0, 2.0)}
    assert derive(span(attributes=attributes), prices=prices).cost_usd == (3 * 1 + 4 * 2) / 1e6
    assert derive(span(attributes={**attributes, "gen_ai.usage.cost": 0.5}), prices=prices).cost_usd == 0.5
    assert derive(span(attributes={**attributes, "gen_ai.request.model": "m2"}), prices=prices).cost_usd is None
    assert (
        derive(span(attributes={**attributes, "gen_ai.operation.name": "invoke_agent"}), prices=prices).cost_usd is None
    )


def test_a_span_of_our_own_keeps_what_was_chosen():
    chosen = {"slipway.model": "m1", "slipway.cost_usd": 0.5, "slipway.tokens.input": 3}
    found = of({**chosen, "gen_ai.operation.name": "chat"}, kind="agent", scope="slipway", input="q", session_id="s")
    assert (found.kind, found.model, found.cost_usd, found.input_tokens) == ("agent", "m1", 0.5, 3)
    assert (found.input, found.session_id) == ("q", "s")


def test_who_spoke_is_named():
    assert of({"gen_ai.request.model": "m1", "ai.model.id": "m1", "session.id": "s"}).dialects == ("genai", "vercel")
    assert of({"llm.input_messages.0.message.content": "hi"}).dialects == ("openinference",)
    assert of({"http.method": "GET", "session.id": "s"}).dialects == ()


def test_a_dialect_is_one_file():
    here = Path(dialects.__file__).parent
    named = {each.name for each in dialects.dialects()}
    shared = {"__init__", "shape", "deriving", "conversation"}
    assert named == {path.stem for path in here.glob("*.py")} - shared
    assert all(isinstance(each, Dialect) for each in dialects.dialects())


NAMES = sorted(
    {name for each in dialects.dialects() for names in each.names.values() for name in names}
    | {name for each in dialects.dialects() for name in (*each.kinds, *each.parameters)}
)
TREES = (
    "llm.input_messages",
    "llm.output_messages",
    "llm.tools",
    "gen_ai.prompt",
    "gen_ai.completion",
    "llm.request.functions",
)
PATHS = (
    "0",
    "1",
    "9" * 30,
    "²",
    "",
    "message.role",
    "0.role",
    "0.content",
    "0.message.content",
    "0.tool_calls.0.name",
    "0.0.0.0.0.0.0.0.0.0.0.0.0",
)
KEYS = (
    "role",
    "content",
    "parts",
    "type",
    "text",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "message",
    "messages",
    "id",
    "kwargs",
    "choices",
)
TYPES = ("text", "tool_call", "tool-result", "tool_use", "human", "function_call", "thinking", "image")
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=9),
    st.sampled_from(TYPES),
    st.just("\ud800"),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=12,
)
said = st.one_of(
    values, values.map(lambda value: json.dumps(value)), st.just("[" * 5000), st.just('{"a":' * 3000 + "1" + "}" * 3000)
)
attributes_of_all = st.dictionaries(
    st.one_of(
        st.sampled_from(NAMES),
        st.tuples(st.sampled_from(TREES), st.sampled_from(PATHS)).map(".".join),
        st.sampled_from(
            [
                "gen_ai.tool.definitions",
                "gen_ai.system_instructions",
                "lk.llm_metrics",
                "events",
                "mlflow.chat.tokenUsage",
            ]
        ),
        st.text(max_size=9),
    ),
    said,
    max_size=12,
)


def assert_outlined(span: Span, logs=(), prices=None) -> None:
    """The outline is what `derive` gives, without what nobody searches by."""
    whole = derive(span, logs, prices=prices)
    kept = ("kind", "call", "model", "provider", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")
    kept = (*kept, "session_id", "user_id", "error", "input", "output")
    assert repr(outline(span, logs, prices=prices)) == repr(Derived(**{name: getattr(whole, name) for name in kept}))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "dialects").glob("*.traces.json")), ids=lambda it: it.stem
)
def test_an_outline_of_what_was_recorded_says_the_same(path):
    batch = Batch(lambda resource: "default")
    spans.convert(FORMS[JSON].decode(TRACES, path.read_bytes()), FORMS[JSON], batch)
    made = [rows_of(Span).record(row) for row in batch.records]
    assert made
    for each in made:
        for kept in (each, replace(each, input=None, output=None, session_id=None)):
            assert_outlined(kept, prices={"m1-0001": (1.0, 2.0), "m1": (1.0, 2.0)})


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    attributes=attributes_of_all,
    bodies=st.lists(said, max_size=3),
    name=st.sampled_from(["chat", "llm", "llm_request", "tts", "raw_gen_ai_request"]),
    scope=st.sampled_from(["", "slipway", "pipecat", "livekit-agents", "pydantic-ai"]),
)
def test_nothing_that_is_sent_breaks_it_and_an_outline_says_the_same(attributes, bodies, name, scope):
    events = tuple(
        Event(event, 1, attributes)
        for event in ("gen_ai.choice", "gen_ai.client.inference.operation.details", "exception")
    )
    logs = [LogRecord(str(n), n, body, "gen_ai.user.message", attributes=attributes) for n, body in enumerate(bodies)]
    for given_events in (events, ()):
        made = Span(
            "1" * 32, "2" * 16, name, 5, attributes=attributes, events=given_events, scope=scope, input=attributes
        )
        found = derive(made, logs, prices={"text": (1.0, 1.0)})
        for each in (made, replace(made, input=None), replace(made, input=None, kind="llm", error="late")):
            assert_outlined(each, logs, {"text": (1.0, 1.0)})
        assert isinstance(found.kind, str)
        for field in (
            "model",
            "provider",
            "session_id",
            "user_id",
            "finish_reason",
            "prompt_name",
            "prompt_version",
            "error",
        ):
            assert isinstance(getattr(found, field), str | None)
        for field in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"):
            assert getattr(found, field) is None or 0 <= getattr(found, field) < 2**53
        assert found.cost_usd is None or 0 <= found.cost_usd < 1e12
        for message in (*found.messages_in, *found.messages_out):
            assert isinstance(message.role, str)
            assert isinstance(message.content, str)
    describe(attributes)


def test_what_is_kept_of_a_huge_conversation_is_bounded():
    many = [{"role": "user", "content": "x" * 10_000} for _ in range(5_000)]
    found = of({"gen_ai.operation.name": "chat", "gen_ai.input.messages": many})
    assert len(found.messages_in) == conversation.MOST_MESSAGES
    assert sum(len(each.content) for each in found.messages_in) == conversation.MOST_CHARACTERS


def test_work_grows_with_the_size_of_a_span_and_not_faster():
    """Counted in reads of attributes, since a clock tells of the machine."""

    class Counting(dict):
        reads = 0

        def items(self):
            Counting.reads += len(self)
            return super().items()

    counts = []
    for size in (1_000, 10_000):
        Counting.reads = 0
        attributes = Counting({f"gen_ai.prompt.{n}.content": "x" for n in range(size)})
        Said(span(attributes=attributes)).tree("gen_ai.prompt")
        derive(span(attributes=attributes))
        counts.append(Counting.reads / size)
    assert counts[0] == counts[1]
