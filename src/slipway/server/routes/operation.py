"""Whether the server lives, whether it is ready for work, and what it serves."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

import slipway
from slipway.data import EvalRun
from slipway.errors import StoreError
from slipway.server.meters import MEDIA, exposition
from slipway.server.openapi import document
from slipway.server.routing import Call, all_routes, route


class Alive(msgspec.Struct):
    """The process answers. ``store`` is "ok", "disk is full" or "cannot be written": how the last commit ended."""

    status: str = "ok"
    store: str = "ok"
    version: str = slipway.__version__


class Ready(msgspec.Struct):
    """The store can be read and written, and new work is taken."""

    status: str = "ready"


@route("GET", "/healthz", needs=None)
async def healthz(call: Call) -> Alive:
    """Whether the process lives. Touches nothing, so that it answers under any load."""
    return Alive(store=call.state.writable.state)


@route("GET", "/readyz", needs=None)
def readyz(call: Call) -> Ready:
    """Whether requests can be served: 503 while the store cannot be read or written or the server is stopping, 507 while its
    disk is full."""
    if call.state.draining:
        raise StoreError("the server is stopping", mend="ask another one, or wait for the next start")
    next(iter(call.state.store.columns(EvalRun, ["id"], limit=1)), None)
    call.state.writable.check()
    return Ready()


@route("GET", "/metrics", needs="viewer", media="text/plain")
def metrics(call: Call) -> Response:
    """What a Prometheus server collects. It tells how much is done and by which routes, so it needs a key wherever one is
    needed; on loopback without keys it is open."""
    return Response(exposition(call.state), media_type=MEDIA)


@route("GET", "/api/v1/openapi.json", needs=None)
async def openapi(call: Call) -> dict[str, Any]:
    """This document."""
    return document(all_routes())
