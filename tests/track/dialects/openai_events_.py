"""OpenTelemetry's instrumentor of OpenAI as it was: each message a log record. An answer, and one with a tool."""

import os

import openai
from opentelemetry import _events, _logs, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk._events import EventLoggerProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
spans, logs = TracerProvider(), LoggerProvider()
spans.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=os.environ["OTLP"] + "/v1/traces")))
logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=os.environ["OTLP"] + "/v1/logs")))
trace.set_tracer_provider(spans)
_logs.set_logger_provider(logs)
_events.set_event_logger_provider(EventLoggerProvider(logs))
OpenAIInstrumentor().instrument()

client = openai.OpenAI(base_url=os.environ["FAKE"], api_key="k", max_retries=0)
asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is a slipway"}]
city = {"type": "object", "properties": {"city": {"type": "string"}}}
weather = {"type": "function", "function": {"name": "weather", "description": "the weather", "parameters": city}}
client.chat.completions.create(model="m1", messages=asked, temperature=0.25)
said = client.chat.completions.create(model="m1", messages=asked, tools=[weather]).choices[0].message
asked += [said.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
client.chat.completions.create(model="m1", messages=asked, tools=[weather])
