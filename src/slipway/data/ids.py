"""Identifiers: 128-bit trace and run ids, 64-bit span ids, as lower-case hex, as in OpenTelemetry."""

from __future__ import annotations

import os
import random

_random = random.Random()
_random.seed(os.urandom(32))
# Two forked children must not draw the same ids.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))


def new_trace_id() -> str:
    """32 hex digits, never all zero. Not a secret: do not use it as one."""
    return f"{_random.getrandbits(128) or 1:032x}"


def new_span_id() -> str:
    """16 hex digits, never all zero."""
    return f"{_random.getrandbits(64) or 1:016x}"


new_id = new_trace_id
