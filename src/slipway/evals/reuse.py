"""Reuse: outputs that an earlier run computed in the same way become samples of this one, marked as cached."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from slipway.data import EvalRun, Example, Sample, Score
from slipway.evals.attempt import score_output, slices_of
from slipway.evals.columns import ALL_REPEATS
from slipway.evals.experiment import Experiment
from slipway.evals.resume import Finished, Reuse
from slipway.store.protocol import Store

AT_ONCE = 500
UNDER_WAY = 4
"""Groups of samples on their way to disk while the next are read."""


async def take_over(
    experiment: Experiment,
    run: EvalRun,
    store: Store,
    reuse: Sequence[Reuse],
    finished: Finished,
    judge: Any,
    *,
    seen: Callable[[Sample], None],
    clock_ns: Callable[[], int],
) -> None:
    """Write what earlier runs computed as samples of this one: output, latency and cost as recorded then. A scorer runs again
    only where its version changed. On disk when this returns."""
    writing: deque[Future[int]] = deque()
    kept: list[Sample] = []
    for sample, example, scored in recorded_samples(store, reuse, experiment.examples, finished, run.id):
        scores = sample.scores if scored else await _scores_again(experiment, sample, example, judge)
        slices: Mapping[str, Any] = slices_of(example, experiment.slices)
        sample = replace(sample, run_id=run.id, cached=True, scores=scores, slices=slices, finished_ns=clock_ns())
        kept.append(sample)
        seen(sample)
        if len(kept) >= AT_ONCE:
            writing.append(store.submit(kept))
            kept = []
            if len(writing) > UNDER_WAY:
                writing.popleft().result()
    if kept:
        writing.append(store.submit(kept))
    for group in writing:
        group.result()


def recorded_samples(
    store: Store, reuse: Sequence[Reuse], examples: Sequence[Example], finished: Finished, run_id: str
) -> Iterator[tuple[Sample, Example, bool]]:
    """(sample, its example, whether its scores hold too) for each output that need not be computed again.

    Failures are not taken over: a second run tries them anew.
    """
    for earlier in reuse:
        if finished.all_done or earlier.run.id == run_id:
            continue
        for sample in store.find(Sample, {"run_id": earlier.run.id, "status": "ok"}):
            if sample.repeat == ALL_REPEATS or finished.has(sample.example_id, sample.repeat):
                continue
            example = examples[finished.index[sample.example_id]]
            if sample.example_hash == example.hash:
                finished.mark(sample.example_id, sample.repeat)
                yield sample, example, earlier.same_scorers


async def _scores_again(experiment: Experiment, sample: Sample, example: Example, judge: Any) -> tuple[Score, ...]:
    """Scores by version: those that hold are kept, the others are made anew."""
    old: dict[tuple[str, str], list[Score]] = {}
    for score in sample.scores:
        old.setdefault((score.scorer, score.scorer_version), []).append(score)
    made: list[Score] = []
    for scorer in experiment.scorers:
        if scorer.aggregate:
            continue
        known = old.get((scorer.name, scorer.version))
        if known is None:
            known = list(
                await score_output((scorer,), example, sample.output, sample.latency_ms, sample.cost_usd, judge)
            )
        made.extend(known)
    return tuple(made)
