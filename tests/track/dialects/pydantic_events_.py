"""pydantic-ai as it was: the messages of a call as a list of events in one attribute, those of a run in another."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

spans = TracerProvider()
spans.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=os.environ["OTLP"] + "/v1/traces")))
trace.set_tracer_provider(spans)
model = OpenAIChatModel("m1", provider=OpenAIProvider(base_url=os.environ["FAKE"], api_key="k"))
Agent.instrument_all(InstrumentationSettings(version=1))
agent = Agent(model, system_prompt="be brief", name="harbour")


@agent.tool_plain
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


agent.run_sync("what is a slipway")
