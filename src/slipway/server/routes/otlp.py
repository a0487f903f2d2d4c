"""OTLP over HTTP: traces, logs and metrics from any OpenTelemetry SDK or collector. See slipway/server/receiver."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from slipway.errors import SlipwayError
from slipway.server.routing import Call, route

MEDIA = "application/x-protobuf, application/json"


def _problem(request: Request, usual: Response, error: SlipwayError) -> Response:
    from slipway.server.receiver.signals import refusal

    return refusal(request, usual, error)


@route("POST", "/v1/traces", needs="writer", scope="ingest", media=MEDIA, takes=MEDIA, problem=_problem)
async def traces(call: Call) -> Response:
    """Spans, as an ExportTraceServiceRequest. 200 once they are on disk."""
    return await _received(call, "traces")


@route("POST", "/v1/logs", needs="writer", scope="ingest", media=MEDIA, takes=MEDIA, problem=_problem)
async def log_records(call: Call) -> Response:
    """Log records, as an ExportLogsServiceRequest. 200 once they are on disk."""
    return await _received(call, "logs")


@route("POST", "/v1/metrics", needs="writer", scope="ingest", media=MEDIA, takes=MEDIA, problem=_problem)
async def metrics(call: Call) -> Response:
    """Data points, as an ExportMetricsServiceRequest. 200 once they are on disk."""
    return await _received(call, "metrics")


async def _received(call: Call, path: str) -> Response:
    # Loaded by the first batch: protobuf takes a tenth of a second, which a server that starts has better uses for.
    from slipway.server.receiver.signals import received

    return await received(call, path)
