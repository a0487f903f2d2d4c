"""Switch on what is installed: OpenInference and OpenTelemetry GenAI instrumentors, found by their entry points.

Each waits until the library that it instruments is imported, so that ``init`` does not load libraries that the application never
uses. One that breaks is counted and named in the log; the application starts all the same.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
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


# What instrumentors ask for before they record messages, and the SDK that traces itself where it has none.
CONTENTS = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
}
SELF_TRACED = {"anthropic": ("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content")}


def switch_on(tracer: Tracer) -> list[str]:
    """Start one GenAI instrumentor for each library; returns the libraries. OpenInference's comes first where several are
    installed; one that does not work here is passed over for the next."""
    found: dict[str, list[Any]] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: not _openinference(point)):
        if _openinference(point) or (point.value.startswith("opentelemetry.instrumentation.") and point.name in GENAI):
            found.setdefault(MODULES.get(point.name, point.name), []).append(point)
    _say_what_to_keep(tracer, found)
    for module, points in found.items():
        _when_imported(module, _starter(points, tracer))
    return sorted(found)


def _openinference(point: Any) -> bool:
    return str(point.value).startswith("openinference.")


def _say_what_to_keep(tracer: Tracer, found: Mapping[str, Any]) -> None:
    """Through the environment, as instrumentors want it; what is set there already stays."""
    if not tracer.inputs:
        os.environ.setdefault("OPENINFERENCE_HIDE_INPUTS", "true")
    if not tracer.outputs:
        os.environ.setdefault("OPENINFERENCE_HIDE_OUTPUTS", "true")
    if not (tracer.inputs and tracer.outputs and _alone(tracer)):
        return  # another exporter of the application would get messages that nobody wanted it to have
    for name, value in CONTENTS.items():
        os.environ.setdefault(name, value)
    for module, (name, value) in SELF_TRACED.items():
        if module not in found:
            os.environ.setdefault(name, value)


def _alone(tracer: Tracer) -> bool:
    try:
        from slipway.track.otel import ours
    except ImportError:
        return False
    return ours(tracer)


def _starter(points: Sequence[Any], tracer: Tracer) -> Callable[..., None]:
    def start(module: Any = None) -> None:
        if any(map(_running, points)):
            return  # the application has started the one that it wants
        for point in points:
            try:
                instrumentor = point.load()()
                instrumentor.instrument()
                if getattr(instrumentor, "is_instrumented_by_opentelemetry", True):
                    return
                reason: Any = "it refuses the installed version"
            except Exception as error:  # somebody else's code: the application must start whatever it does
                reason = error
            tracer.recorder.drops.count(reasons.INSTRUMENTOR)
            _log.warning("instrumentor %s does not work here: %s", point.value, reason)

    return start


def _running(point: Any) -> bool:
    if point.value.partition(":")[0] not in sys.modules:
        return False
    try:
        return bool(point.load()().is_instrumented_by_opentelemetry)
    except Exception:
        return False


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
