"""What a run came to as metric points, so that ``slipway metrics`` finds it by regular expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.data import EvalRun, MetricPoint


def points(run: EvalRun) -> list[MetricPoint]:
    """One point for each figure of the run's summary, at step 0: ``exact``, ``exact/lang=en``, ``latency_ms/p95``, ``cost_usd``,
    ``failed``. None of a held-out run: what a look tells stands in its ledger alone."""
    if run.tier == "held-out" or run.config.get("sealed"):
        return []
    return [
        MetricPoint(run.id, name, float(value), 0, run.ended_ns or run.started_ns, run.project)
        for name, value in _figures(run.summary)
        if value is not None
    ]


def _figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for name, score in summary.get("scores", {}).items():
        yield name, score["estimate"]
    for part, values in summary.get("slices", {}).items():
        for value, scores in values.items():
            for name, score in scores.items():
                if isinstance(score, Mapping):  # not the count of values that were left out
                    yield f"{name}/{part}={value}", score["estimate"]
    for which, found in (summary.get("latency_ms") or {}).items():
        yield f"latency_ms/{which}", found["estimate"]
    cost = summary.get("cost_usd") or {}
    if cost and cost["unknown"] < summary["samples"]:
        yield "cost_usd", cost["total"]
    if summary.get("samples"):
        yield "failed", summary["failed"] + summary["infrastructure_failures"]
