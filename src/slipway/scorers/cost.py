"""cost: what the model calls of one example cost."""

from __future__ import annotations

from slipway.data import Score
from slipway.registry import register


@register("scorer", "cost")
def cost(cost_usd: float | None, *, limit_usd: float | None = None) -> Score:
    """US dollars for one example (lower is better); with ``limit_usd``, 1 within it and 0 beyond.

    None when a price is unknown: unknown is not free.
    """
    if cost_usd is None:
        return Score("cost", None, "no price is known", better="lower" if limit_usd is None else "higher")
    if limit_usd is None:
        return Score("cost", float(cost_usd), better="lower")
    right = cost_usd <= limit_usd
    return Score("cost", float(right), "" if right else f"{cost_usd:.6f} USD, allowed are {limit_usd:.6f}")
