"""OTLP over HTTP: traces, logs and metrics from any OpenTelemetry SDK or collector. See slipway/server/receiver."""

from __future__ import annotations

from starlette.responses import Response

from slipway.errors import SlipwayError
from slipway.server.receiver import logs, points, spans
from slipway.server.receiver.intake import Convert
from slipway.server.receiver.wire import FORMS, JSON, LOGS, METRICS, TRACES, Signal, form_of
from slipway.server.routing import Call, route

CODES = {400: 3, 403: 7, 413: 3, 415: 3, 429: 8, 503: 14, 507: 8}  # of google.rpc.Code


@route("POST", "/v1/traces", needs="writer", scope="ingest", media="application/x-protobuf")
async def traces(call: Call) -> Response:
    """Spans, as an ExportTraceServiceRequest. 200 once they are on disk."""
    return await _received(call, TRACES, spans.convert)


@route("POST", "/v1/logs", needs="writer", scope="ingest", media="application/x-protobuf")
async def log_records(call: Call) -> Response:
    """Log records, as an ExportLogsServiceRequest. 200 once they are on disk."""
    return await _received(call, LOGS, logs.convert)


@route("POST", "/v1/metrics", needs="writer", scope="ingest", media="application/x-protobuf")
async def metrics(call: Call) -> Response:
    """Data points, as an ExportMetricsServiceRequest. 200 once they are on disk."""
    allowed = call.state.intake.allowed
    return await _received(call, METRICS, lambda request, form, batch: points.convert(request, form, batch, allowed))


async def _received(call: Call, signal: Signal, convert: Convert) -> Response:
    form = FORMS[JSON]
    try:
        form = form_of(call.request.headers.get("content-type", ""))
        said = await call.state.intake.receive(call, signal, form, convert)
    except SlipwayError as error:
        from slipway.server.app import problem

        refused = problem(error)
        headers = {
            name: value for name, value in refused.headers.items() if name not in ("content-length", "content-type")
        }
        status = refused.status_code
        said = form.status(CODES.get(status, 2), str(error))
        return Response(said, status_code=status, media_type=form.media, headers=headers)
    return Response(said, media_type=form.media)
