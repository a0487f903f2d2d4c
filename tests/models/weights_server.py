"""A server of files on loopback that can do what servers do: cut a connection, change a file, ignore Range, lead elsewhere."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Weights:
    """``files`` by path. ``cuts``: how many bytes of each of the next answers are sent before the connection ends."""

    files: dict[str, bytes]
    cuts: list[int] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    ranges: bool = True
    checks_if_range: bool = True
    etag: bool = True
    length: bool = True
    linked: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    before: dict[int, tuple[str, bytes]] = field(default_factory=dict)  # request number -> the file changes first

    def etag_of(self, data: bytes) -> str:
        return f'"{hashlib.md5(data).hexdigest()}"'

    @contextmanager
    def running(self) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self.url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        weights = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_) -> None:
                pass

            def do_GET(self) -> None:
                weights.answer(self)

        return Handler

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        if len(self.asked) in self.before:
            path, data = self.before[len(self.asked)]
            self.files[path] = data
        self.asked.append((to.path, to.headers.get("Range", ""), to.headers.get("If-Range", "")))
        self.keys.append(to.headers.get("Authorization", ""))
        data = self.files.get(to.path)
        if to.path in self.moved or data is None:
            to.send_response(302 if to.path in self.moved else 404)
            to.send_header("Location", self.moved.get(to.path, ""))
            if to.path in self.linked:
                to.send_header("X-Linked-ETag", f'"{self.linked[to.path]}"')
            to.send_header("Content-Length", "0")
            to.end_headers()
            return
        if self.fails:
            to.send_response(self.fails.pop(0))
            to.send_header("Content-Length", "0")
            to.end_headers()
            return
        start = self._start(to, data)
        if start is None:
            return
        if self.etag:
            to.send_header("ETag", self.etag_of(data))
        if self.length:
            to.send_header("Content-Length", str(len(data) - start))
        to.end_headers()
        sent = data[start:]
        if self.cuts and not to.path.endswith(".sha256"):
            sent = sent[: self.cuts.pop(0)]
        to.wfile.write(sent)

    def _start(self, to: BaseHTTPRequestHandler, data: bytes) -> int | None:
        """Where the answer begins; its status line is sent. None when it is done."""
        wanted = to.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        same = not self.checks_if_range or to.headers.get("If-Range") == self.etag_of(data)
        if not (wanted and self.ranges and same):
            to.send_response(200)
            return 0
        start = int(wanted)
        if start >= len(data):
            to.send_response(416)
            to.send_header("Content-Range", f"bytes */{len(data)}")
            to.send_header("Content-Length", "0")
            to.end_headers()
            return None
        to.send_response(206)
        to.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        return start
