"""What a run would take, without paying for anything: calls to make, answers recorded already, cost as a range.

A task that asks a model is run up to its first question that has no recorded answer, and no further: that question is
counted, not asked. For a task that asks once a sample the number is exact. One that asks again after an answer makes more:
how many is known once the task has run (calls for each sample) or where it is declared (``@task(calls=2)``), and until then
the estimate says ``at_least``. What a run was seen to ask counts more than what is declared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from slipway.data import EvalRun, Example, Reply, Request, Response, Variant
from slipway.evals.client import Line, Meter, ModelClient
from slipway.evals.columns import ALL_REPEATS, rows
from slipway.evals.engine import random_order
from slipway.evals.experiment import Experiment
from slipway.evals.html import Shown
from slipway.evals.limits import Purse
from slipway.evals.models import ModelSource
from slipway.evals.resume import Finished, find_interrupted, finished_samples, reusable_runs
from slipway.evals.summary import cost_interval
from slipway.evals.task import Context
from slipway.models.protocol import Model
from slipway.store.protocol import Store

KNOWN_COSTS = 2_000
"""So many recorded answers of a model are looked at to learn what one costs."""


@dataclass(frozen=True, slots=True)
class VariantEstimate:
    """``samples`` in all, of which ``finished`` are done in a run that would go on and ``recorded`` would be taken over;
    ``to_run`` is the rest. ``calls`` are model calls that would be made and paid, ``cached`` those answered from the record;
    ``at_least`` says that there may be more. ``cost_low``..``cost_high`` is in US dollars; None: the price is not known."""

    variant: str
    samples: int
    finished: int
    recorded: int
    to_run: int
    calls: int
    cached: int
    judge_calls: int
    at_least: bool
    cost_low: float | None
    cost_high: float | None


@dataclass(frozen=True, slots=True)
class Estimate(Shown):
    """For each variant, and in all."""

    experiment: str
    variants: tuple[VariantEstimate, ...]
    to_run: int
    calls: int
    cached: int
    judge_calls: int
    at_least: bool
    cost_low: float | None
    cost_high: float | None

    def __str__(self) -> str:
        lines = [f"{self.experiment}: {_said(self)}"]
        if len(self.variants) > 1:
            lines += [f"  {one.variant}: {_said(one)}" for one in self.variants]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]


def _said(one: Estimate | VariantEstimate) -> str:
    least = "at least " if one.at_least else ""
    parts = [f"{one.to_run:,} samples to run"]
    if isinstance(one, VariantEstimate):
        parts = [f"{one.to_run:,} of {one.samples:,} samples to run, {one.finished + one.recorded:,} recorded"]
    if one.calls or one.cached:
        parts.append(f"{least}{one.calls:,} model calls, {one.cached:,} answers recorded")
    if one.judge_calls:
        parts.append(f"{one.judge_calls:,} calls of the judge")
    if one.cost_low is None or one.cost_high is None:
        parts.append("cost not known: no price")
    elif one.calls or one.judge_calls:
        parts.append(f"{least}${one.cost_low:.4f} to ${one.cost_high:.4f}")
    else:
        parts.append("no cost")
    return "; ".join(parts)


class _Asked(BaseException):
    """A question that has no recorded answer. Not an Exception: a task that catches those must not go on."""


@dataclass(slots=True)
class _Questions:
    """What probing found: questions without an answer, and how long they were."""

    calls: int = 0
    cached: int = 0
    characters: list[int] = field(default_factory=list)
    most_tokens: int = 0


class _Probe:
    """The model of a dry run: never answers."""

    def __init__(self, name: str, found: _Questions) -> None:
        self.name = name
        self._found = found

    async def complete(self, request: Request) -> Reply:
        """Count the question."""
        self._found.calls += 1
        self._found.characters.append(sum(len(message.content) for message in request.messages))
        self._found.most_tokens = max(self._found.most_tokens, request.max_tokens or 0)
        raise _Asked

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """Count the question."""
        await self.complete(request)
        yield ""


async def estimate(experiment: Experiment, store: Store, *, models: ModelSource, fresh: bool) -> Estimate:
    """The estimate. Runs the task's own code up to its first unanswered question; calls no model, writes nothing."""
    made = tuple([await _variant(experiment, variant, store, models, fresh) for variant in experiment.variants])
    lows, highs = [one.cost_low for one in made], [one.cost_high for one in made]
    return Estimate(
        experiment=experiment.name,
        variants=made,
        to_run=sum(one.to_run for one in made),
        calls=sum(one.calls for one in made),
        cached=sum(one.cached for one in made),
        judge_calls=sum(one.judge_calls for one in made),
        at_least=any(one.at_least for one in made),
        cost_low=_sum(lows),
        cost_high=_sum(highs),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value or 0.0 for value in values)


async def _variant(
    experiment: Experiment, variant: Variant, store: Store, models: ModelSource, fresh: bool
) -> VariantEstimate:
    model = models.for_variant(variant)
    recipe = experiment.recipe(variant, model.name if model else "")
    finished = Finished(experiment.examples, experiment.repeats)
    done = recorded = 0
    if not fresh and not experiment.sealed:
        run = find_interrupted(store, experiment, variant, recipe)
        if run is not None:
            finished_samples(store, run.id, finished)
        done = finished.count
        recorded = _recorded(experiment, variant, recipe, store, finished)
    todo = list(finished.left(random_order(len(experiment.examples), experiment.repeats, experiment.seed)))
    found = _Questions()
    line = models.line(store, model, Purse(None), experiment, fresh=fresh)
    each = _calls_per_sample(store, experiment)
    declared = experiment.task.calls if each is None else None
    probed = line is not None and experiment.task.awaits and experiment.task.wants_context
    if line is not None and probed:
        await _probe_all(
            experiment, variant, replace(line, model=_Probe(line.model.name, found)), todo, found, declared
        )
    judged = len(todo) * sum(scorer.needs_model for scorer in experiment.scorers)
    if each is not None:
        found.calls = round(found.calls * max(1.0, each))
    low, high = _cost(store, model, found, judged, models.judge)
    return VariantEstimate(
        variant=variant.name,
        samples=experiment.planned,
        finished=done,
        recorded=recorded,
        to_run=len(todo),
        calls=found.calls,
        cached=found.cached,
        judge_calls=judged,
        at_least=each != 1.0 and bool((found.calls and declared is None) or (line is not None and not probed)),
        cost_low=low,
        cost_high=high,
    )


def _calls_per_sample(store: Store, experiment: Experiment) -> float | None:
    """How many questions a sample of this task asked when it last ran, with the same code; None when it did not."""
    wanted = {"task": experiment.task.name, "status": "finished"}
    for run in store.find(EvalRun, wanted, newest_first=True, limit=20):
        session = run.summary.get("session") or {}
        same = run.config.get("code_hash") == experiment.task.code_hash
        if same and session.get("samples") and "calls" in session:
            return float(session["calls"] + session["recalled"]) / float(session["samples"])
    return None


def _recorded(experiment: Experiment, variant: Variant, recipe: str, store: Store, finished: Finished) -> int:
    before = finished.count
    hashes = {example.id: example.hash for example in experiment.examples}
    for earlier in reusable_runs(store, experiment, variant, recipe):
        wanted = ("example_id", "repeat", "status", "example_hash")
        for identity, repeat, status, content in rows(store, earlier.run.id, wanted):
            if status == "ok" and repeat != ALL_REPEATS and hashes.get(identity) == content:
                finished.mark(identity, repeat)
    return finished.count - before


async def _probe_all(
    experiment: Experiment,
    variant: Variant,
    line: Line,
    todo: Sequence[tuple[int, int]],
    found: _Questions,
    declared: int | None,
) -> None:
    for index, repeat in todo:
        asked, answered = found.calls, line.seen.recalled
        await _probe(experiment, variant, line, experiment.examples[index], repeat)
        if declared is not None and found.calls > asked:
            found.calls = max(found.calls, asked + declared - (line.seen.recalled - answered))
    found.cached = line.seen.recalled


async def _probe(experiment: Experiment, variant: Variant, line: Line, example: Example, repeat: int) -> None:
    meter = Meter()
    context = Context(
        example,
        variant=variant,
        repeat=repeat,
        run_seed=experiment.seed,
        model=ModelClient(line, meter, repeat),
        meter=meter,
    )
    try:
        async with asyncio.timeout(experiment.limit.timeout):
            await experiment.task.function(example, context)
    except _Asked:
        return
    except Exception:  # the run itself would keep this as the sample's error; it costs nothing
        return


def _cost(
    store: Store, model: Model | None, found: _Questions, judged: int, judge: Model | None
) -> tuple[float | None, float | None]:
    """From what recorded answers cost; else from the model's prices and the questions' length."""
    low = high = 0.0
    for count, asked, questions in ((found.calls, model, found), (judged, judge, None)):
        if not count or asked is None:
            continue
        one = _one_call(store, asked, questions)
        if one is None:
            return None, None
        low, high = low + count * one[0], high + count * one[1]
    return low, high


def _one_call(store: Store, model: Model, found: _Questions | None) -> tuple[float, float] | None:
    """What one call costs, at least and at most, on average over many."""
    costs = [
        response.cost_usd
        for response in store.find(Response, {"source": f"model:{model.name}"}, newest_first=True, limit=KNOWN_COSTS)
        if response.cost_usd is not None
    ]
    if len(costs) >= 5:
        mean = cost_interval(costs)
        low, high = mean["low"], mean["high"]
        return (min(costs), max(costs)) if low is None or high is None else (max(0.0, low), high)
    prices = _prices(model)
    if prices is None or found is None or not found.characters:
        return None
    characters = sum(found.characters) / len(found.characters)
    asked, answered = prices
    # A token is two to six characters of most languages' text; an answer is one token to what it may at most be.
    return (characters / 6 * asked + answered) / 1e6, (
        characters / 2 * asked + (found.most_tokens or 1024) * answered
    ) / 1e6


def _prices(model: Any) -> tuple[float, float] | None:
    """US dollars for a million tokens (asked, answered), where the model or the one it wraps knows."""
    while model is not None:
        prices = getattr(model, "prices", None)
        if prices:
            found = prices.get(model.name)
            return None if found is None else (float(found[0]), float(found[1]))
        model = getattr(model, "model", None)
    return None


__all__ = ["Estimate", "VariantEstimate", "estimate"]
