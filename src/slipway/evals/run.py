"""`evaluate`: run an experiment, one eval run for each variant, and get `Runs`.

The way through: experiment.py settles what is to run, resume.py what of it is done already, engine.py runs the rest,
attempt.py is one sample, summary.py what it came to.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from slipway import config as settings
from slipway.data import DatasetVersion
from slipway.errors import UsageError
from slipway.evals.execute import Kit, execute
from slipway.evals.experiment import Experiment, check_parents, check_slices, settle_variants
from slipway.evals.limits import Limit, Purse
from slipway.evals.models import ModelSource
from slipway.evals.progress import choose
from slipway.evals.rerun import confirm_failures
from slipway.evals.results import Run, Runs
from slipway.evals.sealing import check_budget
from slipway.evals.spans import record_environment, tracing
from slipway.evals.suites import Suite, find_suite
from slipway.evals.task import Task, as_task
from slipway.scorers import resolve_all
from slipway.store.protocol import Store

EVALUATING = "slipway-evaluate"
"""The name of the task to cancel for an evaluation to stop and keep what ran."""


def evaluate(
    task: Any = None,
    data: Any = None,
    *,
    scorers: Sequence[Any] | None = None,
    variants: Any = None,
    suite: str | Suite | None = None,
    limit: Limit | None = None,
    repeats: int | None = None,
    seed: int = 0,
    store: Any = None,
    model: Any = None,
    judge: Any = None,
    project: str | None = None,
    name: str | None = None,
    resume: str | None = None,
    fresh: bool = False,
    trace: bool | None = None,
    why: str = "",
    progress: Any = None,
    dry_run: bool = False,
    config: settings.Config | None = None,
) -> Any:
    """Run ``task`` over ``data`` for every variant and score each output. Returns `Runs`, by variant name.

    ``task`` is a function of (example) or (example, ctx), ``data`` a dataset, a path or a list of rows, ``scorers`` names or
    functions, ``variants`` names in ``slipway.toml``, mappings or `Variant` objects; a ``suite`` brings what is left out.
    ``limit`` holds each run to time and concurrency, and the whole call to ``usd``. ``model`` answers ``ctx.model``,
    ``judge`` scorers that need a model (``model`` by default).

    Each sample is on disk when it is counted. The same call again goes on with a run that was stopped, and takes over what
    an earlier run computed with the same task code, variant, model and seed (``fresh=True`` computes everything).
    Samples are traced when `slipway.init` was called; ``trace=True`` traces them in any case, False never.
    ``dry_run=True`` runs nothing and returns an `Estimate`. ``why`` is written into the ledger of a held-out suite.

    Raises `NothingRan` without examples, `UsageError` and its kin for what makes no sense, `InfrastructureError` when the
    store or all that every example needs fails. What ran before an error or Ctrl-C is kept.
    """
    config = _configured(config, project)
    opened = _open(store, config)
    run: dict[str, Any] = {"scorers": scorers, "variants": variants, "suite": suite, "limit": limit, "repeats": repeats}
    experiment = settle(task, data, seed=seed, name=name, store=opened, config=config, **run)
    models = ModelSource(model, judge, config)
    if dry_run:
        from slipway.evals.estimate import estimate

        return _finish(estimate(experiment, opened, models=models, fresh=fresh))
    models.check(experiment.scorers)
    if resume is not None and len(experiment.variants) > 1:
        raise UsageError("resume names one run, and there are several variants", mend="name its variant too")
    check_budget(experiment, models, opened)
    purse, shown = Purse(experiment.limit.usd), choose(progress)
    kit = Kit(opened, models, purse, shown, resume=resume, fresh=fresh, traced=trace is not False, why=why)
    with tracing(opened, config) if trace else nullcontext():
        return _finish(_every_variant(experiment, kit, config))


async def _every_variant(experiment: Experiment, kit: Kit, config: settings.Config) -> Runs:
    kit = replace(kit, environment_id=record_environment(kit.store, config))
    runs = {}
    for variant in experiment.variants:
        run = await execute(experiment, variant, kit)
        await confirm_failures(experiment, variant, run, kit)
        runs[variant.name] = Run(run, kit.store)
    return Runs(runs)


def settle(
    task: Any,
    data: Any,
    *,
    store: Store,
    config: settings.Config,
    scorers: Sequence[Any] | None = None,
    variants: Any = None,
    suite: str | Suite | None = None,
    limit: Limit | None = None,
    repeats: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Experiment:
    """The experiment that arguments, suite and settings make together; arguments win. Keeps the dataset's version."""
    chosen = find_suite(suite, config)
    if task is None and chosen is not None and chosen.task:
        task = chosen.task
    if task is None:
        raise UsageError("there is no task to evaluate", mend="pass a function, or set task in the suite")
    made = as_task(task)
    examples, version, slices = _data(data, chosen, store, config)
    if scorers is None:
        scorers = chosen.scorers if chosen else ("exact",)
    scorers = [scorers] if isinstance(scorers, str) else list(scorers)
    if not scorers:
        raise UsageError(
            "there is no scorer: nothing would be measured", mend="leave scorers out for exact, or name one"
        )
    if limit is None:
        limit = chosen.limit if chosen else Limit.of(config.limit)
    chosen_variants = settle_variants(variants, task=made, config=config)
    check_parents(chosen_variants, config=config, store=store)
    return Experiment(
        name=name or (f"{chosen.name}/{made.name}" if chosen else made.name),
        task=made,
        examples=examples,
        version=version,
        scorers=tuple(resolve_all(scorers)),
        variants=chosen_variants,
        limit=limit,
        suite=chosen,
        slices=slices,
        repeats=repeats if repeats is not None else (chosen.repeats if chosen else 1),
        seed=seed,
        project=config.project,
        objectives=chosen.objectives if chosen else config.objectives,
        given_scorers=tuple(scorers),
        root=config.root,
    )


def _data(
    data: Any, suite: Suite | None, store: Store, config: settings.Config
) -> tuple[Sequence[Any], DatasetVersion, tuple[str, ...]]:
    from slipway.evals.datasets import Dataset, dataset

    if data is None and suite is None:
        raise UsageError("there is no data to evaluate on", mend="pass data=, or suite= with a dataset")
    if suite is not None and suite.sealed:
        return _sealed_rows(data, suite, store)
    if data is None and suite is not None:
        loaded = suite.load(store)
    elif isinstance(data, Dataset):
        loaded = data
    else:
        loaded = dataset(data, slices=suite.slices if suite else ())
    slices = tuple(dict.fromkeys([*loaded.slices, *(suite.slices if suite else ())]))
    check_slices(slices, loaded.examples)
    from slipway.evals.sealed_rows import refuse_sealed_rows

    refuse_sealed_rows(store, loaded.examples)
    version = loaded.save(store, project=config.project)
    # The rows as text were needed for the version and its blob; of 100,000 they are a tenth of the run's memory.
    vars(loaded).pop("lines", None)
    return loaded.examples, version, slices


def _sealed_rows(data: Any, suite: Suite, store: Store) -> tuple[Sequence[Any], DatasetVersion, tuple[str, ...]]:
    if data is not None:
        raise UsageError(f"suite {suite.name!r} is held out and brings its own rows", mend="leave data out")
    from slipway.evals.sealed import find_sealed, unseal_rows

    sealed = find_sealed(store, suite.name)
    return unseal_rows(store, sealed), sealed.version, ()


def _configured(config: settings.Config | None, project: str | None) -> settings.Config:
    config = config or settings.load()
    return config if project is None else msgspec.structs.replace(config, project=project)


def _open(store: Any, config: settings.Config) -> Store:
    if store is not None and not isinstance(store, str | Path):
        return store  # type: ignore[no-any-return]
    from slipway.store import open_store

    if isinstance(store, Path):
        store = f"sqlite:///{store}"
    return open_store(store or config.store_url)


def _finish(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end, inside a notebook's running loop too (then in a thread of its own)."""
    if not _inside_a_loop():  # outside of the except: what the work raises is not raised "during" another error
        return asyncio.run(_named(work))
    future: Future[Any] = Future()
    stop: list[Callable[[], Any]] = []

    async def watched() -> Any:
        task = asyncio.ensure_future(work)
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        loop = asyncio.get_running_loop()
        return await task

    def run() -> None:
        try:
            future.set_result(asyncio.run(watched()))
        except BaseException as error:  # raised again in the caller's thread
            future.set_exception(error)

    thread = threading.Thread(target=run, name="slipway-evaluate")
    thread.start()
    try:
        return future.result()
    except KeyboardInterrupt:  # reaches the main thread only; what ran is kept, as without a notebook
        for cancel in stop:
            cancel()
        thread.join()
        raise


async def _named(work: Coroutine[Any, Any, Any]) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.set_name(EVALUATING)
    return await work


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


__all__ = ["Run", "Runs", "Task", "evaluate", "settle"]
