"""Views: answers that several groups of routes share. Ids are hex text, times Unix nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from slipway.data import DatasetVersion, EvalRun
from slipway.errors import NotFound, SealedError

if TYPE_CHECKING:
    from slipway.server.routing import Call

S = TypeVar("S", bound=msgspec.Struct)


class TraceShown(msgspec.Struct):
    """A trace in a list. ``name``, ``input`` and ``output`` (previews) are those of its root; while no root has come ``rooted``
    is false and the name is that of the earliest span. Tokens and ``cost_usd`` are summed over model calls; ``unknown_cost``
    counts the calls whose cost is not known, and ``cost_usd`` is null when that is all of them."""

    trace_id: str
    name: str
    started_ns: int
    ended_ns: int
    duration_ns: int
    spans: int
    errors: int
    rooted: bool
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    unknown_cost: int
    models: list[str]
    session_id: str | None
    user_id: str | None
    run_id: str | None
    input: str | None
    output: str | None


class TraceList(msgspec.Struct):
    """Traces, those that started last first. ``complete`` is false where the time for one page was over before it was full:
    there may be more, and ``next`` finds it. ``behind`` stored spans cannot be found yet: 0, unless more comes in than can be
    searched at once."""

    traces: list[TraceShown]
    next: str | None
    complete: bool
    behind: int


class RunShown(msgspec.Struct):
    """An eval run. ``scores`` has each score's estimate with its interval, ``metric`` names the one that counts. Of a
    held-out run there are no scores: ``says`` is what its look told."""

    id: str
    experiment: str
    suite: str
    tier: str
    task: str
    variant: str
    variant_id: str
    dataset_id: str
    environment_id: str | None
    status: str
    started_ns: int
    ended_ns: int | None
    planned: int
    samples: int
    failed: int
    repeats: int
    seed: int
    metric: str
    scores: Mapping[str, Any]
    cost_usd: float | None
    says: str


class DatasetShown(msgspec.Struct):
    """A dataset version: frozen, addressed by its content. The rows of a ``sealed`` one are never shown."""

    id: str
    name: str
    size: int
    created_ns: int
    source: str
    parent_id: str | None
    slices: list[str]
    sealed: bool


class FeedbackShown(msgspec.Struct):
    """What somebody said about a trace, or about one span of it."""

    id: str
    trace_id: str
    span_id: str | None
    name: str
    kind: str
    value: Any
    who: str
    comment: str
    created_ns: int


def shown(record: Any, kind: type[S]) -> S:
    """The fields of ``record`` that ``kind`` has."""
    found = {}
    for field in msgspec.structs.fields(kind):
        value = getattr(record, field.name)
        found[field.name] = list(value) if isinstance(value, tuple) else value
    return kind(**found)


def held_out(run: EvalRun) -> bool:
    """Whether the run is a look at a held-out suite."""
    return run.tier == "held-out" or bool(run.config.get("sealed"))


def shown_run(run: EvalRun) -> RunShown:
    """The run, as interrupted when nobody runs it any more."""
    from slipway.evals.process import as_it_is

    run = as_it_is(run)
    summary = run.summary
    secret = held_out(run)
    cost = summary.get("cost_usd") or {}
    known = bool(cost) and not secret and cost.get("unknown", 0) < summary.get("samples", 0)
    return RunShown(
        id=run.id,
        experiment=run.experiment,
        suite=run.suite,
        tier=run.tier,
        task=run.task,
        variant=run.variant,
        variant_id=run.variant_id,
        dataset_id=run.dataset_id,
        environment_id=run.environment_id,
        status=run.status,
        started_ns=run.started_ns,
        ended_ns=run.ended_ns,
        planned=run.planned,
        samples=int(summary.get("samples", 0)),
        failed=0 if secret else int(summary.get("failed", 0)) + int(summary.get("infrastructure_failures", 0)),
        repeats=run.repeats,
        seed=run.seed,
        metric=str(run.config.get("gate", {}).get("metric") or summary.get("metric", "")),
        scores={} if secret else summary.get("scores", {}),
        cost_usd=cost["total"] if known else None,
        says=str(summary.get("says", "")),
    )


def run_of(call: Call, run_id: str) -> EvalRun:
    """The run of this project. Raises `NotFound`."""
    found = call.state.store.get(EvalRun, run_id)
    if found is None or found.project != call.project:
        raise NotFound(f"no eval run {run_id!r:.80}", mend="GET /api/v1/runs lists them")
    return found


def open_run(call: Call, run_id: str) -> EvalRun:
    """The run, whose samples may be shown. Raises `NotFound`, `SealedError` for a look at a held-out suite."""
    found = run_of(call, run_id)
    if held_out(found) or call.state.store.count(DatasetVersion, {"id": found.dataset_id, "sealed": True}):
        raise SealedError(
            f"run {run_id:.12} looked at a held-out suite: its samples are never shown", mend="GET the run"
        )
    return found


def dataset_of(call: Call, dataset_id: str) -> DatasetVersion:
    """The dataset version of this project. Raises `NotFound`."""
    found = call.state.store.get(DatasetVersion, dataset_id, call.project)
    if found is None:
        raise NotFound(f"no dataset version {dataset_id!r:.80}", mend="GET /api/v1/datasets lists them")
    return found


def open_dataset(call: Call, dataset_id: str) -> DatasetVersion:
    """The version, whose rows may be shown. Raises `NotFound`, `SealedError`."""
    found = dataset_of(call, dataset_id)
    if found.sealed:
        raise SealedError(f"dataset {found.name!r:.80} is sealed: its rows are never shown", mend="use another suite")
    return found


def rows_of(call: Call, version: DatasetVersion) -> Sequence[bytes]:
    """The version's rows as JSON texts, verified."""
    return [line for line in call.state.store.get_blob(version.rows_blob).split(b"\n") if line]
