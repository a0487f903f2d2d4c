"""Runs: eval runs, their samples, the verdict on two of them, and the journey through all variants.

Of a look at a held-out suite nothing is shown but what the look told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from slipway.data import EvalRun, Sample, Score, Variant
from slipway.errors import NotFound, NothingRan
from slipway.server.pages import Cursor, Limit, Name, cursor_at, place_of, records
from slipway.server.routing import Call, route
from slipway.server.views import RunShown, held_out, open_run, run_of, shown, shown_run

SEARCHED = 20_000  # samples looked through for one page
WRONG_BELOW = 0.5
FIELDS = ("position", *Sample.__dataclass_fields__)


class RunQuery(msgspec.Struct):
    """Which runs, newest first."""

    suite: Annotated[Name, Meta(description="Only runs of this suite.")] = ""
    experiment: Annotated[Name, Meta(description="Only runs of this experiment.")] = ""
    variant: Annotated[Name, Meta(description="Only runs of the variant of this name.")] = ""
    dataset: Annotated[Name, Meta(description="Only runs on this dataset version.")] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class RunList(msgspec.Struct):
    """Eval runs, newest first."""

    runs: list[RunShown]
    next: str | None


class VariantShown(msgspec.Struct):
    """The frozen configuration that ran. ``parent`` is the name of the variant it was made from."""

    id: str
    name: str
    parent: str | None
    note: str
    task: str
    config: Mapping[str, Any]


class RunDetail(msgspec.Struct):
    """A run with what it was made of and what it came to: scores by slice, latency, cost, failures."""

    run: RunShown
    variant: VariantShown | None
    config: Mapping[str, Any]
    summary: Mapping[str, Any]


class SampleQuery(msgspec.Struct):
    """Which samples, in the order in which they were stored."""

    failures_first: Annotated[
        bool, Meta(description="First what failed or scored below 0.5 on the score that counts, then the rest.")
    ] = False
    limit: Limit = 50
    cursor: Cursor = ""


class SampleShown(msgspec.Struct):
    """What one example gave in one repeat. ``failed``: it has no answer, or a wrong one."""

    example_id: str
    repeat: int
    status: str
    failed: bool
    output: Any
    error: str | None
    scores: Sequence[Score]
    latency_ms: float
    cost_usd: float | None
    input_tokens: int
    output_tokens: int
    attempts: int
    cached: bool
    slices: Mapping[str, Any]
    trace_id: str | None
    finished_ns: int


class SamplePage(msgspec.Struct):
    """Samples. ``complete`` is false where the page ended before it was full: there may be more, and ``next`` finds it."""

    samples: list[SampleShown]
    next: str | None
    complete: bool


class CompareQuery(msgspec.Struct):
    """Which two runs, and how."""

    a: Annotated[Name, Meta(min_length=1, description="The run to compare with, by its whole id.")]
    b: Annotated[Name, Meta(min_length=1, description="The run that is judged, by its whole id.")]
    metric: Annotated[
        tuple[Name, ...], Meta(max_length=20, description="The score; several are corrected for their number (Holm).")
    ] = ()
    by: Annotated[Name, Meta(description="Also for each value of this slice.")] = ""
    margin: Annotated[
        Annotated[float, Meta(gt=0, le=1e9)] | None, Meta(description="How much worse is still not worse.")
    ] = None
    confidence: Annotated[float, Meta(ge=0.5, le=0.999, description="Of intervals.")] = 0.95
    sequential: Annotated[bool, Meta(description="B still runs: the verdict holds however often one looks.")] = False


class JourneyQuery(msgspec.Struct):
    """Which journey."""

    suite: Annotated[Name, Meta(description="Only runs of this suite.")] = ""
    experiment: Annotated[Name, Meta(description="Which, where there are several; the one with most variants.")] = ""
    metric: Annotated[Name, Meta(description="The score to compare by; the suite's.")] = ""


class Journeyed(msgspec.Struct):
    """Every variant that was tried, parents first, as `slipway journey --json` says it: what changed, its score with the
    interval, the verdict against its parent. ``best`` has the best estimate, and is not thereby shown to be better."""

    experiment: str
    project: str
    metric: str
    dataset: str
    best: str
    variants: list[Mapping[str, Any]]


@route("GET", "/api/v1/runs", needs="viewer")
def list_runs(call: Call, query: RunQuery) -> RunList:
    """Eval runs of the project."""
    asked = {"suite": query.suite, "experiment": query.experiment, "variant": query.variant}
    where = {"project": call.project, **{k: v for k, v in asked.items() if v}}
    if query.dataset:
        where["dataset_id"] = query.dataset
    found, more = records(call.state.store, EvalRun, where, cursor=query.cursor, limit=query.limit)
    return RunList([shown_run(run) for run in found], more)


@route("GET", "/api/v1/runs/{run_id}", needs="viewer")
def get_run(call: Call, run_id: str) -> RunDetail:
    """One run."""
    run = run_of(call, run_id)
    variant = call.state.store.get(Variant, run.variant_id)
    summary = run.summary
    if held_out(run):
        summary = {key: summary[key] for key in ("samples", "metric", "look", "says", "latency_ms") if key in summary}
    return RunDetail(
        shown_run(run),
        shown(variant, VariantShown) if variant is not None and variant.project == call.project else None,
        {key: value for key, value in run.config.items() if key != "process"},  # names machines
        summary,
    )


@route("GET", "/api/v1/runs/{run_id}/samples", needs="viewer")
def list_samples(call: Call, run_id: str, query: SampleQuery) -> SamplePage:
    """The samples of a run. 403 for a look at a held-out suite."""
    run = open_run(call, run_id)
    if not query.failures_first:
        found, after, complete = _search(call, run, place_of(query.cursor), query.limit, None)
        return SamplePage(found, None if after is None else cursor_at(after), complete)
    return _failures_first(call, run, query)


def _failures_first(call: Call, run: EvalRun, query: SampleQuery) -> SamplePage:
    # Two passes over the rows, in pages: "f" finds what failed, "r" the rest.
    failing = not _is_phase(query.cursor, "r")
    at = place_of(query.cursor, "f" if failing else "r")
    found, after, complete = _search(call, run, at, query.limit, failing)
    if after is not None:
        return SamplePage(found, cursor_at(after, "f" if failing else "r"), complete)
    if not failing:
        return SamplePage(found, None, True)
    # What failed is all told: the rest begins on this page.
    rest, after, complete = _search(call, run, None, query.limit - len(found), False)
    return SamplePage(found + rest, None if after is None else cursor_at(after, "r"), complete)


def _is_phase(cursor: str, phase: str) -> bool:
    return cursor.startswith({"f": "Z", "r": "c"}[phase])  # base64 of the letter


def _search(
    call: Call, run: EvalRun, at: int | None, limit: int, failing: bool | None
) -> tuple[list[SampleShown], int | None, bool]:
    """(samples, place to go on behind, whether the page is full or the last). ``failing`` None: of both kinds."""
    found: list[SampleShown] = []
    metric = shown_run(run).metric
    rows = call.state.store.columns(Sample, FIELDS, {"run_id": run.id}, after=at)
    for searched, (position, *row) in enumerate(rows):
        sample = Sample(*row)
        if len(found) == limit:
            return found, at or 0, True
        if searched == SEARCHED:
            return found, at, False
        at = position
        failed = is_failed(sample, metric)
        if failing is None or failed == failing:
            found.append(_sample(sample, failed))
    return found, None, True


def is_failed(sample: Sample, metric: str) -> bool:
    """Whether the sample has no answer, or a wrong one by the score that counts."""
    return sample.status != "ok" or any(
        score.name == metric and score.better == "higher" and score.value is not None and score.value < WRONG_BELOW
        for score in sample.scores
    )


def _sample(sample: Sample, failed: bool) -> SampleShown:
    names = [field.name for field in msgspec.structs.fields(SampleShown) if field.name != "failed"]
    return SampleShown(failed=failed, **{name: getattr(sample, name) for name in names})


@route("GET", "/api/v1/compare", needs="viewer")
def compare(call: Call, query: CompareQuery) -> dict[str, Any]:
    """The verdict on run B against run A, example by example: the object that `slipway compare --json` prints, with the same
    numbers. Nothing is recorded. 403 for a look at a held-out suite."""
    from slipway.evals.compare import compare as judge
    from slipway.evals.results import Run

    store = call.state.store
    first, second = (Run(open_run(call, one), store) for one in (query.a, query.b))
    verdict = judge(
        first,
        second,
        metric=list(query.metric) or None,
        by=query.by or None,
        margin=query.margin,
        confidence=query.confidence,
        sequential=query.sequential,
        record=False,
    )
    return verdict.to_dict()


@route("GET", "/api/v1/journey", needs="viewer")
def journey(call: Call, query: JourneyQuery) -> Journeyed:
    """The journey of an experiment: every variant, failures included."""
    from slipway.evals.journey import journey as travel

    try:
        found = travel(
            call.state.store,
            project=call.project,
            suite=query.suite or None,
            experiment=query.experiment or None,
            metric=query.metric or None,
        )
    except NothingRan as nothing:
        raise NotFound(Exception.__str__(nothing), mend=nothing.mend) from None
    return Journeyed(**found.to_dict())
