"""What a run came to: every score with its interval, by slice too; latency, cost, tokens, failures."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipway.data import text
from slipway.evals.columns import OK, TASK_FAILED, WORLD_FAILED, Columns

if TYPE_CHECKING:
    import numpy as np

MAX_SLICE_VALUES = 100


def summarise(columns: Columns, *, planned: int = 0, slices: tuple[str, ...] = ()) -> dict[str, Any]:
    """The summary as JSON types, kept in `EvalRun.summary`.

    Intervals are at 95 %, clustered by example when there are repeats and by cluster when examples have one. ``scores`` holds
    {estimate, low, high, n, examples, n_clusters, method, better} for each score: n values of that many examples;
    ``slices`` the same for each value of each slice.
    With repeats ``noise`` holds how far two runs of the same variant fall apart by chance.
    Samples whose task failed count as 0 in 0..1 scores; samples lost to the infrastructure count in none.
    """
    import numpy as np

    status = np.frombuffer(columns.status, dtype=np.int8) if len(columns) else np.zeros(0, dtype=np.int8)
    summary: dict[str, Any] = {
        "samples": len(columns),
        "planned": planned,
        "examples": len(set(columns.example_ids)),
        "ok": int((status == OK).sum()),
        "failed": int((status == TASK_FAILED).sum()),
        "timeouts": columns.timeouts,
        "infrastructure_failures": int((status == WORLD_FAILED).sum()),
        "cached": columns.cached,
        "metric": columns.main,
        "scores": _scores(columns, None),
        "slices": _slices(columns, slices),
        "tokens": {"input": columns.input_tokens, "output": columns.output_tokens},
    }
    if columns.groups is not None:
        summary["scores"] |= _scores(columns.groups, None)
    if failures := _scorer_failures(columns):
        summary["scorer_failures"] = failures
    summary["latency_ms"] = latency(columns.latency_ms, status)
    summary["cost_usd"] = _cost(columns)
    if columns.repeated:
        summary["noise"] = _noise(columns)
    return summary


def _scorer_failures(columns: Columns) -> dict[str, Any]:
    """How often each scorer raised, of the samples that it was given, and what it said first."""
    made = {}
    for part in (columns, columns.groups):
        for name, (count, said) in () if part is None else part.scorer_failures.items():
            given = sum(status == OK for status in part.status)  # type: ignore[union-attr]
            made[name] = {"failed": count, "of": given, "first": said.removeprefix("the scorer failed: ")}
    return made


def _scores(columns: Columns, mask: np.ndarray | None) -> dict[str, Any]:
    import numpy as np

    import slipway.evals.stats as stats

    units = columns.units()
    labels = None if units is None else np.asarray(units, dtype=object)
    identities = np.asarray(columns.example_ids, dtype=object) if columns.repeated else None
    made = {}
    for name, metric in columns.metrics.items():
        values = np.frombuffer(metric.values, dtype=float)
        use = ~np.isnan(values) if mask is None else ~np.isnan(values) & mask
        if not use.any():
            made[name] = _nothing(metric.better)
            continue
        clusters = None if labels is None else labels[use]
        interval = stats.interval(values[use], clusters=clusters)
        examples = interval.n if identities is None else len(set(identities[use]))
        made[name] = {**interval.to_dict(), "examples": examples, "better": metric.better}
    return made


def _noise(columns: Columns) -> dict[str, Any]:
    """How far apart two runs of the same variant fall by chance (A/A), for each score: see `stats.noise_floor`."""
    import slipway.evals.stats as stats

    made = {}
    for name, metric in columns.metrics.items():
        by_example: dict[str, list[float]] = {}
        for identity, value in zip(columns.example_ids, metric.values, strict=True):
            if value == value:
                by_example.setdefault(identity, []).append(value)
        repeated = [values for values in by_example.values() if len(values) > 1]
        if len(repeated) > 1:
            made[name] = stats.noise_floor(repeated).to_dict()
    return made


def _nothing(better: str) -> dict[str, Any]:
    return {
        "estimate": None,
        "low": None,
        "high": None,
        "n": 0,
        "examples": 0,
        "n_clusters": 0,
        "method": "no values",
        "confidence": 0.95,
        "better": better,
    }


def _slices(columns: Columns, names: tuple[str, ...]) -> dict[str, Any]:
    import numpy as np

    made: dict[str, Any] = {}
    for name in names:
        column = [_label(value) for value in columns.slices.get(name, ())]
        found: dict[str, int] = {}
        for value in column:
            found[value] = found.get(value, 0) + 1
        kept = sorted(found, key=lambda value: (-found[value], value))[:MAX_SLICE_VALUES]
        codes = np.asarray(column, dtype=object)
        made[name] = {value: _scores(columns, codes == value) for value in sorted(kept)}
        if len(found) > len(kept):
            made[name]["..."] = {"left_out": len(found) - len(kept)}
    return made


def _label(value: Any) -> str:
    return "(none)" if value is None else str(value)


def latency(latency_ms: array[float], status: np.ndarray | None = None) -> dict[str, Any]:
    """p50 and p95 with intervals, over the samples that were not lost to the infrastructure."""
    import numpy as np

    import slipway.evals.stats as stats

    values = np.frombuffer(latency_ms, dtype=float) if len(latency_ms) else np.zeros(0)
    values = values if status is None else values[status != WORLD_FAILED]
    if not len(values):
        return {}
    return {"p50": stats.percentile(values, 0.5).to_dict(), "p95": stats.percentile(values, 0.95).to_dict()}


def cost_interval(costs: Any) -> dict[str, Any]:
    """The mean cost with its interval, in US dollars."""
    import numpy as np

    import slipway.evals.stats as stats

    # In millionths: a mean between 0 and 1 would be taken for a share of right answers when all costs are the same.
    found = stats.interval(np.asarray(costs, dtype=float) * 1e6).to_dict()
    return found | {end: found[end] and found[end] / 1e6 for end in ("estimate", "low", "high")}


def _cost(columns: Columns) -> dict[str, Any]:
    import numpy as np

    values = np.frombuffer(columns.cost_usd, dtype=float) if len(columns) else np.zeros(0)
    known = values[~np.isnan(values)]
    made: dict[str, Any] = {
        "total": float(known.sum()),
        "paid": columns.paid_usd,  # without what was recorded before and taken over
        "unknown": int(len(values) - len(known)),
    }
    if len(known):
        made["per_sample"] = cost_interval(known)
    return made


def score_line(score: Mapping[str, Any]) -> str:
    """``0.790 [0.731, 0.839] (200 examples)``: a number with its doubt and what it rests on."""
    if score.get("estimate") is None:
        return "no value"
    return f"{figures(score)} ({size_line(score)})"


def figures(score: Mapping[str, Any]) -> str:
    """``0.790 [0.731, 0.839]``."""
    return text.score(score.get("estimate"), score.get("low"), score.get("high"))


def size_line(score: Mapping[str, Any], *, short: bool = False) -> str:
    """``82 examples x 3, 12 clusters``: what an interval rests on; ``short``: ``82 x 3``."""
    values = int(score.get("n", 0))
    examples = int(score.get("examples") or values)
    said = f"{examples:,}" if short else f"{examples:,} example{'' if examples == 1 else 's'}"
    if values != examples:
        said += f" x {values // examples}" if not values % examples else f", {values:,} answers"
    clusters = score.get("n_clusters") or examples
    return said if short or clusters >= examples else f"{said}, {clusters:,} clusters"


def taken_over(summary: Mapping[str, Any]) -> str:
    """``82 of 82 taken over``: how many samples have an answer that was recorded before; "" when none has."""
    cached = summary.get("cached")
    return f"{cached:,} of {summary.get('samples', 0):,} taken over" if cached else ""
