"""One sample: call the task inside a span, with its timeout and its retries, and score what it gave."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data import EvalRun, Example, Reply, Sample, Score, Variant
from slipway.errors import CostCapReached, DataError, MissingExtra, StoreError, UsageError
from slipway.evals.client import Line, Meter, ModelClient, recorded_output
from slipway.evals.columns import WORLD
from slipway.evals.limits import Deadline, Limit, backoff_s, is_infrastructure
from slipway.evals.spans import SampleSpan, sample_span
from slipway.evals.task import Context, Task
from slipway.evals.threads import Threads
from slipway.scorers.base import Outcome, Scorer

if TYPE_CHECKING:
    from slipway.models.protocol import Model

ERROR_LIMIT = 4_000


@dataclass(frozen=True)
class Bench:
    """Everything that a sample of one run needs."""

    run: EvalRun
    task: Task
    variant: Variant
    scorers: tuple[Scorer, ...]
    limit: Limit
    threads: Threads
    deadline: Deadline
    line: Line | None = None
    judge: Model | None = None
    slices: tuple[str, ...] = ()
    sealed: bool = False
    traced: bool = True
    clock_ns: Callable[[], int] = time.time_ns
    rng: random.Random = field(default_factory=random.Random)


async def take(bench: Bench, example: Example, repeat: int) -> Sample:
    """The sample. Raises only what ends the run: `CostCapReached`, and errors that every example would meet."""
    with sample_span(bench, example, repeat) as span:
        outcome = await _with_retries(bench, example, repeat, span)
        scores: tuple[Score, ...] = ()
        if outcome.status == "ok":
            scores = await score_output(
                bench.scorers, example, outcome.output, outcome.latency_ms, outcome.meter.cost_usd, bench.judge
            )
        span.done(outcome.output, outcome.error, scores)
    meter = outcome.meter
    return Sample(
        run_id=bench.run.id,
        example_id=example.id,
        repeat=repeat,
        status=outcome.status,
        output=outcome.output,
        error=None if outcome.error is None else describe(outcome.error, bench.task),
        scores=scores,
        latency_ms=outcome.latency_ms,
        cost_usd=meter.cost_usd,
        input_tokens=meter.input_tokens,
        output_tokens=meter.output_tokens,
        attempts=outcome.attempts,
        cached=meter.calls > 0 and meter.recalled == meter.calls,
        cluster=example.cluster,
        slices=slices_of(example, bench.slices),
        example_hash=example.hash,
        trace_id=span.trace_id,
        finished_ns=bench.clock_ns(),
    )


@dataclass(slots=True)
class Attempted:
    """What the last attempt gave."""

    status: str
    output: Any
    error: BaseException | None
    latency_ms: float
    attempts: int
    meter: Meter


async def _with_retries(bench: Bench, example: Example, repeat: int, span: SampleSpan) -> Attempted:
    attempts = 0
    memory: dict[str, Reply] = {}
    while True:
        attempts += 1
        meter = Meter()
        started = time.perf_counter()
        status, output, error, inside = await _call(bench, example, repeat, meter, memory)
        took = time.perf_counter() - started if inside is None else inside
        if error is not None and attempts <= bench.limit.retries and is_infrastructure(error):
            wait = getattr(error, "retry_after_s", None) or backoff_s(attempts, bench.rng)
            left = bench.deadline.left()
            if getattr(error, "retryable", True) and (left is None or wait < left):
                span.retried(error, wait)
                await asyncio.sleep(wait)
                continue
        bench.deadline.note(took)
        return Attempted(status, output, error, took * 1000 + meter.recalled_ms, attempts, meter)


async def _call(
    bench: Bench, example: Example, repeat: int, meter: Meter, memory: dict[str, Reply]
) -> tuple[str, Any, BaseException | None, float | None]:
    """(status, output, error, seconds where somebody measured them better) of one attempt."""
    task = bench.task
    arguments: tuple[Any, ...] = (example,)
    if task.wants_context:
        model = None if bench.line is None else ModelClient(bench.line, meter, repeat, memory)
        context = Context(
            example,
            variant=bench.variant,
            repeat=repeat,
            run_seed=bench.run.seed,
            run_id=bench.run.id,
            model=model,
            meter=meter,
        )
        arguments = (example, context)
    clock = asyncio.timeout(bench.limit.timeout)
    try:
        async with clock:
            if task.awaits:
                return "ok", recorded_output(await _whole(await task.function(*arguments), bench.threads)), None, None
            output, took = await bench.threads.call(drained, task.function, *arguments)
            if isinstance(output, AsyncIterator):  # it has done nothing yet: the time is what is measured around it
                return "ok", recorded_output(await _whole(output, bench.threads)), None, None
            return "ok", recorded_output(output), None, took
    except (CostCapReached, StoreError, MissingExtra):
        raise
    except asyncio.CancelledError as error:
        if (current := asyncio.current_task()) is not None and current.cancelling():
            raise
        return "error", None, error, None
    except TimeoutError as error:
        if clock.expired():
            return "timeout", None, TimeoutError(f"no answer within {bench.limit.timeout:g} s"), None
        return "error", None, error, None
    except UsageError as error:
        if isinstance(error, DataError):
            return "error", None, error, None
        raise  # every example would meet it: no model, no such prompt, no known price
    except Exception as error:
        return "error", None, error, None


def drained(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns; of a generator the text that it yields. Raises `UsageError` when it yields something else."""
    made = function(*arguments)
    return "".join(_text(piece) for piece in made) if isinstance(made, Iterator) else made


async def _whole(output: Any, threads: Threads) -> Any:
    """The output of a coroutine, or of a function that gave an async generator, with what it streams put together."""
    if isinstance(output, AsyncIterator):
        return "".join([_text(piece) async for piece in output])
    if isinstance(output, Iterator):
        return (await threads.call(drained, lambda: output))[0]
    return output


def _text(piece: Any) -> str:
    if not isinstance(piece, str):
        raise UsageError(
            f"the task yields {type(piece).__name__}, and only text is put together",
            mend="return the output, or a list",
        )
    return piece


async def score_output(
    scorers: tuple[Scorer, ...],
    example: Example,
    output: Any,
    latency_ms: float,
    cost_usd: float | None,
    judge: Model | None,
) -> tuple[Score, ...]:
    """What the scorers of one output say of it, in their order."""
    outcome = Outcome(example, output, latency_ms, cost_usd, judge)
    made: list[Score] = []
    for scorer in scorers:
        if not scorer.aggregate:
            made.extend(await scorer.score(outcome) if scorer.awaits else scorer.now(outcome))
    return tuple(made)


def slices_of(example: Example, names: tuple[str, ...]) -> dict[str, Any]:
    """The example's metadata under the slice names."""
    metadata = example.metadata
    return {name: metadata[name] for name in names if name in metadata}


def describe(error: BaseException, task: Task) -> str:
    """``ValueError: no city (weather.py:12)``: what went wrong and the innermost line of the task's own file."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if is_infrastructure(error):
        text = WORLD + text
    code = getattr(task.function, "__code__", None)
    place = ""
    frame = error.__traceback__
    while frame is not None:
        if code is None or frame.tb_frame.f_code.co_filename == code.co_filename:
            place = f" ({Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno})"
        frame = frame.tb_next
    return text[:ERROR_LIMIT] + place
