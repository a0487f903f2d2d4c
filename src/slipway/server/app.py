"""The application. A request passes these steps, and is answered by the function of its route.

granian (serve.py) -> watch.py: counts, log line, draining -> guard.py: host, origin, headers
-> access.py: who, project, role -> routes/*.py -> store
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Served

from slipway.errors import InfrastructureError, NotFound, SealedError, SlipwayError
from slipway.server.access import Refused, identify
from slipway.server.guard import Guard, read_body
from slipway.server.routing import JSON, Call, Problem, Route, all_routes, answer, encoded
from slipway.server.writable import is_full

if TYPE_CHECKING:
    from slipway.server.state import State

log = logging.getLogger("slipway.server")
Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(state: State) -> Any:
    """The ASGI application that serves ``state``."""
    served = [Served(each.path, _endpoint(each, state), methods=[each.method]) for each in all_routes()]
    app = Starlette(routes=served, exception_handlers={HTTPException: _http_problem, Exception: _unexpected})
    return Guard(app, state)


def _endpoint(found: Route, state: State) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        request.scope["slipway.route"] = found  # for what is counted and logged of it (watch.py)
        try:
            who, project = await identify(request, state, found)
            body = await read_body(request, state) if found.body is not None else b""
            return await answer(found, Call(request, state, who, project), body)
        except SlipwayError as error:
            if isinstance(error, Refused):
                state.counts[f"refused: {error.reason}"] += 1
            return refusal(request, error)

    return endpoint


def refusal(request: Request, error: SlipwayError) -> Response:
    """The answer to ``error`` in the form that the clients of the path read, also where no route was reached."""
    usual = problem(error)
    told = _forms().get(request.scope["path"])
    return told(request, usual, error) if told is not None else usual


@cache
def _forms() -> dict[str, Problem]:
    return {each.path: each.problem for each in all_routes() if each.problem is not None}


def problem(error: SlipwayError) -> Response:
    """The error as JSON with its cause and mend, under the status that fits it."""
    headers = {}
    status = 400
    if isinstance(error, Refused):
        status = error.status
        headers = dict(error.headers)
    elif isinstance(error, NotFound):
        status = 404
    elif isinstance(error, SealedError):
        status = 403
    elif isinstance(error, InfrastructureError):
        status = 507 if is_full(error) else 503
        headers["Retry-After"] = "1"
    said = {"error": {"cause": Exception.__str__(error), "mend": error.mend, "page": error.page}}
    return Response(encoded(said), status_code=status, media_type=JSON, headers=headers)


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = {"error": {"cause": error.detail, "mend": "see /api/v1/openapi.json", "page": "reference/api.md"}}
    return Response(encoded(said), status_code=error.status_code, media_type=JSON, headers=error.headers)


def _unexpected(request: Request, error: Exception) -> Response:
    # The cause may hold data of the request: it goes to the log, which belongs to the operator, and not to the client.
    log.error("unexpected error in %s %s", request.method, request.url.path, exc_info=error)
    return refusal(request, Refused(500, "an unexpected error; the server's log has it", mend="report it"))
