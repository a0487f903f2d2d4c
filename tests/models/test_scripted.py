"""ScriptedModel: a provider whose answers are written down."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Message, Reply, Request, ToolCall
from slipway.errors import ModelError
from slipway.models.scripted import Fault, ScriptedModel, cut, failed, rate_limited, timed_out


def ask(text="hi"):
    return Request((Message("user", text),))


def complete(model, text="hi"):
    return asyncio.run(model.complete(ask(text)))


async def collect(model, into, text="hi"):
    async for piece in model.stream(ask(text)):
        into.append(piece)


def test_a_list_answers_in_order_and_then_runs_out():
    model = ScriptedModel(["one", Reply(text="two", model="m"), ToolCall("f", {"a": 1})], name="s")
    assert [complete(model).text for _ in range(2)] == ["one", "two"]
    reply = complete(model)
    assert (reply.tool_calls, reply.finish_reason, reply.model) == ((ToolCall("f", {"a": 1}),), "tool_calls", "s")
    with pytest.raises(ModelError, match="cycle=True"):
        complete(model)
    assert model.call_count == 4
    assert model.calls[0].messages[0].content == "hi"
    assert [complete(m).text for m in [ScriptedModel(["a", "b"], cycle=True)] for _ in range(3)] == ["a", "b", "a"]


def test_a_mapping_a_function_and_a_text():
    model = ScriptedModel({"2+2": "4"})
    assert complete(model, "2+2").text == "4"
    with pytest.raises(ModelError, match="no answer to 'x'"):
        complete(model, "x")

    async def later(request):
        return 42

    assert complete(ScriptedModel(lambda request: request.messages[0].content.upper()), "ab").text == "AB"
    assert complete(ScriptedModel(later)).text == "42"
    assert complete(ScriptedModel("same")).text == "same"


@pytest.mark.parametrize(
    ("fault", "status", "retryable"),
    [(rate_limited(2.5), 429, True), (failed(503), 503, True), (failed(400), 400, False), (timed_out(), None, True)],
)
def test_failures_are_scripted(fault, status, retryable):
    model = ScriptedModel([fault, "fine"])
    with pytest.raises(ModelError) as caught:
        complete(model)
    assert (caught.value.status, caught.value.retryable) == (status, retryable)
    assert caught.value.retry_after_s == fault.retry_after_s
    assert complete(model).text == "fine"
    assert model.running == 0


def test_a_cut_stream_gives_what_came_and_then_raises():
    pieces: list[str] = []
    with pytest.raises(ModelError, match="broke off") as caught:
        asyncio.run(collect(ScriptedModel([cut("one two three", after=7)]), pieces))
    assert "".join(pieces) == caught.value.partial == "one two"


def test_usage_price_and_latency_are_counted_on_the_clock_passed_in():
    now = [0.0]

    async def sleep(seconds):
        now[0] += seconds

    model = ScriptedModel("a b", latency_ms=250, usd_per_1k=(1.0, 2.0), sleep=sleep, clock=lambda: now[0])
    reply = complete(model, "one two three")
    assert reply.latency_ms == 250
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost_usd) == (3, 2, pytest.approx(0.007))
    assert complete(ScriptedModel("a")).usage.cost_usd is None


def test_concurrency_is_counted():
    async def four():
        model = ScriptedModel("x", latency_ms=1)
        await asyncio.gather(*(model.complete(ask()) for _ in range(4)))
        return model

    model = asyncio.run(four())
    assert (model.most_running, model.running) == (4, 0)


@given(st.text())
def test_a_streamed_answer_is_the_whole_answer(text):
    pieces: list[str] = []
    asyncio.run(collect(ScriptedModel(text), pieces))
    assert "".join(pieces) == text


def test_a_fault_is_plain_data():
    assert cut("abc", 1) == Fault("scripted: the stream broke off after 1 characters", partial="a")
