"""Signals: what is done with a request to each of the three paths, and how its answer or refusal is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from slipway.errors import SlipwayError
from slipway.server.receiver import logs, points, spans
from slipway.server.receiver.wire import FORMS, JSON, LOGS, METRICS, TRACES, form_of

if TYPE_CHECKING:
    from slipway.server.routing import Call

CODES = {400: 3, 403: 7, 413: 3, 415: 3, 429: 8, 503: 14, 507: 8}  # of google.rpc.Code


async def received(call: Call, path: str) -> Response:
    """Receive the request of ``call``; the answer as OTLP wants it, whatever happened."""
    allowed = call.state.intake.allowed
    if path == "traces":
        signal, convert = TRACES, spans.convert
    elif path == "logs":
        signal, convert = LOGS, logs.convert
    else:
        signal, convert = METRICS, lambda request, form, batch: points.convert(request, form, batch, allowed)
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
