"""Confirming reruns: what failed in a must-pass suite is run again, to tell broken from flaky. Never to make it green."""

from __future__ import annotations

from dataclasses import replace

from slipway.data import EvalRun, Variant
from slipway.evals.columns import read
from slipway.evals.execute import Kit, execute
from slipway.evals.experiment import Experiment
from slipway.evals.rules import RERUN, outcomes


async def confirm_failures(experiment: Experiment, variant: Variant, run: EvalRun, kit: Kit) -> EvalRun | None:
    """Run the failed examples of a must-pass run ``gate.reruns`` times more, in a run of their own that the gate will find."""
    suite = experiment.suite
    if suite is None or suite.tier != "must-pass" or not suite.gate.reruns or run.status != "finished":
        return None
    metric = suite.gate.metric or str(run.summary.get("metric", ""))
    passed = outcomes(read(kit.store, run.id), metric)
    failed = tuple(example for example in experiment.examples if not all(passed.get(example.id, [False])))
    if not failed or any(found.config.get("rerun_of") == run.id for found in _reruns(run, kit)):
        return None
    again = replace(
        experiment,
        name=experiment.name + RERUN,
        examples=failed,
        scorers=tuple(scorer for scorer in experiment.scorers if not scorer.aggregate),
        given_scorers=tuple(
            given
            for given, scorer in zip(experiment.given_scorers, experiment.scorers, strict=True)
            if not scorer.aggregate
        ),
        repeats=suite.gate.reruns,
    )
    # fresh: a recorded answer would confirm nothing.
    return await execute(again, variant, replace(kit, fresh=True, resume=None, extra={"rerun_of": run.id}))


def _reruns(run: EvalRun, kit: Kit) -> list[EvalRun]:
    return list(kit.store.find(EvalRun, {"experiment": run.experiment + RERUN, "variant_id": run.variant_id}))
