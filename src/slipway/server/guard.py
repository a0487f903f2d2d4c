"""What every request and answer passes, whatever its route: the host asked for, where a browser came from, headers, size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request

from slipway.server.access import Refused

if TYPE_CHECKING:
    from slipway.server.state import State

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


class Guard:
    """An ASGI step around the application."""

    def __init__(self, app: Any, state: State) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse what no route should see; put the security headers on what is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in given)]
                self._state.counts[f"http {message['status']}"] += 1
            await send(message)

        refused = self._refusal(Request(scope))
        if refused is not None:
            from slipway.server.app import problem

            await problem(refused)(scope, receive, sent)
            return
        await self._app(scope, receive, sent)

    def _refusal(self, request: Request) -> Refused | None:
        server = self._state.config.server
        host = request.headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name.lower() not in {*LOOPBACK, server.host.lower(), *(known.lower() for known in server.hosts)}:
            return Refused(400, f"this server does not answer to the host {name!r}", mend="name it in server.hosts")
        if request.method in SAFE:
            return None
        origin = request.headers.get("origin")
        crossing = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        same = origin is None or origin.split("://", 1)[-1].lower() == host.lower() or origin in server.origins
        if not same or (crossing and origin not in server.origins):
            return Refused(
                403, f"a page of {origin or 'another site'} may not write here", mend="name it in server.origins"
            )
        return None


async def read_body(request: Request, state: State) -> bytes:
    """The body, up to the limit of the settings. Raises `Refused` (413) as soon as it is passed."""
    most = state.config.server.max_body_bytes
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise Refused(
                    413, f"the body is larger than {most:,} bytes", mend="send less, or raise server.max-body-bytes"
                )
            parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "the client went away in the middle of its request", mend="send it again") from None
    return b"".join(parts)
