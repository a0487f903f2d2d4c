"""One kept-alive HTTP connection to the server in ``endpoint``. Used by one thread.

Nothing is followed: an answer that points elsewhere would take the key there. Proxies of the environment (HTTPS_PROXY,
NO_PROXY) are used, except for this machine itself.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import ipaddress
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from slipway.errors import ConfigError, InfrastructureError

KEY_VARIABLE = "SLIPWAY_API_KEY"
CONNECT_S, ANSWER_S = 5.0, 30.0
LONGEST_ANSWER = 1 << 20
LONGEST_WAIT_S = 300.0
UNWELCOME_S = 30.0
SMALL = 1_024  # bytes that are not worth packing
_key = re.compile(r"[\x21-\x7e]{1,512}")


class Away(InfrastructureError):
    """The server cannot take anything now. It has said nothing against what was sent: that is sent again after
    ``retry_after_s`` at the earliest."""

    away = True

    def __init__(self, message: str, *, mend: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message, mend=mend)
        self.retry_after_s, self.at = retry_after_s, time.monotonic()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server answers."""

    secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """``http://host:4318`` or ``https://host/path``. Raises `ConfigError`, and never repeats a password."""
        shown = repr(re.sub(r"//[^/]*@", "//***@", url))[:200]
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ConfigError(f"endpoint {shown} is no address", mend="write http://HOST:4318") from None
        if parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9._:%-]+", host):
            raise ConfigError(f"endpoint {shown} is no address", mend="write http://HOST:4318")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError(f"endpoint {shown} has more than an address", mend=f"put the key into {KEY_VARIABLE}")
        path = parts.path.rstrip("/")
        if not re.fullmatch(r"[!-~]*", path):
            raise ConfigError(f"endpoint {shown} has a path that cannot be sent", mend="write it percent-encoded")
        secure = parts.scheme == "https"
        return cls(secure, host, port or (443 if secure else 4318), path)

    @property
    def local(self) -> bool:
        """Is it this machine?"""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def folder(self) -> str:
        """A name for what waits for this server: what was meant for one is never sent to another."""
        whole = f"{'https' if self.secure else 'http'}://{self.host}:{self.port}{self.path}"
        short = re.sub(r"[^A-Za-z0-9.-]", "_", self.host)[:40]
        return f"to-{short}-{self.port}-{hashlib.blake2b(whole.encode(), digest_size=4).hexdigest()}"


def api_key() -> str:
    """The key in the environment; empty without one. Raises `ConfigError` for one that no header can hold, without showing it."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key and not _key.fullmatch(key):
        raise ConfigError(f"{KEY_VARIABLE} has characters that no key has", mend="copy it again: slw_...")
    return key


class Wire:
    """The connection. ``post`` opens it again whenever it has to."""

    def __init__(self, endpoint: Endpoint, *, key: str = "") -> None:
        self.endpoint = endpoint
        self._headers = {"User-Agent": "slipway", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._prefix = endpoint.path
        self._connection: http.client.HTTPConnection | None = None
        self._used = False

    def post(self, path: str, body: bytes, kind: str, more: Mapping[str, str] | None = None, *, pack: bool) -> Answer:
        """What the server says. Raises `Away` where no whole answer comes."""
        headers = {**self._headers, "Content-Type": kind, **(more or {})}
        if pack and len(body) > SMALL:
            body = gzip.compress(body, 1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        for _ in range(2):
            stale = self._used  # the other side may have closed a connection that rested: that says nothing about it
            try:
                return self._once(path, body, headers)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not stale or isinstance(error, TimeoutError):
                    raise self._away(error) from None
        raise self._away(OSError("the connection broke twice"))

    def _once(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._connection is None:
            self._connection = self._connected()
        connection = self._connection
        connection.request("POST", self._prefix + path, body, dict(headers))
        found = connection.getresponse()
        said = found.read(LONGEST_ANSWER)
        if not found.isclosed():  # more than any answer of ours
            self.close()
        self._used = self._connection is not None
        return Answer(found.status, said, _seconds(found.getheader("Retry-After") or ""))

    def _connected(self) -> http.client.HTTPConnection:
        endpoint = self.endpoint
        made = http.client.HTTPSConnection if endpoint.secure else http.client.HTTPConnection
        proxy = None if endpoint.local else _proxy(endpoint)
        if proxy is None:
            connection = made(endpoint.host, endpoint.port, timeout=CONNECT_S)
        else:
            connection = made(*proxy, timeout=CONNECT_S)
            if endpoint.secure:
                connection.set_tunnel(endpoint.host, endpoint.port)
            else:
                self._prefix = f"http://{endpoint.host}:{endpoint.port}{endpoint.path}"
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(ANSWER_S)
        return connection

    def _away(self, error: Exception) -> Away:
        where = f"{self.endpoint.host}:{self.endpoint.port}"
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Away(f"the server at {where} did not answer: {why}", mend="see that it runs: slipway up")

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection, self._used = self._connection, None, False
        if connection is not None:
            connection.close()


def _proxy(endpoint: Endpoint) -> tuple[str, int] | None:
    from urllib.request import getproxies, proxy_bypass

    url = getproxies().get("https" if endpoint.secure else "http")
    if not url or proxy_bypass(f"{endpoint.host}:{endpoint.port}"):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return (parts.hostname, parts.port or 3128) if parts.hostname else None


def _seconds(text: str) -> float:
    """What Retry-After asks for: seconds, or a date."""
    try:
        wanted = float(text) if text[:1].isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(wanted, 0.0), LONGEST_WAIT_S)
