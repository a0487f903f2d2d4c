"""What every request and answer passes, whatever its route: the host asked for, where a browser came from, headers, size.

A request is refused by the first of `CHECKS` that says so. None of them looks at the text of the path: who may do what is
decided on the route that was found (access.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from slipway.server.access import Refused, foreign_page, is_loopback
from slipway.server.keys import FORM

if TYPE_CHECKING:
    from slipway.config import Server
    from slipway.server.state import State

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
EVERY_ADDRESS = ("0.0.0.0", "::", "[::]")
SAFE = ("GET", "HEAD", "OPTIONS")
_host = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::[0-9]{1,5})?")
_address = re.compile(r"\[.*\]|[0-9]+(?:\.[0-9]+){3}")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, x-api-key, content-type, idempotency-key, x-slipway-project",
    "access-control-max-age": "600",
}


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
        request = Request(scope)
        origin = _configured_origin(request, self._state.config.server)

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in HEADERS if pair[0] not in given)]
                if self._state.config.server.origins:
                    message["headers"] += _shared_with(origin)
                self._state.counts[f"http {message['status']}"] += 1
            await send(message)

        for check in CHECKS:
            refused = check(request, self._state.config.server)
            if refused is not None:
                from slipway.server.app import refusal

                self._state.counts[f"refused: {refused.reason}"] += 1
                await refusal(request, refused)(scope, receive, sent)
                return
        if origin and request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, sent)
            return
        await self._app(scope, _timely(receive, self._state.config.server.body_seconds), sent)


def _timely(receive: Any, seconds: float) -> Any:
    """``receive``, which raises `Refused` (408) while a body has not arrived ``seconds`` after it was first asked for (T37)."""
    until, whole = 0.0, False

    async def received() -> Any:
        nonlocal until, whole
        if whole:  # from here on it is only asked whether the client is still there
            return await receive()
        until = until or anyio.current_time() + seconds
        with anyio.CancelScope(deadline=until):
            message = await receive()
            whole = not message.get("more_body", False)
            return message
        raise Refused(
            408,
            f"the body did not arrive within {seconds:g} s",
            mend="send it faster, or raise server.body-seconds",
            reason="slow",
            headers={"Connection": "close"},
        )

    return received


def _configured_origin(request: Request, server: Server) -> str:
    """The Origin header, if it is one of ``server.origins``."""
    origin = request.headers.get("origin", "")
    return origin if origin in server.origins else ""


def _shared_with(origin: str) -> list[tuple[bytes, bytes]]:
    # Never "*", and never Access-Control-Allow-Credentials: what a page sends along is its key, not a cookie of a person.
    vary = [(b"vary", b"origin")]
    return [*vary, (b"access-control-allow-origin", origin.encode("latin-1"))] if origin else vary


def one_meaning(request: Request, server: Server) -> Refused | None:
    """A request that two programs could read differently: two hosts, two lengths, a length beside chunks (T37)."""
    headers = request.headers
    lengths = headers.getlist("content-length")
    chunked = headers.getlist("transfer-encoding")
    if len(headers.getlist("host")) > 1 or len(lengths) > 1 or len(chunked) > 1 or (lengths and chunked):
        return Refused(
            400,
            "the request can be read in two ways",
            mend="send one Host, and Content-Length or Transfer-Encoding",
            reason="ambiguous",
            headers={"Connection": "close"},
        )
    return None


def known_host(request: Request, server: Server) -> Refused | None:
    """A host that is not ours: a foreign name that was made to point here (DNS rebinding), or no host at all (T43)."""
    given = request.headers.get("host", "")
    form = _host.fullmatch(given.lower())
    name = form[1] if form is not None else ""
    if name in {*LOOPBACK, server.host.lower(), f"[{server.host.lower()}]", *map(str.lower, server.hosts)}:
        return None
    # An address cannot be made to point elsewhere as a name can; whoever listens on all of them is reached by each.
    if name and _address.fullmatch(name) and not is_loopback(server.host) and server.host in EVERY_ADDRESS:
        return None
    return Refused(
        400, f"this server does not answer to the host {given!r:.80}", mend="name it in server.hosts", reason="host"
    )


def no_key_in_the_address(request: Request, server: Server) -> Refused | None:
    """A key in the URL, where proxies and browsers keep it (T57)."""
    if FORM.search(request.scope["path"]) or FORM.search(request.url.query):
        return Refused(
            400,
            "the address has a key in it",
            mend="revoke that key, since addresses are logged on the way; send a new one as a header",
            reason="key in the address",
        )
    return None


def own_pages(request: Request, server: Server) -> Refused | None:
    """A write that a browser sends for a page of another site (T44)."""
    if request.method in SAFE or _configured_origin(request, server):
        return None
    crossing = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if not crossing and not foreign_page(request):
        return None
    origin = request.headers.get("origin") or "another site"
    return Refused(
        403, f"a page of {origin!r:.80} may not write here", mend="name it in server.origins", reason="origin"
    )


CHECKS = [one_meaning, known_host, no_key_in_the_address, own_pages]


async def read_body(request: Request, state: State) -> bytes:
    """The body, up to the limit of the settings. Raises `Refused` (413) as soon as it is passed."""
    server = state.config.server
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > server.max_body_bytes:
                raise Refused(
                    413,
                    f"the body is larger than {server.max_body_bytes:,} bytes",
                    mend="send less, or raise server.max-body-bytes",
                    reason="size",
                )
            parts.append(part)
    except ClientDisconnect:
        raise Refused(
            400, "the client went away in the middle of its request", mend="send it again", reason="gone"
        ) from None
    return b"".join(parts)
