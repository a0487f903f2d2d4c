"""Scores over all repeats of an example (consistency): made when the run is done, kept as one more sample each."""

from __future__ import annotations

from typing import Any

from slipway.data import EvalRun, Sample
from slipway.evals.attempt import slices_of
from slipway.evals.columns import ALL_REPEATS
from slipway.evals.experiment import Experiment
from slipway.scorers.base import Repeats, Scorer
from slipway.store.protocol import Store

AT_ONCE = 500


async def score_groups(store: Store, run: EvalRun, experiment: Experiment, judge: Any) -> None:
    """Score the repeats of each example with the scorers that need them all. The result is the sample whose ``repeat`` is
    `ALL_REPEATS`. Does nothing without such scorers, or where it is done already."""
    scorers = [scorer for scorer in experiment.scorers if scorer.aggregate]
    if not scorers or experiment.sealed:
        return
    done = {sample.example_id for sample in store.find(Sample, {"run_id": run.id, "repeat": ALL_REPEATS})}
    made: list[Sample] = []
    for example in experiment.examples:
        if example.id in done:
            continue
        samples = sorted(
            store.find(Sample, {"run_id": run.id, "example_id": example.id}), key=lambda sample: sample.repeat
        )
        if len(samples) < experiment.repeats:  # stopped before all repeats ran
            continue
        group = Repeats(example, tuple(samples), judge)
        made.append(
            Sample(
                run_id=run.id,
                example_id=example.id,
                repeat=ALL_REPEATS,
                scores=tuple([score for scorer in scorers for score in await _one(scorer, group)]),
                cluster=example.cluster,
                slices=slices_of(example, experiment.slices),
                example_hash=example.hash,
                finished_ns=max(sample.finished_ns for sample in samples),
            )
        )
        if len(made) >= AT_ONCE:
            store.write(made)
            made = []
    if made:
        store.write(made)


async def _one(scorer: Scorer, group: Repeats) -> tuple[Any, ...]:
    return await scorer.score(group) if scorer.awaits else scorer.now(group)
