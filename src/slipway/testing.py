"""For tests of code that uses Slipway: a trace becomes a literal that one can assert.

    def test_answer_looks_up_once():
        with recording() as recorded:
            answer("what is a slipway?")
        assert recorded.tree() == [("answer", [("lookup", [])])]

Time steps, ids count, nothing is written to disk and no thread is started.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from slipway.config import Capture, Config, Trace
from slipway.data import Span
from slipway.track.live import current
from slipway.track.slot import slot
from slipway.track.tracer import Tracer


class StepClock:
    """A clock that moves ``step_ns`` each time the monotonic side is read. ``skew(ns)`` moves the wall clock alone."""

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000, step_ns: int = 1_000_000) -> None:
        self.start_ns, self.step_ns, self.now = start_ns, step_ns, 0

    def monotonic(self) -> int:
        """Nanoseconds that never go back."""
        self.now += self.step_ns
        return self.now

    def wall(self) -> int:
        """Unix time in nanoseconds."""
        return self.start_ns + self.now

    def skew(self, ns: int) -> None:
        """Somebody sets the wall clock."""
        self.start_ns += ns


class CountingIds:
    """Ids 1, 2, 3 ...: ``0000000000000001`` and so on."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def bits(self, size: int) -> int:
        """The next number."""
        return next(self._next)

    def trace(self, wall_ns: int, low: int = 0) -> int:
        """The next number."""
        return low or next(self._next)


class MemorySink:
    """Takes batches of records and keeps them. ``failing`` makes it refuse."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.batches = 0
        self.failing: Exception | None = None

    def __call__(self, batch: Sequence[Any]) -> None:
        if self.failing is not None:
            raise self.failing
        self.batches += 1
        self.records.extend(batch)

    def spans(self) -> list[Span]:
        """The spans among the records, in the order they ended."""
        return [record for record in self.records if isinstance(record, Span)]


class Recording:
    """What `recording` yields."""

    def __init__(self, tracer: Tracer, sink: MemorySink, clock: StepClock) -> None:
        self.tracer, self.sink, self.clock = tracer, sink, clock

    @property
    def spans(self) -> list[Span]:
        """Finished spans, in the order they ended."""
        _settle(self.tracer)
        return self.sink.spans()

    @property
    def dropped(self) -> dict[tuple[str, str], int]:
        """Drops by (where, reason)."""
        return self.tracer.recorder.drops.totals()

    def one(self, name: str) -> Span:
        """The only span of that name."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} spans are called {name!r}; there are {[span.name for span in self.spans]}"
            )
        return found[0]

    def tree(self, show: Callable[[Span], Any] = lambda span: span.name) -> list[tuple[Any, list[Any]]]:
        """Spans as ``(name, [children])``, in the order they started."""
        spans = sorted(self.spans, key=lambda span: (span.started_ns, span.sequence))
        known = {span.span_id for span in spans}

        shown: set[str] = set()  # parents that point at each other end somewhere

        def below(parent: str) -> list[tuple[Any, list[Any]]]:
            shown.add(parent)
            children = [span for span in spans if span.parent_id == parent and span.span_id not in shown]
            return [(show(span), below(span.span_id)) for span in children]

        roots = [span for span in spans if span.parent_id is None or span.parent_id not in known]
        found = [(show(span), below(span.span_id)) for span in roots]
        return found + [(show(span), below(span.span_id)) for span in spans if span.span_id not in shown]


def _settle(tracer: Tracer) -> None:
    """Convert all that is queued, however slow the machine; what a sink refuses is tried for a second."""
    while not tracer.recorder.flush(1.0) and tracer.recorder.pending:
        pass


@contextmanager
def recording(
    *,
    project: str = "test",
    clock: StepClock | None = None,
    ids: Any = None,
    capture: Capture | None = None,
    trace: Trace | None = None,
    **options: Any,
) -> Iterator[Recording]:
    """Record what happens inside the ``with`` block in memory, instead of whatever `slipway.init` had set up."""
    clock, sink = clock or StepClock(), MemorySink()
    nowhere = os.path.join(os.devnull, "slipway")
    config = Config(project=project, data=nowhere, capture=capture or Capture(), trace=trace or Trace())
    tracer = Tracer(
        config,
        open_sink=lambda: sink,
        wall=clock.wall,
        monotonic=clock.monotonic,
        ids=ids or CountingIds(),
        threaded=False,
        **options,
    )
    tracer.environment_known.set()
    tracer.environment_saved.set()
    before, outer = slot.tracer, current.get()
    slot.tracer = tracer
    current.set(None)
    try:
        yield Recording(tracer, sink, clock)
    finally:
        _settle(tracer)
        slot.tracer = before
        current.set(outer)
