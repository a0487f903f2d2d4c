"""Track: record calls without disturbing them. Start in tracing.py, then recorder.py."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from slipway.track.tracing import bound, current_span, flush, init, record, shutdown, span, trace

if TYPE_CHECKING:
    from slipway.track.environment import capture_environment
    from slipway.track.report import status
    from slipway.track.run import run_script
    from slipway.track.ship import ship_folder
    from slipway.track.threads import ThreadPoolExecutor, wrap

# Loaded on first use, so that tracing itself stays cheap to import.
_HOME = {
    "ThreadPoolExecutor": "threads",
    "capture_environment": "environment",
    "run_script": "run",
    "ship_folder": "ship",
    "status": "report",
    "wrap": "threads",
}

__all__ = [
    "ThreadPoolExecutor",
    "bound",
    "capture_environment",
    "current_span",
    "flush",
    "init",
    "record",
    "run_script",
    "ship_folder",
    "shutdown",
    "span",
    "status",
    "trace",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'slipway.track' has no attribute {name!r}")
    return getattr(import_module(f"slipway.track.{_HOME[name]}"), name)
