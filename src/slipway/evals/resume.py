"""Resume: which run goes on, what of it is finished, and which outputs of earlier runs need not be computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from slipway.data import EvalRun, Example, Variant
from slipway.errors import NotFound, UsageError
from slipway.evals.columns import rows
from slipway.evals.experiment import Experiment
from slipway.evals.facts import same_scorers
from slipway.evals.process import is_alive
from slipway.store.protocol import Store

RECALL_RUNS = 20


def matches(run: EvalRun, experiment: Experiment, variant: Variant, recipe: str) -> bool:
    """Whether ``run`` is an execution of just this: same examples, outputs decided by the same things, same scorers."""
    return (
        run.variant_id == variant.id
        and run.dataset_id == experiment.version.id
        and run.seed == experiment.seed
        and run.repeats == experiment.repeats
        and run.config.get("recipe") == recipe
        and same_scorers(run.config.get("scorers"), experiment)
    )


def find_interrupted(store: Store, experiment: Experiment, variant: Variant, recipe: str) -> EvalRun | None:
    """The newest run of the same that was stopped in the middle (killed or interrupted) and that no live process works on."""
    where = {
        "experiment": experiment.name,
        "variant_id": variant.id,
        "dataset_id": experiment.version.id,
        "status__in": ["running", "interrupted"],
    }
    for run in store.find(EvalRun, where, newest_first=True):
        if matches(run, experiment, variant, recipe) and not (
            run.status == "running" and is_alive(run.config.get("process", {}))
        ):
            return run
    return None


def named_run(store: Store, run_id: str, experiment: Experiment, variant: Variant, recipe: str) -> EvalRun:
    """The run of that id, to go on with. Raises `NotFound`; `UsageError` when it is of something else, or still running."""
    run = store.get(EvalRun, run_id)
    if run is None:
        raise NotFound.among("run", run_id, [r.id for r in store.find(EvalRun, newest_first=True, limit=200)])
    if not matches(run, experiment, variant, recipe):
        raise UsageError(
            f"run {run_id} is not of the same task code, variant, examples, seed, repeats and scorers",
            mend="leave resume out to start a new run; outputs that are still valid are reused",
        )
    if run.status == "running" and is_alive(run.config.get("process", {})):
        pid = run.config["process"].get("pid")
        raise UsageError(f"run {run_id} is still running in process {pid}", mend="wait for its end, or interrupt it")
    return run


class Finished:
    """Which (example, repeat) of a run are done: one byte each."""

    def __init__(self, examples: Sequence[Example], repeats: int) -> None:
        self._examples = examples
        self._size = len(examples)
        self._done = bytearray(self._size * repeats)
        self.count = 0

    @cached_property
    def index(self) -> dict[str, int]:
        """Example id -> its number. Made when it is first needed: a run from nothing to the end does without."""
        return {example.id: number for number, example in enumerate(self._examples)}

    def position(self, example_id: str, repeat: int) -> int | None:
        """The place of a sample, or None when the run has no such."""
        number = self.index.get(example_id)
        place = None if number is None else repeat * self._size + number
        return place if place is not None and repeat >= 0 and place < len(self._done) else None

    def mark(self, example_id: str, repeat: int) -> None:
        """It is done."""
        place = self.position(example_id, repeat)
        if place is not None and not self._done[place]:
            self._done[place] = 1
            self.count += 1

    def has(self, example_id: str, repeat: int) -> bool:
        """Whether it is done (or is none of this run's)."""
        place = self.position(example_id, repeat)
        return place is None or bool(self._done[place])

    @property
    def all_done(self) -> bool:
        """Whether nothing is left."""
        return self.count >= len(self._done)

    def left(self, order: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Of the samples in ``order``, those that are not done."""
        return ((index, repeat) for index, repeat in order if not self._done[repeat * self._size + index])


def finished_samples(store: Store, run_id: str, finished: Finished) -> None:
    """Mark every sample of the run that is on disk."""
    for identity, repeat in rows(store, run_id, ("example_id", "repeat")):
        finished.mark(identity, repeat)


@dataclass(frozen=True)
class Reuse:
    """What of an earlier run can be taken over."""

    run: EvalRun
    same_scorers: bool


def reusable_runs(store: Store, experiment: Experiment, variant: Variant, recipe: str) -> list[Reuse]:
    """Earlier runs whose outputs were decided by the same things, newest first: same task code, settings, model and seed.

    Their datasets may differ: an output is taken over when its example is unchanged to the letter.
    """
    found = []
    for run in store.find(EvalRun, {"variant_id": variant.id}, newest_first=True):
        if run.config.get("recipe") == recipe and not run.config.get("sealed"):
            found.append(Reuse(run, same_scorers(run.config.get("scorers"), experiment)))
            if len(found) == RECALL_RUNS:
                break
    return found
