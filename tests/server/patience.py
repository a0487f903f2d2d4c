"""Waiting for what has to come, however much else the machine has to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE_S = 120.0


def until(holds: Callable[[], Any], said: object = "it did not come true") -> Any:
    """What ``holds`` returns once that is true. Fails after two minutes with what ``said`` is, or returns when called."""
    deadline, never = time.monotonic() + PATIENCE_S, threading.Event()
    while not (found := holds()):
        assert time.monotonic() < deadline, said() if callable(said) else said
        never.wait(0.02)
    return found
