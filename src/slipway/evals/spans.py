"""A span around each sample and each model call, and the record of the environment: the runner's side of slipway.track."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data import Reply, Request, Score
from slipway.track import bound, span
from slipway.track.live import NO_SPAN, SEALED, Unsampled
from slipway.track.slot import active, slot

if TYPE_CHECKING:
    from slipway.config import Config
    from slipway.data import Example
    from slipway.evals.attempt import Bench
    from slipway.store.protocol import Store
    from slipway.track.live import LiveSpan


class SampleSpan:
    """The open span of a sample; ``trace_id`` is None when nothing is recorded."""

    __slots__ = ("_live", "trace_id")

    def __init__(self, live: LiveSpan | None = None) -> None:
        self._live = live
        self.trace_id = live.trace_id if live is not None else None

    def retried(self, error: BaseException, wait_s: float) -> None:
        """Another attempt follows."""
        if self._live is not None:
            self._live.event("retry", error=type(error).__name__, wait_s=wait_s)

    def done(self, output: Any, error: BaseException | None, scores: tuple[Score, ...]) -> None:
        """What came of it."""
        if self._live is None:
            return
        if error is not None:
            self._live.record_error(error)
        else:
            self._live.record_output(output)
        if scores:
            self._live.set({f"score.{score.name}": score.value for score in scores})


_NOTHING = SampleSpan()


@contextmanager
def sample_span(bench: Bench, example: Example, repeat: int) -> Iterator[SampleSpan]:
    """A span around a sample; every span inside carries the run's id. Nothing inside a sealed run's is recorded."""
    if bench.sealed:
        # As in a trace that sampling left out: neither our spans nor OpenTelemetry's are kept below.
        tracer = slot.tracer
        with bound(run_id=SEALED), Unsampled(0, tracer.otel if tracer is not None else None):
            yield _NOTHING
        return
    if not bench.traced or not active():
        yield _NOTHING
        return
    with bound(run_id=bench.run.id), span(f"sample {bench.task.name}", kind="evaluation") as live:
        if live is NO_SPAN or isinstance(live, Unsampled):
            yield _NOTHING
            return
        live.record_input(example.input)
        live.set(
            {
                "slipway.experiment": bench.run.experiment,
                "slipway.variant": bench.variant.name,
                "slipway.example_id": example.id,
                "slipway.repeat": repeat,
            }
        )
        yield SampleSpan(live)  # type: ignore[arg-type]


@contextmanager
def model_span(model: str, request: Request) -> Iterator[Any]:
    """A span around a model call; give the reply to `answered`."""
    if not active():
        yield NO_SPAN
        return
    with span(f"chat {model}", kind="llm") as live:
        live.record_input([{"role": message.role, "content": message.content} for message in request.messages])
        live.set({"gen_ai.operation.name": "chat", "gen_ai.request.model": request.model or model})
        yield live


def answered(live: Any, reply: Reply) -> None:
    """Write a reply onto its span."""
    if not live:
        return
    live.record_output(reply.text if not reply.tool_calls else {"text": reply.text, "tool_calls": reply.tool_calls})
    live.set(
        {
            "gen_ai.response.model": reply.model,
            "gen_ai.usage.input_tokens": reply.usage.input_tokens,
            "gen_ai.usage.output_tokens": reply.usage.output_tokens,
            "slipway.cost_usd": reply.usage.cost_usd,
            "slipway.cached": reply.cached,
        }
    )


@contextmanager
def tracing(store: Store, config: Config) -> Iterator[None]:
    """Records inside, into the run's own store, when nothing records yet."""
    if active():
        yield
        return
    from slipway.track import init, shutdown

    init(config=config, store=store, environment=False)
    try:
        yield
    finally:
        shutdown()


def record_environment(store: Store, config: Config) -> str:
    """Keep code, packages and machine in the store; the id of the record."""
    import msgspec

    from slipway.track.environment import capture_environment

    into = msgspec.structs.replace(config, store=store.url)
    return capture_environment(into, folder=Path(config.root)).save(store)
