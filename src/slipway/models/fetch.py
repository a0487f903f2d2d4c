"""One file over HTTP to the disk: resumed where it broke off, never half a file under its name."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from slipway.errors import InfrastructureError, ModelError, UsageError
from slipway.models.fuse import check_remote, is_loopback

MOST_REDIRECTS = 5
PIECE = 1024 * 1024
SPARE = 32 * 1024 * 1024
"""What a disk should have left after a pull."""
ROOM = "make room, or set SLIPWAY_MODELS; what came is kept"
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
SHA256 = re.compile(r"[0-9a-f]{64}")
Progress = Callable[[int, int | None], None]


class Broken(Exception):
    """The transfer ended early; what came is kept, and asking again may bring the rest."""


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Redirects are followed by `opened`, which looks where they lead."""
        return


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a GET: its headers, and the SHA-256 that a hub said on the way to it ("" for none)."""

    response: Any
    status: int
    headers: Message
    linked_sha256: str


def opened(url: str, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
    """The answer to a GET, after at most five redirects: none from https to http, and no key to another host.

    Raises `ModelError` with the status for an answer that is an error, `UsageError` when remote calls are forbidden.
    """
    sent, linked = dict(headers), ""
    for _ in range(MOST_REDIRECTS + 1):
        check_url(url)
        check_remote(url)
        host = urlsplit(url).hostname or ""
        proxies = [urllib.request.ProxyHandler({})] if is_loopback(host) else []
        request = urllib.request.Request(url, headers={"Accept-Encoding": "identity", "User-Agent": "slipway", **sent})
        try:
            response = urllib.request.build_opener(_StayHere, *proxies).open(request, timeout=timeout_s)
            found, status = response.headers, response.status
        except urllib.error.HTTPError as error:
            response, found, status = error, error.headers, error.code
        except (OSError, http.client.HTTPException) as error:
            raise Broken(
                f"{host} cannot be reached: {getattr(error, 'reason', error) or type(error).__name__}"
            ) from None
        linked = linked or _linked(found)
        if status not in (301, 302, 303, 307, 308):
            return Answer(response, status, found, linked)
        response.close()
        target = urljoin(url, found.get("Location") or "")
        if url.startswith("https://") and not target.startswith("https://"):
            raise ModelError(f"{host} leads from https to {target!r}", mend="ask the right address")
        if (urlsplit(target).hostname, urlsplit(target).port) != (urlsplit(url).hostname, urlsplit(url).port):
            sent.pop("Authorization", None)
        url = target
    raise ModelError(f"{url} leads on and on", mend="ask the right address")


def check_url(url: str) -> None:
    """Raise `UsageError` for what is no http address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no http address", mend="such as https://host/model.gguf")


def _linked(headers: Message) -> str:
    said = (headers.get("X-Linked-ETag") or "").strip('"')
    return said if SHA256.fullmatch(said) else ""


@dataclass(slots=True)
class Fetch:
    """One file on its way. ``linked_sha256`` is what a hub says that it is, once it was asked."""

    url: str
    part: Path
    headers: Mapping[str, str]
    progress: Progress
    sleep: Callable[[float], Any]
    retries: int = 5
    timeout_s: float = 30.0
    linked_sha256: str = ""

    def run(self) -> None:
        """Bring the whole file into ``part``. Raises `ModelError` or `InfrastructureError`; what came is kept for the next."""
        failed = 0
        while True:
            before = self._have()
            try:
                return self._once()
            except Broken as broken:
                failed = 1 if self._have() > before else failed + 1
                if failed > self.retries:
                    raise ModelError(
                        f"{self.url} broke off: {broken}", mend="try again; what came is kept and the rest is asked for"
                    ) from None
                self.sleep(min(30.0, 0.5 * 2**failed))

    def drop(self) -> None:
        """Forget what came."""
        self.part.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)

    @property
    def _state(self) -> Path:
        return self.part.with_name(self.part.name + ".json")

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _known(self) -> dict[str, Any]:
        """What the first answer said of the file: its validator and length. Without it, nothing can be resumed."""
        try:
            said = json.loads(self._state.read_text(encoding="utf-8"))
            return said if isinstance(said, dict) and said.get("url") == self.url and said.get("validator") else {}
        except (OSError, ValueError):
            return {}

    def _once(self) -> None:
        known, have = self._known(), self._have()
        ranged = {"Range": f"bytes={have}-", "If-Range": known["validator"]} if known and have else {}
        answer = opened(self.url, {**self.headers, **ranged}, timeout_s=self.timeout_s)
        with answer.response:
            self.linked_sha256 = answer.linked_sha256 or self.linked_sha256
            if answer.status == 416 and ranged:
                if answer.headers.get("Content-Range") == f"bytes */{have}":
                    return  # it was whole already
                self.drop()
                raise Broken("the file changed")
            if answer.status not in (200, 206) or (answer.status == 206 and not ranged):
                raise self._refused(answer)
            start, total = self._begin(answer, known, have)
            self._write(answer.response, start, total)

    def _refused(self, answer: Answer) -> Exception:
        if answer.status in (408, 429) or answer.status >= 500:
            return Broken(f"HTTP {answer.status}")
        mends = {401: "set SLIPWAY_HUB_TOKEN", 403: "set SLIPWAY_HUB_TOKEN", 404: "check the name"}
        return ModelError(
            f"{self.url} answered {answer.status}",
            mend=mends.get(answer.status, "check the address"),
            status=answer.status,
        )

    def _begin(self, answer: Answer, known: Mapping[str, Any], have: int) -> tuple[int, int | None]:
        """(where the answer goes on, length of the whole file or None)."""
        if (answer.headers.get("Content-Encoding") or "identity") != "identity":
            raise ModelError(f"{self.url} is sent packed", mend="ask another address")
        validator = _validator(answer.headers)
        if answer.status == 206:
            match = RANGE.fullmatch(answer.headers.get("Content-Range") or "")
            same = validator == known["validator"] and match is not None and int(match[1]) == have
            if not same or (known.get("total") is not None and match is not None and match[3] != str(known["total"])):
                self.drop()
                raise Broken("the file changed")
            return have, known.get("total")
        length = answer.headers.get("Content-Length") or ""
        total = int(length) if length.isdecimal() else None
        self.drop()
        self._state.write_text(json.dumps({"url": self.url, "validator": validator, "total": total}), encoding="utf-8")
        return 0, total

    def _write(self, response: Any, start: int, total: int | None) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if total is not None and total - start + SPARE > free:
            raise InfrastructureError(
                f"{self.part.parent} has {free:,} bytes left and {total - start:,} are to come",
                mend="make room, or set SLIPWAY_MODELS",
            )
        at = start
        descriptor = os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            while True:
                self.progress(at, total)
                try:
                    piece = response.read(PIECE)
                except (OSError, http.client.HTTPException) as error:
                    raise Broken(f"after {at:,} bytes ({type(error).__name__})") from None
                if not piece:
                    break
                self._append(file, piece)
                at += len(piece)
            os.fsync(file.fileno())
        if total is not None and at != total:
            raise Broken(f"after {at:,} of {total:,} bytes")

    def _append(self, file: Any, piece: bytes) -> None:
        left = memoryview(piece)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            raise InfrastructureError(
                f"{self.part} cannot be written: {error.strerror}",
                mend=ROOM,
            ) from None


def _validator(headers: Message) -> str:
    """What tells whether the file is still the same: a strong ETag, else when it was last modified."""
    etag = headers.get("ETag") or ""
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or ""
