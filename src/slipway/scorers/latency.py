"""latency: how long the task took."""

from __future__ import annotations

from slipway.data import Score
from slipway.registry import register


@register("scorer", "latency")
def latency(latency_ms: float | None, *, limit_ms: float | None = None) -> Score:
    """Milliseconds that the task took for one example (lower is better); with ``limit_ms``, 1 within it and 0 beyond.

    A recalled answer has the latency it had when it was made. None when it was not measured.
    """
    if latency_ms is None:
        return Score("latency", None, "not measured", better="lower" if limit_ms is None else "higher")
    if limit_ms is None:
        return Score("latency", float(latency_ms), better="lower")
    right = latency_ms <= limit_ms
    return Score("latency", float(right), "" if right else f"{latency_ms:.0f} ms, allowed are {limit_ms:.0f}")
