"""Measure the assistant: how often the call is right, what its confidence is worth, and how long each stage takes.

Start in `measured()`. bench_speech.py does the same with ears in front. Accuracies carry 95 % intervals that count variants of
one sentence (clusters) as one.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from slipway_assistant.data import Utterance
from slipway_assistant.grade import grade
from slipway_assistant.mind import Mind, answer

BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 1.0)
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Asked:
    """One utterance that was asked: whether call and name were right, the confidence, and how long it took."""

    row: Utterance
    call: Mapping[str, Any] | None
    right: bool
    named: bool
    confidence: float
    ms: float

    @property
    def cluster(self) -> str:
        """What it is a variant of."""
        return self.row.cluster or self.row.id


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]" if self.n else "-"


def measured(mind: Mind, rows: Sequence[Utterance], clock: Callable[[], float] = time.perf_counter) -> list[Asked]:
    """Every utterance asked of the mind. The first one is asked twice: loading is no answer."""
    if rows:
        answer(mind, rows[0].text, rows[0].lang)
    return [_asked(mind, row, clock) for row in rows]


def _asked(mind: Mind, row: Utterance, clock: Callable[[], float]) -> Asked:
    began = clock()
    understood = answer(mind, row.text, row.lang)
    ms = (clock() - began) * 1e3
    return Asked(row, understood.call, *graded(row, understood.call), understood.confidence, ms)


def graded(row: Utterance, call: Mapping[str, Any] | None) -> tuple[bool, bool]:
    """Whether the call is right, and whether its function is; a row of two readings may be read either way."""
    readings = [row.call, *(row.extra or {}).get("also", ())]
    name = (call or {}).get("name")
    return grade(row.as_row(), call).right, any((reading or {}).get("name") == name for reading in readings)


def share(right: Sequence[bool], clusters: Sequence[str]) -> Share:
    """Wilson's interval for as many independent sentences as the clusters amount to."""
    n = len(right)
    if not n:
        return Share(math.nan, math.nan, math.nan, 0)
    p = sum(right) / n
    residuals: dict[str, float] = {}
    for ok, cluster in zip(right, clusters, strict=True):
        residuals[cluster] = residuals.get(cluster, 0.0) + ok - p
    variance = sum(value * value for value in residuals.values()) / n**2
    effective = min(float(n), p * (1 - p) / variance) if variance > 0 and 0 < p < 1 else float(len(residuals))
    centre = (p + Z**2 / (2 * effective)) / (1 + Z**2 / effective)
    half = Z / (1 + Z**2 / effective) * math.sqrt(p * (1 - p) / effective + Z**2 / (4 * effective**2))
    return Share(p, max(0.0, centre - half), min(1.0, centre + half), n)


def right_share(asked: Sequence[Asked]) -> Share:
    """How often the call was right."""
    return share([one.right for one in asked], [one.cluster for one in asked])


def table(asked: Sequence[Asked], key: Callable[[Utterance], str]) -> list[dict[str, Any]]:
    """Right calls and right names for each value of `key`, most frequent first."""
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(key(one.row), []).append(one)
    return [
        {
            "of": name,
            "n": len(group),
            "call": right_share(group),
            "name": share([one.named for one in group], [one.cluster for one in group]),
        }
        for name, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def refusals(asked: Sequence[Asked]) -> dict[str, Share]:
    """Of sentences that ask for nothing, how many were left alone; of commands, how many were refused."""
    idle = [one for one in asked if one.row.call is None]
    meant = [one for one in asked if one.row.call is not None]
    return {
        "left alone": share([one.call is None for one in idle], [one.cluster for one in idle]),
        "refused": share([one.call is None for one in meant], [one.cluster for one in meant]),
    }


def reliability(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """When the mind says 0.97, is it? Confidence said and share right, bin by bin."""
    rows = []
    for low, high in pairwise(BINS):
        group = [one for one in asked if low <= one.confidence < high or (high == 1.0 and one.confidence == 1.0)]
        if group:
            said = sum(one.confidence for one in group) / len(group)
            rows.append({"from": low, "to": high, "n": len(group), "said": said, "right": right_share(group)})
    return rows


def calibration_error(asked: Sequence[Asked]) -> float:
    """How far confidence is from the share that is right, bin by bin, weighted."""
    away = [row["n"] * abs(row["said"] - row["right"].value) for row in reliability(asked)]
    return float(sum(away)) / max(len(asked), 1)


def deferred(asked: Sequence[Asked], thresholds: Sequence[float] = THRESHOLDS) -> list[dict[str, Any]]:
    """What would be deferred to somebody slower at each threshold, and how right the rest and the deferred are."""
    rows = []
    for threshold in thresholds:
        kept = [one for one in asked if one.confidence >= threshold]
        left = [one for one in asked if one.confidence < threshold]
        rows.append(
            {
                "below": threshold,
                "deferred": len(left) / max(len(asked), 1),
                "kept right": right_share(kept),
                "deferred right": right_share(left),
            }
        )
    return rows


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed (nearest rank); nan for none."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def times(values: Sequence[float]) -> dict[str, float]:
    """n, median, 95th percentile and longest."""
    return {
        "n": float(len(values)),
        "p50": percentile(values, 0.5),
        "p95": percentile(values, 0.95),
        "max": max(values, default=math.nan),
    }


def memory_mb() -> float:
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
