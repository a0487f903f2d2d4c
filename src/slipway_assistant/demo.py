"""`slipway-assistant demo`: the journey, for real. Fit every mind, run it over both suites, record all, say what came of it.

fit or load, then evaluate on the dev and the must-pass suite (two minds at a time), and with a language model the ladder
beside them -> journeys -> what to type next
"""

from __future__ import annotations

import multiprocessing
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slipway as sw
from slipway_assistant import data, experiment, ladder

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

SUITES = {"dev": experiment.DEV, "must-pass": experiment.MUST_PASS}
WORKERS = 2  # more minds at a time than cores would show in the latency of each


@dataclass(frozen=True)
class Done:
    """What came of one mind: whether it had to be fitted, how many answers were computed and how many were known."""

    fitted: int = 0
    loaded: int = 0
    computed: int = 0
    reused: int = 0

    def __add__(self, other: Done) -> Done:
        return Done(
            self.fitted + other.fitted,
            self.loaded + other.loaded,
            self.computed + other.computed,
            self.reused + other.reused,
        )

    def __str__(self) -> str:
        return (
            f"minds: {self.fitted} fitted, {self.loaded} found fitted; "
            f"answers: {self.computed:,} computed, {self.reused:,} already in the store"
        )


def run(folder: Path, *, out: Console, err: Console) -> int:
    """Replay the journey into the store in ``folder``; the journey goes to ``out``, progress to ``err``. Returns 0."""
    started = time.perf_counter()
    out.print("The assistant's journey from text to function call")
    out.print(f"on {data.describe()},")
    out.print(f"recorded in {_from_here(folder / 'slipway.db')} as it goes.\n", soft_wrap=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = sw.open_store(_url(folder))
    store.write(experiment.journey_variants())  # all of them first: a child may be evaluated before its parent
    store.close()
    done = sum(_everything(folder, err), Done())
    # What anybody would type next.
    journey = [sys.executable, "-m", "slipway.cli", "journey", "--data", str(folder), "--suite"]
    subprocess.run([*journey, "dev"], check=True)
    if ladder.steps():
        out.print(f"\nAnd with a language model, on {ladder.EXAMPLES} of them ({ladder.on_what()}):\n")
        subprocess.run([*journey, ladder.SUITE], check=True)
    out.print(f"\n{time.perf_counter() - started:.0f} s; {done}.")
    _next_steps(out, again=done.computed == 0)
    return 0


def _from_here(path: Path) -> Path:
    """As a person standing in the working directory would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'slipway.db'}"


def _everything(folder: Path, err: Console) -> Iterator[Done]:
    # Not forked: a fork would not bring along the threads of the store and the recorder.
    context = multiprocessing.get_context("spawn")
    news = context.Queue()
    names = [variant.name for variant in experiment.journey_variants()]
    rungs = [step.name for step in ladder.steps()]
    samples = len(names) * sum(len(experiment.examples(name)) for name in SUITES.values())
    with (
        _progress(err) as progress,
        ProcessPoolExecutor(WORKERS, context, initializer=_begin, initargs=(folder, news)) as pool,
    ):
        bar = progress.add_task("", total=samples + len(rungs) * ladder.EXAMPLES)
        futures = {name: pool.submit(_play, name) for name in names}
        futures |= {name: pool.submit(_climb, name) for name in rungs}
        try:
            _follow(progress, bar, futures, news)
            yield from (future.result() for future in futures.values())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _follow(progress: Progress, bar: Any, futures: dict[str, Future[Done]], news: Any) -> None:
    """Draw what the workers tell until they are done."""
    doing: dict[str, str] = {}
    while not all(future.done() for future in futures.values()) or not news.empty():
        try:
            name, what, samples = news.get(timeout=0.2)
        except queue.Empty:
            what, samples = "", 0
        else:
            doing[name] = what
        running = [f"{name}: {doing[name]}" for name, future in futures.items() if name in doing and not future.done()]
        progress.update(bar, description=", ".join(running), advance=samples)


_worker: dict[str, Any] = {}
"""What `_begin` leaves for `_play` in a worker process."""


def _begin(folder: Path, news: Any) -> None:
    _worker.update(folder=folder, news=news)
    sw.init(project=experiment.PROJECT, store=_url(folder))


def _play(name: str) -> Done:
    """Fit or load one mind and run it over both suites, in a worker."""
    variant = next(one for one in experiment.journey_variants() if one.name == name)
    news = _Teller(name, _worker["news"])
    news.say("fitting")
    cached = experiment.ready(str(variant.config["mind"])).cached
    done = Done(fitted=not cached, loaded=cached)
    store = sw.open_store(_url(_worker["folder"]))
    try:
        for suite, dataset in SUITES.items():
            examples = experiment.examples(dataset)
            news.say(suite)
            runs = sw.evaluate(data=examples, suite=suite, variants=[variant], store=store, progress=news)
            known = sum(1 for _ in runs[name].samples(cached=True))
            done += Done(reused=known, computed=len(examples) - known)
    finally:
        sw.flush()
        store.close()
    return done


def _climb(name: str) -> Done:
    """Run one rung of the ladder, in a worker."""
    step = next(one for one in ladder.steps() if one.name == name)
    news = _Teller(name, _worker["news"])
    news.say(ladder.SUITE)
    store = sw.open_store(_url(_worker["folder"]))
    try:
        run = ladder.climb_all(store, [step], progress=news)[name]
        known = sum(1 for _ in run.samples(cached=True))
        return Done(reused=known, computed=len(ladder.examples()) - known)
    finally:
        sw.flush()
        store.close()


class _Teller:
    """Tells the parent how a mind goes on; the progress of `evaluate`."""

    def __init__(self, name: str, news: Any) -> None:
        self._name, self._news = name, news
        self._what, self._samples = "", 0

    def say(self, what: str) -> None:
        """What the mind is at now."""
        self._what = what
        self._tell()

    def begin(self, label: str, total: int, done: int) -> None:
        """Samples that are there already count at once."""
        self._samples += done

    def seen(self, sample: Any) -> None:
        """One more."""
        self._samples += 1
        if self._samples >= 50:
            self._tell()

    def end(self, status: str) -> None:
        """The rest."""
        self._tell()

    def _tell(self) -> None:
        self._news.put((self._name, self._what, self._samples))
        self._samples = 0


@contextmanager
def _progress(err: Console) -> Iterator[Progress]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = BarColumn(bar_width=24), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=err, transient=True, refresh_per_second=5) as progress:
        yield progress


def _next_steps(out: Console, *, again: bool) -> None:
    here = _from_here(Path(sys.argv[0]).parent)
    steps = [
        (f"{here}/slipway journey --markdown journey.md", "the same as a report"),
        (f"{here}/slipway compare keywords linear_crf --suite dev --by lang", "a verdict, language by language"),
        (f"{here}/slipway runs show linear_crf --suite dev", "what it got wrong"),
        (f"{here}/slipway-assistant ask 'wake me at seven'", "try it"),
    ]
    if not ladder.steps():
        steps.append(
            ("SLIPWAY_GGUF=model.gguf make demo", "the same with a language model of yours: prompts, grammar, LoRA")
        )
    if not again:
        steps.append(("make demo", "again: nothing is computed twice"))
    out.print("\nNext:")
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        out.print(f"  {command:<{width}}  {why}", soft_wrap=True)
