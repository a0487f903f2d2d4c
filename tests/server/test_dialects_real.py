"""Real instrumentors and SDKs send to a real server: what is derived from what they send.

Each program is a process of its own, since instrumentors change the whole process; it asks the OpenAI-compatible fake, and sends
spans and log records over OTLP as the OpenTelemetry SDK does. What cannot be installed beside the rest was recorded, see
test_dialects_real_recorded.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from typing import Any

import pytest

from fake_openai import FakeOpenAI
from server.patience import PATIENCE_S, until
from slipway.data import LogRecord, Message, Span, ToolCall
from slipway.track.dialects import Derived, derive

PRICES = {"m1-0001": (1.0, 2.0), "e1": (0.5, 0.0)}
SYSTEM, ASKED, ANSWERED = Message("system", "be brief"), Message("user", "what is a slipway"), "a ramp for ships"
ANSWER = (Message("assistant", ANSWERED),)
CALL = ToolCall("weather", {"city": "boston"}, "call_1")

HEAD = """
import os
from opentelemetry import _logs, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
spans, logs = TracerProvider(), LoggerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
trace.set_tracer_provider(spans)
_logs.set_logger_provider(logs)
URL = os.environ["FAKE"]
"""
TAIL = """
assert spans.force_flush(120_000)
assert logs.force_flush(120_000)
"""
OPENAI = """
import openai
client = openai.OpenAI(base_url=URL, api_key="k", max_retries=0)
asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is a slipway"}]
city = {"type": "object", "properties": {"city": {"type": "string"}}}
weather = {"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": city}}
def ask(**more): return client.chat.completions.create(model="m1", messages=asked, temperature=0.25, **more)
"""
CALLS = """
ask(max_tokens=9)
said = ask(tools=[weather]).choices[0].message
asked += [said.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
ask(tools=[weather])
client.embeddings.create(model="e1", input=["a ramp"])
"""


def reply(body: dict[str, Any]) -> Any:
    """The tool is called once; then the answer comes."""
    if body.get("tools") and not any(each["role"] == "tool" for each in body["messages"]):
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "boston"}'}
        return {"tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    return ANSWERED


def indexed(served: Any) -> None:
    """Wait until the server has derived everything."""
    until(lambda: not served.state.derived.lag(), "the indexer does not catch up")


def read(served: Any) -> list[tuple[Span, Derived]]:
    """Every span of the store and what is derived from it, in the order of their start."""
    logs = defaultdict(list)
    for record in served.store.find(LogRecord):
        logs[record.trace_id, record.span_id].append(record)
    spans = sorted(served.store.find(Span), key=lambda span: span.started_ns)
    return [(span, derive(span, logs[span.trace_id, span.span_id], prices=PRICES)) for span in spans]


@pytest.fixture
def run(served):
    """Run a program that is traced; what the server then holds."""

    def run(program: str, **environ: str) -> list[tuple[Span, Derived]]:
        with FakeOpenAI(answer=reply) as fake:
            given = {**os.environ, "FAKE": fake.url, "OTEL_EXPORTER_OTLP_ENDPOINT": served.url, **environ}
            given["OTEL_EXPORTER_OTLP_TIMEOUT"] = f"{PATIENCE_S:g}"  # its 10 s are few on a busy machine
            for name in ("PYTHONPATH", "SLIPWAY_ENDPOINT"):
                given.pop(name, None)
            done = subprocess.run(
                [sys.executable, "-c", HEAD + program + TAIL],
                env=given,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return read(served)

    return run


def calls(found: list[tuple[Span, Derived]]) -> list[Derived]:
    return [each for _, each in found if each.call]


def looks_right(found: list[tuple[Span, Derived]], *, ids: bool = True) -> None:
    """The four calls of `CALLS`, whoever told of them."""
    first, tool, second, embedding = calls(found)
    assert (first.kind, first.model, first.request_model, first.provider) == ("llm", "m1-0001", "m1", "openai")
    assert (first.messages_in, first.messages_out) == ((SYSTEM, ASKED), ANSWER)
    assert (first.input_tokens, first.output_tokens, first.cost_usd) == (6, 4, (6 * 1 + 4 * 2) / 1e6)
    assert (first.temperature, first.max_tokens, first.finish_reason) == (0.25, 9, "stop")
    call = CALL if ids else ToolCall(CALL.name, CALL.arguments)
    assert tool.tool_calls == (call,)
    assert tool.finish_reason in ("tool_calls", "tool_call")
    assert [message.role for message in second.messages_in] == ["system", "user", "assistant", "tool"]
    assert second.messages_in[2].tool_calls == (call,)
    assert second.messages_in[3].content == "sunny"
    assert second.messages_out == ANSWER
    assert (embedding.kind, embedding.model, embedding.input_tokens) == ("embedding", "e1", 1)
    assert embedding.cost_usd == 0.5 / 1e6


def test_openinference(run, served):
    found = run(
        """
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
OpenAIInstrumentor().instrument()
"""
        + OPENAI
        + "with using_attributes(session_id='s-1', user_id='ann'):\n"
        + CALLS.replace("\n", "\n    ")
    )
    looks_right(found)
    tool = calls(found)[1]
    assert tool.tools[0]["name"] == "weather"
    assert tool.tools[0]["parameters"]["properties"] == {"city": {"type": "string"}}
    assert {(each.session_id, each.user_id) for _, each in found} == {("s-1", "ann")}
    indexed(served)
    (session,) = served.state.query.sessions("default").items
    assert session.session_id == "s-1"


@pytest.mark.parametrize(
    ("environ", "events"),
    [
        (
            {
                "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
            },
            set(),
        ),
        (
            {
                "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "event_only",
                "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
            },
            {"gen_ai.client.inference.operation.details"},
        ),
    ],
    ids=["attributes", "log records"],
)
def test_openai_v2(run, served, environ, events):
    start = (
        "from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor\nOpenAIInstrumentor().instrument()\n"
    )
    found = run(start + OPENAI + CALLS, **environ)
    looks_right(found)
    assert {record.event for record in served.store.find(LogRecord)} == events


def test_traceloop(run):
    start = "from opentelemetry.instrumentation.openai import OpenAIInstrumentor\nOpenAIInstrumentor().instrument()\n"
    found = run(start + OPENAI + CALLS)
    looks_right(found)
    assert calls(found)[1].tools[0]["name"] == "weather"


PYDANTIC = """
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
model = OpenAIChatModel("m1", provider=OpenAIProvider(base_url=URL, api_key="k"))
Agent.instrument_all(InstrumentationSettings(version=int(os.environ["VERSION"])))
agent = Agent(model, system_prompt="be brief", name="harbour", model_settings={"temperature": 0.25})
@agent.tool_plain
def weather(city: str) -> str:
    "The weather of a city."
    return f"sunny in {city}"
agent.run_sync("what is a slipway")
"""


@pytest.mark.parametrize("version", ["2", "5"])
def test_pydantic_ai(run, version):
    found = run(PYDANTIC, VERSION=version)
    first, second = calls(found)
    assert (first.kind, first.model, first.request_model) == ("llm", "m1-0001", "m1")
    assert first.messages_in == (SYSTEM, ASKED)
    assert first.tool_calls == (CALL,)
    assert first.tools[0]["name"] == "weather"
    assert second.messages_in[-1] == Message("tool", "sunny in boston", tool_call_id="call_1")
    assert second.messages_out == ANSWER
    assert second.cost_usd == pytest.approx((second.input_tokens + 2 * second.output_tokens) / 1e6)
    (tool,) = [each for _, each in found if each.kind == "tool"]
    assert tool.tool_calls == (CALL,)
    assert tool.output == "sunny in boston"
    (agent,) = [each for _, each in found if each.kind == "agent"]  # it says the tokens of both calls again
    assert not agent.call
    assert agent.messages_out[-1].content == ANSWERED


def test_langchain(run):
    found = run("""
from openinference.instrumentation.langchain import LangChainInstrumentor
LangChainInstrumentor().instrument()
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
@tool
def weather(city: str) -> str:
    "The weather of a city."
    return "sunny"
model = ChatOpenAI(model="m1", base_url=URL, api_key="k", max_retries=0, temperature=0.25)
prompt = ChatPromptTemplate.from_messages([("system", "be brief"), ("user", "what is {thing}")])
(prompt | model).invoke({"thing": "a slipway"}, config={"metadata": {"session_id": "s-1"}})
(prompt | model.bind_tools([weather])).invoke({"thing": "a slipway"})
weather.invoke({"city": "boston"})
""")
    first, second = calls(found)
    assert (first.model, first.messages_in, first.messages_out) == ("m1-0001", (SYSTEM, ASKED), ANSWER)
    assert (first.input_tokens, first.output_tokens, first.cost_usd) == (6, 4, (6 * 1 + 4 * 2) / 1e6)
    assert (first.session_id, first.temperature) == ("s-1", 0.25)
    assert second.tool_calls == (CALL,)
    assert second.tools[0]["name"] == "weather"
    assert sum(each.cost_usd or 0 for each in calls(found)) < 3e-5  # the chains around them are no calls
    (tool,) = [each for _, each in found if each.kind == "tool"]
    assert (tool.tool_calls[0].name, tool.input) == ("weather", "boston")  # of a single argument it says no name
