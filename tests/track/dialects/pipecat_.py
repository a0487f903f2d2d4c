"""A Pipecat pipeline without audio devices: a transcript, an answer of a model, a voice that is silent."""

import asyncio
import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from pipecat.frames.frames import (
    EndFrame,
    LLMContextFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.tts_service import TTSService
from pipecat.utils.tracing.service_decorators import traced_tts
from pipecat.utils.tracing.setup import setup_tracing

setup_tracing(service_name="harbour", exporter=OTLPSpanExporter(endpoint=os.environ["OTLP"] + "/v1/traces"))


class Silence(TTSService):
    def can_generate_metrics(self) -> bool:
        return True

    @traced_tts
    async def run_tts(self, text, context_id=""):
        await self.start_ttfb_metrics()
        await self.start_tts_usage_metrics(text)
        await self.stop_ttfb_metrics()
        yield TTSAudioRawFrame(b"\0" * 3200, 16000, 1)


async def main() -> None:
    settings = OpenAILLMService.Settings(model="m1", temperature=0.25)
    model = OpenAILLMService(api_key="k", base_url=os.environ["FAKE"], settings=settings)
    task = PipelineTask(
        Pipeline([model, Silence(sample_rate=16000)]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        enable_tracing=True,
        enable_turn_tracking=True,
        conversation_id="s-1",
    )
    asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is a slipway"}]

    async def speak() -> None:
        await asyncio.sleep(1)
        await task.queue_frames([UserStartedSpeakingFrame(), UserStoppedSpeakingFrame()])
        await task.queue_frames([LLMContextFrame(LLMContext(asked))])
        await asyncio.sleep(4)
        await task.queue_frames([EndFrame()])

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), speak())


asyncio.run(main())
trace.get_tracer_provider().force_flush()
