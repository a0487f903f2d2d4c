"""An eval run, its samples, the verdicts drawn from it, and the ledger of looks at sealed suites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.data.score import Score


@dataclass(frozen=True, slots=True)
class EvalRun:
    """One execution of an experiment for one variant.

    ``status``: running, finished, interrupted, failed, capped (cost), timed_out (time budget). ``config`` holds limits,
    scorers with versions, seed and repeats; ``summary`` the scores with intervals once it ended.
    """

    id: str
    experiment: str
    variant_id: str
    variant: str
    dataset_id: str
    started_ns: int
    suite: str = ""
    tier: str = "quick"
    task: str = ""
    project: str = "default"
    environment_id: str | None = None
    status: str = "running"
    ended_ns: int | None = None
    planned: int = 0
    seed: int = 0
    repeats: int = 1
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one example gave in one repeat. ``status``: ok, error, timeout. Failures are kept like successes."""

    run_id: str
    example_id: str
    repeat: int = 0
    status: str = "ok"
    output: Any = None
    error: str | None = None
    scores: tuple[Score, ...] = ()
    latency_ms: float = 0.0
    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 1
    cached: bool = False
    cluster: str | None = None
    slices: Mapping[str, Any] = field(default_factory=dict)
    example_hash: str = ""
    trace_id: str | None = None
    finished_ns: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison of run B against run A concluded on one metric (and one slice, if any)."""

    id: str
    run_a: str
    run_b: str
    metric: str
    verdict: str
    created_ns: int
    slice: str = ""
    project: str = "default"
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a sealed suite: who, when, at which variant, why, and what was told. Number 1 is the first look."""

    suite: str
    number: int
    who: str
    when_ns: int
    variant_id: str
    why: str
    told: Mapping[str, Any] = field(default_factory=dict)
    project: str = "default"
