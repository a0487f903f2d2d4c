"""The far end for tests of the way to a server: a server that says what it is told to say, and a wire that can be cut."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from slipway.data import Span


@dataclass
class Request:
    """What was asked."""

    path: str
    headers: Mapping[str, str]
    data: Any
    at: float

    @property
    def names(self) -> list[str]:
        """Names of the spans in it."""
        found = []
        for of_resource in self.data.get("resourceSpans", ()) if isinstance(self.data, dict) else ():
            for of_scope in of_resource["scopeSpans"]:
                found += [span["name"] for span in of_scope["spans"]]
        return found


@dataclass
class Scripted:
    """``say`` is given each request, and answers with a status, headers and a body."""

    url: str
    requests: list[Request] = field(default_factory=list)


Say = Callable[[Request], tuple[int, Mapping[str, str], bytes]]


@contextmanager
def scripted(say: Say, context: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """A server of ours that says what ``say`` says, over TLS with ``context``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            data = json.loads(body) if self.headers["Content-Type"] == "application/json" else body
            request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, data, time.monotonic())
            found.requests.append(request)
            status, headers, said = say(request)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Scripted(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ok(request: Request) -> tuple[int, Mapping[str, str], bytes]:
    return 200, {}, b"{}"


class Wire:
    """A TCP proxy. While ``cut_answers`` is above 0, an answer is taken from the server and thrown away with the connection;
    while ``dead`` is true, nothing is let through."""

    def __init__(self, port: int, *, listen: int = 0) -> None:
        self.target, self.cut_answers, self.dead, self.cut = port, 0, False, 0
        self._listener = socket.create_server(("127.0.0.1", listen))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.dead:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self._open |= {near, far}
            for take, give, answers in ((near, far, False), (far, near, True)):
                threading.Thread(target=self._carry, args=(take, give, answers), daemon=True).start()

    def _carry(self, take: socket.socket, give: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := take.recv(65_536):
                if answers and self.cut_answers > 0:
                    self.cut_answers -= 1
                    self.cut += 1
                    break
                give.sendall(data)
        for side in (take, give):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
            self._open.discard(side)

    def drop(self) -> None:
        """The network is gone: open connections break, new ones are refused."""
        self.dead = True
        for side in list(self._open):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """It is back."""
        self.dead = False

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()


def names_of(store: Any) -> list[str]:
    """The names of all spans, in the order in which they arrived."""
    return [span.name for span in store.find(Span)]
