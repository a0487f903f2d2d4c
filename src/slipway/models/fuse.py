"""The fuse: inside `remote_calls_forbidden`, or with SLIPWAY_FORBID_REMOTE=1, no provider may call another machine."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

from slipway.errors import UsageError

VARIABLE = "SLIPWAY_FORBID_REMOTE"
_forbidden: ContextVar[bool] = ContextVar("slipway_remote_forbidden", default=False)


@contextmanager
def remote_calls_forbidden(forbidden: bool = True) -> Iterator[None]:
    """Calls to anything but this machine raise `UsageError`, in this context and the tasks it starts."""
    token = _forbidden.set(forbidden)
    try:
        yield
    finally:
        _forbidden.reset(token)


def check_remote(url: str) -> None:
    """Raise `UsageError` when ``url`` is on another machine and the fuse is in. Every provider calls this before it calls."""
    if not (_forbidden.get() or os.environ.get(VARIABLE) == "1"):
        return
    host = urlsplit(url).hostname or ""
    if not is_loopback(host):
        raise UsageError(
            f"a call to {host} was stopped: remote model calls are forbidden here",
            mend=f"use a ScriptedModel or a server on 127.0.0.1, or unset {VARIABLE}",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine itself: ``localhost``, 127.0.0.0/8 or ::1, written plainly."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
