"""LiveKit Agents without a room: a turn with a tool, spoken by a voice that is silent."""

import asyncio
import os

from livekit.agents import Agent, AgentSession, function_tool, tts
from livekit.agents.telemetry import set_tracer_provider
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.plugins import openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=os.environ["OTLP"] + "/v1/traces")))
try:
    set_tracer_provider(provider, allow_pii=True)
except TypeError:
    set_tracer_provider(provider)


class Silence(tts.TTS):
    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=16000, num_channels=1)

    @property
    def model(self) -> str:
        return "silence-1"

    @property
    def provider(self) -> str:
        return "lab"

    def synthesize(self, text, *, conn_options=DEFAULT_API_CONNECT_OPTIONS):
        return Stream(tts=self, input_text=text, conn_options=conn_options)


class Stream(tts.ChunkedStream):
    async def _run(self, emitter):
        emitter.initialize(request_id="r1", sample_rate=16000, num_channels=1, mime_type="audio/pcm")
        emitter.push(b"\0" * 16000)
        emitter.flush()


class Harbour(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="be brief")

    @function_tool
    async def weather(self, city: str) -> str:
        """The weather of a city."""
        return f"sunny in {city}"


async def main() -> None:
    model = openai.LLM(model="m1", base_url=os.environ["FAKE"], api_key="k", temperature=0.25)
    async with AgentSession(llm=model, tts=Silence()) as session:
        await session.start(Harbour())
        await session.run(user_input="what is the weather in boston")
    async with Silence().synthesize("a ramp for ships") as stream:
        async for _ in stream:
            pass


asyncio.run(main())
provider.force_flush()
