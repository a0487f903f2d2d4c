"""Signals: what is done with a request to each of the three paths, and how its answer or refusal is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from slipway.server.access import Refused
from slipway.server.receiver import logs, points, spans
from slipway.server.receiver.wire import FORMS, JSON, LOGS, METRICS, TRACES, form_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from slipway.errors import SlipwayError
    from slipway.server.routing import Call

CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    408: 4,
    413: 3,
    415: 3,
    429: 8,
    500: 13,
    503: 14,
    507: 8,
}  # of google.rpc.Code
UNKNOWN = 2


async def received(call: Call, path: str) -> Response:
    """Receive the request of ``call``. Raises what `refusal` writes."""
    allowed = call.state.intake.allowed
    if path == "traces":
        signal, convert = TRACES, spans.convert
    elif path == "logs":
        signal, convert = LOGS, logs.convert
    else:
        signal, convert = METRICS, lambda request, form, batch: points.convert(request, form, batch, allowed)
    form = form_of(call.request.headers.get("content-type", ""))
    return Response(await call.state.intake.receive(call, signal, form, convert), media_type=form.media)


def refusal(request: Request, usual: Response, error: SlipwayError) -> Response:
    """The answer to ``error``: what ``usual`` says, as a Status in the encoding of the request."""
    try:
        form = form_of(request.headers.get("content-type", ""))
    except Refused:
        form = FORMS[JSON]
    said = form.status(CODES.get(usual.status_code, UNKNOWN), str(error))
    headers = {name: value for name, value in usual.headers.items() if name not in ("content-length", "content-type")}
    return Response(said, status_code=usual.status_code, media_type=form.media, headers=headers)
