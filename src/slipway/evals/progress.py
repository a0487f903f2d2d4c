"""Progress on standard error: a bar on a terminal, a plain line now and then elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from slipway.data import Sample
from slipway.data.text import shorten
from slipway.evals.columns import WORLD

LINE_SECONDS = 5.0
FIGURES = 50
"""Columns that a bar and its figures want beside the label."""


class Progress(Protocol):
    """Told how a run goes on. ``begin`` and ``end`` come once for each run."""

    def begin(self, label: str, total: int, done: int) -> None:
        """A run of ``total`` samples starts, ``done`` of them known already."""
        ...

    def seen(self, sample: Sample) -> None:
        """A sample is on disk."""
        ...

    def end(self, status: str) -> None:
        """The run ended."""
        ...


class Silent:
    """Says nothing."""

    def begin(self, label: str, total: int, done: int) -> None:
        """Nothing."""

    def seen(self, sample: Sample) -> None:
        """Nothing."""

    def end(self, status: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class Mean:
    """A score's sum so far. ``share``: every value lies in 0..1."""

    better: str
    total: float = 0.0
    count: int = 0
    share: bool = True


class Counter:
    """Counts what the others print: done, failed, the running mean of the main score, what it cost.

    The mean is the one that the run's summary will hold: a sample that the task failed on counts 0 in a 0..1 score. Of a run
    that is gone on with there is none: the scores of what ran before are not at hand.
    """

    def __init__(self) -> None:
        self.label, self.total, self.done, self.failed = "", 0, 0, 0
        self.cost_usd, self.before, self.task_failed = 0.0, 0, 0
        self.means: dict[str, Mean] = {}

    def begin(self, label: str, total: int, done: int) -> None:
        """Start at ``done``."""
        self.__init__()  # type: ignore[misc]
        self.label, self.total, self.done, self.before = label, total, done, done

    def seen(self, sample: Sample) -> None:
        """Count it."""
        self.done += 1
        self.cost_usd += 0.0 if sample.cached else sample.cost_usd or 0.0  # what was recorded before is not paid again
        if sample.status != "ok":
            self.failed += 1
            self.task_failed += not (sample.error or "").startswith(WORLD)
            return
        for score in sample.scores:
            mean = self.means.setdefault(score.name, Mean(score.better))
            if score.value is not None:
                mean.total += score.value
                mean.count += 1
                mean.share &= 0.0 <= score.value <= 1.0

    @property
    def mean(self) -> str:
        """``exact 0.81``, or nothing."""
        directed = [name for name, mean in self.means.items() if mean.better != "none"]
        name = (directed or list(self.means) or [""])[0]
        if self.before or not name:
            return ""
        mean = self.means[name]
        count = mean.count + (self.task_failed if mean.better == "higher" and mean.share else 0)
        return f"{name} {mean.total / count:.3g}" if count else ""

    @property
    def text(self) -> str:
        """``exact 0.81  3 failed  $0.02``"""
        parts = []
        if self.mean:
            parts.append(self.mean)
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.cost_usd:
            parts.append(f"${self.cost_usd:.2f}")
        return "  ".join(parts)


class Lines:
    """A line when a run ends, and every `LINE_SECONDS` until then."""

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._counter = Counter()
        self._next = 0.0

    def begin(self, label: str, total: int, done: int) -> None:
        """Start counting."""
        self._counter.begin(label, total, done)
        self._next = self._clock() + LINE_SECONDS

    def seen(self, sample: Sample) -> None:
        """Count it; print when it is time."""
        self._counter.seen(sample)
        if self._clock() >= self._next:
            self._next = self._clock() + LINE_SECONDS
            self._print("")

    def end(self, status: str) -> None:
        """The last line."""
        self._print(status)

    def _print(self, status: str) -> None:
        counter = self._counter
        words = f"{counter.label}  {counter.done:,}/{counter.total:,}  {counter.text}  {status}"
        self._stream.write(words.rstrip() + "\n")
        self._stream.flush()


class Bar:
    """A rich progress bar, ten times a second at most."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._counter = Counter()
        self._clock = clock
        self._next = 0.0
        self._task: Any = None
        console = Console(stderr=True)
        self._room = max(console.width - FIGURES, 12)
        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),  # a variant's name is text, whatever is in it
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            auto_refresh=False,
        )

    def begin(self, label: str, total: int, done: int) -> None:
        """Show a bar for this run under those before it."""
        self._counter.begin(label, total, done)
        self._bar.start()
        self._task = self._bar.add_task(shorten(label, self._room), total=total, completed=done, text="")

    def seen(self, sample: Sample) -> None:
        """Count it; redraw when it is time."""
        self._counter.seen(sample)
        if self._clock() >= self._next:
            self._next = self._clock() + 0.1
            self._draw("")

    def end(self, status: str) -> None:
        """Draw it for the last time."""
        self._draw("" if status == "finished" else status.replace("_", " "))
        self._bar.stop()

    def _draw(self, status: str) -> None:
        text = f"{self._counter.text}  {status}".strip()
        self._bar.update(self._task, completed=self._counter.done, text=text, refresh=True)


def choose(progress: Any) -> Progress:
    """A Progress from what `evaluate` was given: an object of one's own, False (silent), or True/None (what suits)."""
    if progress is False:
        return Silent()
    if progress is None or progress is True:
        if sys.stderr.isatty():
            return Bar()
        return Lines()
    return progress  # type: ignore[no-any-return]
