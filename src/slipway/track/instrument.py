"""Switch on what is installed: OpenInference and OpenTelemetry GenAI instrumentors, found by their entry points.

Each waits until the library that it instruments is imported, so that ``init`` does not load libraries that the application never
uses. One that breaks is counted and named in the log; the application starts all the same.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

from slipway.track import drops as reasons
from slipway.track.tracer import Tracer

GROUP = "opentelemetry_instrumentor"
_log = logging.getLogger("slipway")

# Instrumentors of OpenTelemetry's own namespace that are about GenAI; the others (django, redis ...) are not ours to start.
GENAI = frozenset(
    {
        "openai",
        "openai_v2",
        "openai_agents",
        "anthropic",
        "bedrock",
        "botocore_bedrock",
        "cohere",
        "google_genai",
        "groq",
    }
    | {"google_generativeai", "langchain", "llamaindex", "llama_index", "mistralai", "ollama", "replicate", "sagemaker"}
    | {
        "together",
        "transformers",
        "vertexai",
        "watsonx",
        "crewai",
        "haystack",
        "chromadb",
        "pinecone",
        "qdrant",
        "weaviate",
    }
    | {"lancedb", "marqo", "milvus", "alephalpha", "mcp", "agno", "writer", "voyageai"}
)
# entry point -> the module whose import it waits for, where that is not its name
MODULES = {
    "openai_v2": "openai",
    "openai_agents": "agents",
    "langchain": "langchain_core",
    "llama_index": "llama_index.core",
    "llamaindex": "llama_index.core",
    "google_genai": "google.genai",
    "google_generativeai": "google.generativeai",
    "bedrock": "boto3",
    "beeai": "beeai_framework",
}


def switch_on(tracer: Tracer) -> list[str]:
    """Start every installed GenAI instrumentor; returns their names. OpenInference's comes first where both exist."""
    started: dict[str, str] = {}
    for point in sorted(
        metadata.entry_points(group=GROUP), key=lambda point: not point.value.startswith("openinference.")
    ):
        module = MODULES.get(point.name, point.name)
        ours = point.value.startswith("openinference.") or (
            point.value.startswith("opentelemetry.instrumentation.") and point.name in GENAI
        )
        if ours and module not in started:
            started[module] = point.name
            _when_imported(module, _starter(point, tracer))
    return sorted(started.values())


def _starter(point: Any, tracer: Tracer) -> Callable[..., None]:
    def start(module: Any = None) -> None:
        try:
            instrumentor = point.load()()
            if not getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
                instrumentor.instrument()
        except Exception as error:  # somebody else's code: the application must start whatever it does
            tracer.recorder.drops.count(reasons.INSTRUMENTOR)
            _log.warning("instrumentor %s does not work here: %s", point.value, error)

    return start


def _when_imported(module: str, start: Callable[..., None]) -> None:
    if module in sys.modules:
        start()
        return
    try:
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            return
        from wrapt import register_post_import_hook
    except (ImportError, ValueError):
        start()
        return
    register_post_import_hook(start, module)
