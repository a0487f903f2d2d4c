"""One eval run: begin or go on with it, take over what is known, run the rest, sum it up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slipway.data import EvalRun, Sample, Variant, new_id, plain
from slipway.errors import SlipwayError
from slipway.evals.aggregate import score_groups
from slipway.evals.attempt import Bench
from slipway.evals.client import Line, Meter
from slipway.evals.columns import read
from slipway.evals.engine import Ended, Engine, random_order
from slipway.evals.experiment import Experiment
from slipway.evals.facts import run_config
from slipway.evals.limits import Deadline, Purse
from slipway.evals.metrics import points
from slipway.evals.models import ModelSource
from slipway.evals.process import this_process
from slipway.evals.progress import Progress
from slipway.evals.resume import Finished, find_interrupted, finished_samples, named_run, reusable_runs
from slipway.evals.reuse import take_over
from slipway.evals.sealing import SealedRun
from slipway.evals.summary import summarise
from slipway.evals.threads import Threads
from slipway.store.protocol import Store


@dataclass(frozen=True)
class Kit:
    """What an execution works with. ``resume`` names the run to go on with; ``fresh`` takes nothing over; ``extra`` is added to
    the run's config."""

    store: Store
    models: ModelSource
    purse: Purse
    progress: Progress
    environment_id: str | None = None
    resume: str | None = None
    fresh: bool = False
    traced: bool = True
    why: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    clock_ns: Callable[[], int] = time.time_ns


async def execute(experiment: Experiment, variant: Variant, kit: Kit) -> EvalRun:
    """Run one variant to its end and return the finished record. Raises what ends a run early; what ran is kept."""
    model = kit.models.for_variant(variant)
    recipe = experiment.recipe(variant, model.name if model else "")
    sealed = SealedRun.of(experiment, variant, recipe, kit.store, kit.why)
    finished = Finished(experiment.examples, experiment.repeats)
    run = _open(experiment, variant, recipe, finished, kit)
    if sealed is not None and sealed.told is not None:
        return _close(run, Ended(), sealed.summary(), None, kit)
    kit.progress.begin(f"{experiment.name} {variant.name}", experiment.planned, finished.count)
    line = kit.models.line(kit.store, model, kit.purse, experiment, fresh=kit.fresh)
    meter = Meter()
    ended = Ended("failed")
    try:
        judge = kit.models.judge_client(kit.store, kit.purse, experiment, meter, fresh=kit.fresh)
        if not kit.fresh and sealed is None:
            reuse = reusable_runs(kit.store, experiment, variant, recipe)
            await take_over(
                experiment, run, kit.store, reuse, finished, judge, seen=kit.progress.seen, clock_ns=kit.clock_ns
            )
        bench = _bench(experiment, variant, run, kit, line, judge)
        todo = finished.left(random_order(len(experiment.examples), experiment.repeats, experiment.seed))
        engine = Engine(
            bench,
            experiment.examples,
            todo,
            store=kit.store,
            purse=kit.purse,
            seen=kit.progress.seen,
            record=_as_it_is if sealed is None else sealed.record,
        )
        ended = await engine.run()
        await score_groups(kit.store, run, experiment, judge)
    except (asyncio.CancelledError, KeyboardInterrupt):
        ended = Ended("interrupted", reason="stopped by hand")
        raise
    except SlipwayError as error:
        ended = Ended("failed", reason=str(error))
        raise
    finally:
        summary = _sealed_summary(experiment, ended, sealed) if sealed else _summary(run, experiment, ended, kit)
        run = _close(run, ended, {**summary, "session": _session(ended, line, meter)}, line, kit)
        kit.progress.end(run.status)
    return run


def _as_it_is(sample: Sample) -> Sample | None:
    return sample


def _open(experiment: Experiment, variant: Variant, recipe: str, finished: Finished, kit: Kit) -> EvalRun:
    """The run to go on with, what it has marked in ``finished``; or a new one. On disk when this returns."""
    store = kit.store
    run = None
    if kit.resume is not None:
        run = named_run(store, kit.resume, experiment, variant, recipe)
    elif not kit.fresh and not experiment.sealed:  # of a sealed run nothing is kept to go on from
        run = find_interrupted(store, experiment, variant, recipe)
    if run is not None:
        finished_samples(store, run.id, finished)
        run = replace(run, status="running", config={**run.config, "process": this_process()})
        store.write([run])
        return run
    model = kit.models.for_variant(variant)
    suite = experiment.suite
    config = run_config(experiment, variant, recipe=recipe, models=kit.models.facts(model), process=this_process())
    run = EvalRun(
        id=new_id(),
        experiment=experiment.name,
        variant_id=variant.id,
        variant=variant.name,
        dataset_id=experiment.version.id,
        started_ns=kit.clock_ns(),
        suite=suite.name if suite else "",
        tier=suite.tier if suite else "quick",
        task=experiment.task.name,
        project=experiment.project,
        environment_id=kit.environment_id,
        planned=experiment.planned,
        seed=experiment.seed,
        repeats=experiment.repeats,
        config={**config, **kit.extra},
    )
    store.write([variant, run])
    return run


def _bench(experiment: Experiment, variant: Variant, run: EvalRun, kit: Kit, line: Line | None, judge: Any) -> Bench:
    return Bench(
        run=run,
        task=experiment.task,
        variant=variant,
        scorers=experiment.scorers,
        limit=experiment.limit,
        threads=Threads(experiment.limit.concurrency),
        deadline=Deadline(experiment.limit.seconds),
        line=line,
        judge=judge,
        slices=experiment.slices,
        sealed=experiment.sealed,
        traced=kit.traced,
        clock_ns=kit.clock_ns,
    )


def _summary(run: EvalRun, experiment: Experiment, ended: Ended, kit: Kit) -> dict[str, Any]:
    columns = read(kit.store, run.id)
    summary = summarise(columns, planned=experiment.planned, slices=experiment.slices)
    from slipway.evals.objectives import assess, objectives_set

    if objectives_set(experiment.objectives) and len(columns):
        model = str(run.config.get("model_name", ""))
        summary["objectives"] = assess(experiment.objectives, summary, columns, model=model).to_dict()
    summary |= {"cut_off": ended.cut_off, "reason": ended.reason}
    if ended.status == "finished" and summary["samples"] and not summary["ok"]:
        ended.status, summary["reason"] = "failed", "every sample failed"
    return summary


def _sealed_summary(experiment: Experiment, ended: Ended, sealed: SealedRun) -> dict[str, Any]:
    summary = {"planned": experiment.planned, "cut_off": ended.cut_off, "reason": ended.reason}
    if ended.status == "finished" and sealed.lost:
        ended.status = "failed"
        summary["reason"] = f"{sealed.lost} samples were lost to model or infrastructure failures; no look was taken"
    if ended.status != "finished":
        return {**summary, "samples": 0}
    return {**summary, **sealed.summary()}


def _session(ended: Ended, line: Line | None, judge: Meter) -> dict[str, Any]:
    """What the last execution did itself: a resumed run has the calls of its last part here."""
    made = {
        "samples": ended.samples,
        "judge_calls": judge.calls,
        "judge_recalled": judge.recalled,
        "judge_cost_usd": judge.cost_usd,
    }
    if line is not None:
        made |= {"calls": line.seen.calls, "recalled": line.seen.recalled}
    return made


def _close(run: EvalRun, ended: Ended, summary: dict[str, Any], line: Line | None, kit: Kit) -> EvalRun:
    for name in ("prompts", "models"):
        now = set(getattr(line.seen, name)) if line is not None else set()
        before = run.summary.get(f"{name}_seen" if name == "models" else name, ())
        summary["models_seen" if name == "models" else name] = sorted({*before, *now})
    run = replace(run, status=ended.status, ended_ns=kit.clock_ns(), summary=plain(summary))
    kit.store.write([run, *points(run)])
    return run
