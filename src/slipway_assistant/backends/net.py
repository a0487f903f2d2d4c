"""One way to ask a server something: `fetch(url)` and `fetch_json(url)`, over http or https, with a deadline and a size.

Standard library only: a skill runs in a thread of its own and asks one or two questions, so an event loop would buy nothing
(decision 0093). Whatever goes wrong is a `NetError` whose `reason` a skill can turn into a sentence.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPMessage, HTTPResponse
    from urllib.request import OpenerDirector, Request

Reason = Literal["address", "offline", "slow", "refused", "status", "size", "garbage", "redirect"]
"""refused: the server wants another key. status: it answered with an error. garbage: not what was asked for."""

TIMEOUT_S = 3.5
"""How long a server may take for its whole answer. People wait for a voice no longer."""
MOST_BYTES = 2_000_000
MOST_REDIRECTS = 4
AGENT = "slipway-assistant/0.1 (a voice assistant on somebody's own device)"


class NetError(SlipwayError):
    """A server could not be asked, or did not answer with what was asked for."""

    def __init__(self, reason: Reason, message: str, *, status: int = 0, mend: str | None = None) -> None:
        super().__init__(message, mend=mend)
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, and the address that answered in the end."""

    body: bytes
    url: str
    headers: Mapping[str, str]


def fetch(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    send: bytes | None = None,
    timeout_s: float | None = None,
    most_bytes: int = MOST_BYTES,
) -> Reply:
    """GET the address, or POST the bytes `send` to it; raises NetError for anything but a whole 2xx answer in time.

    Redirects go only to http and https, never from https down to http; another host than the first gets no key of ours.
    """
    from urllib.request import Request

    url = _with(url, params)
    _check(url)
    timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
    made = Request(url, data=send, headers={"User-Agent": AGENT, "Accept": "*/*", **(headers or {})})
    line = _Line(time.monotonic() + timeout_s)
    # A socket's own timeout counts from byte to byte; a server that sends one a second would never reach it.
    watch = threading.Timer(timeout_s, line.cut)
    watch.daemon = True
    watch.start()
    try:
        with _opener(line, url).open(made, timeout=timeout_s) as response:
            body = _body(response, most_bytes, url)
            if line.late:  # an answer without a length looks whole when it was cut
                raise NetError("slow", f"{_host(url)} did not answer in time")
            return Reply(body, response.geturl(), {k.lower(): v for k, v in response.headers.items()})
    except NetError:
        raise
    except Exception as error:
        # urllib, http.client and ssl each have errors of their own, ValueError and UnicodeError among them.
        raise _told(error, url, line) from None
    finally:
        watch.cancel()


def fetch_json(url: str, *, send: Any = None, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
    """What the server answered, read as JSON; `send` is sent as JSON."""
    import msgspec

    given = {"Accept": "application/json", **(headers or {})}
    if send is not None:
        given["Content-Type"] = "application/json"
    data = msgspec.json.encode(send) if send is not None else None
    reply = fetch(url, headers=given, send=data, **options)
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise NetError("garbage", f"{_host(url)} did not answer with JSON: {str(error)[:100]}") from None


def origin(url: str) -> str:
    """Scheme, host and port: what a key was given for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _Line:
    """The connections of one question, to be cut when its time is over."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.late = False
        self._open: list[HTTPConnection] = []

    def add(self, connection: HTTPConnection) -> HTTPConnection:
        self._open.append(connection)
        return connection

    def cut(self) -> None:
        self.late = True
        for connection in self._open:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def _opener(line: _Line, url: str) -> OpenerDirector:
    """Only http and https, not urllib's usual file:, ftp: and data: too."""
    from http.client import HTTPConnection, HTTPSConnection
    from urllib import request

    class Plain(request.HTTPHandler):
        def http_open(self, req: Request) -> HTTPResponse:
            return self.do_open(lambda host, **kw: line.add(HTTPConnection(host, **kw)), req)

    class Secure(request.HTTPSHandler):
        def https_open(self, req: Request) -> HTTPResponse:
            return self.do_open(lambda host, **kw: line.add(HTTPSConnection(host, **kw)), req)

    class Redirects(request.HTTPRedirectHandler):
        max_redirections = MOST_REDIRECTS

        def redirect_request(
            self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
        ) -> Request | None:
            _check(newurl, "redirect")
            if req.full_url.startswith("https:") and not newurl.startswith("https:"):
                raise NetError("redirect", f"{_host(url)} redirects from https down to http")
            if req.data is not None:
                raise NetError("redirect", f"{_host(url)} redirects what was sent to it")
            made = super().redirect_request(req, fp, code, msg, headers, newurl)
            if made is not None and origin(newurl) != origin(url):
                made.remove_header("Authorization")
            return made

    director = request.OpenerDirector()
    # What is on this machine or in this house is asked directly, whatever the proxy.
    proxies = request.ProxyHandler({} if _is_here(url) else None)
    for handler in (
        proxies,
        Plain(),
        Secure(),
        Redirects(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
    ):
        director.add_handler(handler)
    return director


def _body(response: Any, most_bytes: int, url: str) -> bytes:
    said = response.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > most_bytes:
        raise NetError("size", f"{_host(url)} would answer with {said} bytes; at most {most_bytes} are read")
    body: bytes = response.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise NetError("size", f"{_host(url)} answers with more than {most_bytes} bytes")
    if said.isdecimal() and len(body) < int(said):
        raise NetError("offline", f"{_host(url)} broke off its answer")
    return body


def _told(error: Exception, url: str, line: _Line) -> NetError:
    from urllib.error import HTTPError, URLError

    host = _host(url)
    if isinstance(error, HTTPError):
        error.close()
        if error.code in (401, 403):
            return NetError("refused", f"{host} refuses the key ({error.code})", status=error.code)
        return NetError("status", f"{host} answered {error.code}", status=error.code)
    if isinstance(error, URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if line.late or isinstance(error, TimeoutError):
        return NetError("slow", f"{host} did not answer in time")
    if isinstance(error, NetError):
        return error
    return NetError("offline", f"{host} cannot be reached: {error}")


def _with(url: str, params: Mapping[str, str] | None) -> str:
    if not params:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(params)}"


def _check(url: str, reason: Reason = "address") -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) > 0
    except ValueError:
        fits = False
    if not fits:
        raise NetError(reason, f"{url[:80]!r} is no http or https address", mend="write it as https://host/path")
    if os.environ.get("SLIPWAY_FORBID_REMOTE", "") not in ("", "0") and not _is_here(url):
        raise NetError("offline", f"SLIPWAY_FORBID_REMOTE is set, and {_host(url)} is another machine")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url[:40]
    except ValueError:
        return url[:40]
