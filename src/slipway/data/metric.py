"""A point of a metric: one value of one name at one step of one run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """``value`` is a finite or infinite float or NaN; ``step`` >= 0; ``time_ns`` Unix time."""

    run_id: str
    name: str
    value: float
    step: int = 0
    time_ns: int = 0
    project: str = "default"


@dataclass(frozen=True, slots=True)
class Drop:
    """Something that was not kept, and how many of it. Counts of one (process, where, reason) are the largest reported."""

    process: str
    where: str
    reason: str
    count: int
    time_ns: int
    project: str = "default"
