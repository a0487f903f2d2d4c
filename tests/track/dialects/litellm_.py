"""LiteLLM with its OpenTelemetry callback: an answer, one with a tool, an embedding, a refusal."""

import contextlib
import os

os.environ.update(OTEL_EXPORTER="otlp_http", OTEL_ENDPOINT=os.environ["OTLP"], LITELLM_LOCAL_MODEL_COST_MAP="True")
import litellm
from litellm.litellm_core_utils.thread_pool_executor import executor
from opentelemetry import trace

litellm.callbacks = ["otel"]
at = {"api_base": os.environ["FAKE"], "api_key": "k", "num_retries": 0}
asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is a slipway"}]
litellm.completion("openai/m1", asked, temperature=0.25, max_tokens=9, user="ann", metadata={"session_id": "s-1"}, **at)
city = {"type": "object", "properties": {"city": {"type": "string"}}}
weather = {"name": "weather", "description": "the weather of a city", "parameters": city}
litellm.completion("openai/m1", asked[1:], tools=[{"type": "function", "function": weather}], **at)
litellm.completion("openai/gpt-4o", asked, mock_response="a ramp for ships")  # a model that it knows the price of
litellm.embedding("openai/e1", ["a ramp"], **at)
with contextlib.suppress(litellm.APIError, litellm.AuthenticationError, litellm.NotFoundError, litellm.BadRequestError):
    litellm.completion("openai/m1", asked, **{**at, "api_base": os.environ["FAKE"] + "/nowhere"})
executor.shutdown(wait=True)  # it records on threads of its own
trace.get_tracer_provider().force_flush()
for handler in litellm.callbacks:
    if hasattr(handler, "_tracer_provider"):
        handler._tracer_provider.force_flush()
