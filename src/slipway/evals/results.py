"""What `evaluate` gives back: `Runs`, a mapping from variant name to `Run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.data import EvalRun, Sample
from slipway.errors import NotFound, UsageError
from slipway.evals.columns import Columns, read
from slipway.evals.naming import find_pair, find_run, suite_of
from slipway.evals.process import as_it_is
from slipway.evals.summary import score_line, taken_over
from slipway.store.protocol import Store


class Run:
    """One eval run, as recorded. ``record`` is the `EvalRun`; its summary is at ``summary``, its samples in the store."""

    def __init__(self, record: EvalRun, store: Store) -> None:
        self.record = as_it_is(record)
        self.store = store

    @property
    def id(self) -> str:
        """The run's id."""
        return self.record.id

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.record.variant

    @property
    def status(self) -> str:
        """finished, interrupted, failed, capped, timed_out, or running."""
        return self.record.status

    @property
    def summary(self) -> Mapping[str, Any]:
        """Scores with intervals, latency, cost, failures (see `slipway.evals.summary.summarise`)."""
        return self.record.summary

    @property
    def scores(self) -> Mapping[str, Any]:
        """Each score's estimate and interval."""
        return self.summary.get("scores", {})  # type: ignore[no-any-return]

    @property
    def metric(self) -> str:
        """The score that counts unless another is named: the suite's, else the first."""
        return str(self.record.config.get("gate", {}).get("metric") or self.summary.get("metric", ""))

    @property
    def score(self) -> float | None:
        """The estimate of `metric`."""
        return self.scores.get(self.metric, {}).get("estimate")  # type: ignore[no-any-return]

    @property
    def exit_code(self) -> int:
        """0 it ran; 3 every sample failed, or a scorer on every sample; 5 nothing ran; 6 the cost cap ended it; 130
        interrupted."""
        if self.status == "interrupted":
            return 130
        if self.status == "capped":
            return 6
        if self.status == "failed" or any(count == total for count, total, _ in self.scorer_failures.values()):
            return 3
        return 0 if self.summary.get("samples") else 5

    @property
    def scorer_failures(self) -> dict[str, tuple[int, int, str]]:
        """For each scorer that raised: on how many samples, of how many, and what it said first."""
        found = self.summary.get("scorer_failures", {})
        return {name: (one["failed"], one["of"], one["first"]) for name, one in found.items()}

    def samples(self, **where: Any) -> Iterator[Sample]:
        """The samples, in the order they were stored; ``where`` as in `Store.find` (``status="error"``)."""
        return self.store.find(Sample, {"run_id": self.id, **where})

    def columns(self) -> Columns:
        """All samples as columns."""
        return read(self.store, self.id)

    def against(self, baseline: Any, **options: Any) -> Any:
        """The verdict on this run compared with ``baseline`` (see `slipway.compare`)."""
        from slipway.evals.compare import compare

        return compare(baseline, self, **options)

    def __str__(self) -> str:
        summary = self.summary
        if "says" in summary:
            return f"{self.variant}: {summary['says']}"
        parts = [f"{name} {score_line(score)}" for name, score in self.scores.items()]
        latency = summary.get("latency_ms") or {}
        if latency:
            parts.append(f"p50 {latency['p50']['estimate']:.3g} ms")
            parts.append(f"p95 {latency['p95']['estimate']:.3g} ms")
        if summary.get("cost_usd", {}).get("total"):
            parts.append(f"${_spent(summary):.4f}")
        if taken := taken_over(summary):
            parts.append(taken)
        failed = summary.get("failed", 0) + summary.get("infrastructure_failures", 0)
        if failed:
            parts.append(f"{failed} failed")
        if self.status != "finished":
            parts.append(f"{self.status.replace('_', ' ')} after {summary.get('samples', 0)} of {self.record.planned}")
        return f"{self.variant}: " + ", ".join(parts)

    def __repr__(self) -> str:
        return f"<Run {self.id[:12]} {self}>"

    def _repr_html_(self) -> str:
        return Runs({self.variant: self})._repr_html_()


class Runs(Mapping[str, Run]):
    """Runs by variant name, in the order they ran. Prints as a table, in a terminal and in a notebook."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = dict(runs)

    def __getitem__(self, variant: str) -> Run:
        try:
            return self._runs[variant]
        except KeyError:
            raise NotFound.among("variant in these runs", variant, self._runs) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def only(self) -> Run:
        """The run, when there is one. Raises `UsageError` when there are several."""
        if len(self) != 1:
            raise UsageError(f"there are {len(self)} runs: {', '.join(self)}", mend="name one: runs['NAME']")
        return next(iter(self._runs.values()))

    @property
    def exit_code(self) -> int:
        """The gravest of the runs' exit codes: 130, 3, 6, 5, 0 in this order."""
        codes = {run.exit_code for run in self._runs.values()}
        return next((code for code in (130, 3, 6, 5) if code in codes), 0)

    def __str__(self) -> str:
        return "\n".join(str(run) for run in self._runs.values())

    def __repr__(self) -> str:
        return f"<Runs {list(self._runs)}>"

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the table."""
        metrics = list(dict.fromkeys(name for run in self._runs.values() for name in run.scores))
        header = ["variant", *metrics, "p50 ms", "p95 ms", "cost", "failed", "status"]
        body = []
        for run in self._runs.values():
            latency, summary = run.summary.get("latency_ms") or {}, run.summary
            cells = [score_line(run.scores[name]) if name in run.scores else "" for name in metrics]
            times = [f"{latency[q]['estimate']:.3g}" if latency else "" for q in ("p50", "p95")]
            cost = f"${_spent(summary):.4f}"
            failed = str(summary.get("failed", 0) + summary.get("infrastructure_failures", 0))
            status = ", ".join(filter(None, [run.status.replace("_", " "), taken_over(summary)]))
            body.append([run.variant, *cells, *times, cost, failed, status])
        return header, body

    def __rich__(self) -> Any:
        from slipway.evals.runs_draw import drawing

        return drawing([run.record for run in self._runs.values()])

    def _repr_html_(self) -> str:
        from slipway.evals.html import table

        return table(*self.rows())


def _spent(summary: Mapping[str, Any]) -> float:
    """What this run itself paid: what was recorded before is not paid again."""
    costs = summary.get("cost_usd") or {}
    return float(costs.get("paid", costs.get("total", 0.0)))


def run_of(thing: Any, store: Any = None, *, suite: str = "") -> Run:
    """A `Run` from a Run, Runs of one, an `EvalRun`, or (with a store) an id, its beginning or a variant's name: of one that ran
    on ``suite`` its run there. Raises `NotFound`, and `UsageError` where a name says too little."""
    if isinstance(thing, Run):
        return thing
    if isinstance(thing, Runs):
        return thing.only
    if store is None:
        raise UsageError("a run's id says nothing without a store", mend="pass store=")
    if isinstance(thing, EvalRun):
        return Run(thing, store)
    return Run(find_run(store, str(thing), prefer=suite), store)


def pair_of(one: Any, other: Any, store: Any = None) -> tuple[Run, Run]:
    """Two runs to compare, as `run_of`; what only a name says is taken on the suite of the other, or on the one both ran on."""
    named = [not isinstance(thing, Run | Runs | EvalRun) for thing in (one, other)]
    if all(named) and store is not None:
        first, second = find_pair(store, str(one), str(other))
        return Run(first, store), Run(second, store)
    if named[0]:
        second_run = run_of(other, store)
        return run_of(one, store or second_run.store, suite=suite_of(second_run.record)), second_run
    first_run = run_of(one, store)
    return first_run, run_of(other, store or first_run.store, suite=suite_of(first_run.record))
