"""A route is a function whose signature says everything: what it reads, what it answers, and the role it needs.

    @route("GET", "/api/v1/traces/{trace_id}", needs="viewer")
    def trace(call: Call, trace_id: str, query: TraceQuery) -> TraceDetail:
        '''One trace.'''

A parameter called like a part of the path is that part. ``query`` is a msgspec Struct read from the query string, ``body``
one read from the JSON body. The answer is written as JSON, or is a starlette response. A plain function runs in a thread,
since stores block; an ``async def`` runs on the loop and must not. The OpenAPI document is made from the same signatures
(openapi.py), so it cannot disagree with what is served.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from slipway.data import plain
from slipway.data.access import Role, Scope
from slipway.errors import DataError, SlipwayError

if TYPE_CHECKING:
    from slipway.server.state import Identity, State

Problem = Callable[[Request, Response, SlipwayError], Response]
_SCOPES: dict[Role, Scope] = {"viewer": "read", "writer": "write", "admin": "admin"}
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, as its function declares it."""

    method: str
    path: str
    function: Callable[..., Any]
    needs: Role | None
    scope: Scope | None
    status: int
    media: str
    query: Any
    body: Any
    answer: Any
    parts: tuple[str, ...]
    problem: Problem | None
    takes: str

    @property
    def name(self) -> str:
        """What the OpenAPI document calls it."""
        return str(self.function.__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way: who asks, for which project, and what serves it."""

    request: Request
    state: State
    who: Identity
    project: str


def route(
    method: str,
    path: str,
    *,
    needs: Role | None,
    scope: Scope | None = None,
    status: int = 200,
    media: str = JSON,
    problem: Problem | None = None,
    takes: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Serve the function there. ``needs`` is the least role; None opens it to everybody, which tests hold to a short list.
    ``scope`` is what a key must be for: read, write or admin, as the role says, unless it is given. ``problem`` makes of an
    error and the answer that would be given to it another answer: for clients that read errors in a form of their own.
    ``takes`` names the media types of a body that the function reads itself."""
    wanted = scope or (_SCOPES[needs] if needs is not None else None)

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__route__ = (method, path, needs, wanted, status, media, problem, takes)  # type: ignore[attr-defined]
        return function

    return mark


def all_routes() -> list[Route]:
    """Every route of every file in routes/, by path."""
    from slipway.server import routes

    found = []
    for info in pkgutil.iter_modules(routes.__path__):
        module = importlib.import_module(f"{routes.__name__}.{info.name}")
        for function in vars(module).values():
            marked = getattr(function, "__route__", None)
            if marked is not None and function.__module__ == module.__name__:
                found.append(_described(function, *marked))
    return sorted(found, key=lambda route: (route.path, route.method))


def _described(
    function: Callable[..., Any],
    method: str,
    path: str,
    needs: Role | None,
    scope: Scope | None,
    status: int,
    media: str,
    problem: Problem | None,
    takes: str,
) -> Route:
    hints = typing.get_type_hints(function)
    parts = tuple(name for name in inspect.signature(function).parameters if f"{{{name}" in path)
    query, body, said = hints.get("query"), hints.get("body"), hints.get("return")
    return Route(method, path, function, needs, scope, status, media, query, body, said, parts, problem, takes)


async def answer(found: Route, call: Call, body: bytes) -> Response:
    """Read what the function wants, call it, and write what it says. Raises `SlipwayError`."""
    arguments: dict[str, Any] = {name: str(call.request.path_params[name]) for name in found.parts}
    if found.query is not None:
        arguments["query"] = _from_query(call.request, found.query)
    if found.body is not None:
        arguments["body"] = _from_json(body, found.body)
    if inspect.iscoroutinefunction(found.function):
        said = await found.function(call, **arguments)
    else:
        said = await anyio.to_thread.run_sync(lambda: found.function(call, **arguments), limiter=call.state.threads)
    if isinstance(said, Response):
        return said
    return Response(encoded(said), status_code=found.status, media_type=JSON)


def encoded(value: Any) -> bytes:
    """A value as JSON. Records of `slipway.data` become objects; what JSON does not have becomes text."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return msgspec.json.encode(plain(msgspec.to_builtins(value, str_keys=True, enc_hook=plain)))


def _from_query(request: Request, kind: Any) -> Any:
    """Repeated names become lists; numbers and flags are read from their text."""
    given: dict[str, Any] = {}
    several = {field.encode_name for field in msgspec.structs.fields(kind) if _is_list(field.type)}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        given[name] = values if name in several else values[-1]
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise DataError(f"the query is wrong: {error}", mend="see /api/v1/openapi.json for its parameters") from None


def _is_list(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    return _is_list(typing.get_args(kind)[0]) if origin is typing.Annotated else origin is tuple


def _from_json(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"the body is wrong: {error}", mend="see /api/v1/openapi.json for its fields") from None
