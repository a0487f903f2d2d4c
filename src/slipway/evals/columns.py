"""A run's samples as columns: what summaries and comparisons are computed from, without 100,000 records in memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slipway.data import Sample
from slipway.errors import NotFound
from slipway.store.protocol import Store

WORLD = "infrastructure: "
"""How the error of a sample begins whose failure is not the task's: the provider's, the network's."""

ALL_REPEATS = 2**31 - 1
"""The ``repeat`` of the sample that holds the scores over all repeats of an example (consistency)."""

SCORED = ("example_id", "repeat", "status", "error", "cluster", "scores", "slices")
MEASURED = ("latency_ms", "cost_usd", "input_tokens", "output_tokens", "cached")
FIELDS = (*SCORED, *MEASURED)
OK, TASK_FAILED, WORLD_FAILED = 0, 1, 2


@dataclass
class Metric:
    """One score over all rows; NaN where there is none. ``better`` is higher, lower or none; ``scorer`` who made it."""

    name: str
    better: str
    version: str
    values: array[float]
    scorer: str = ""


@dataclass
class Columns:
    """Row i of every column is one sample. ``status``: 0 ok, 1 the task failed (or was too slow), 2 the world failed.

    ``groups`` holds the rows over all repeats (`ALL_REPEATS`), when an aggregate scorer made any. ``scorer_failures`` holds
    for each scorer that raised how often it did, and what it said first.
    """

    example_ids: list[str] = field(default_factory=list)
    clusters: list[str | None] = field(default_factory=list)
    repeats: array[int] = field(default_factory=lambda: array("i"))
    status: array[int] = field(default_factory=lambda: array("b"))
    timeouts: int = 0
    cached: int = 0
    paid_usd: float = 0.0
    latency_ms: array[float] = field(default_factory=lambda: array("d"))
    cost_usd: array[float] = field(default_factory=lambda: array("d"))
    input_tokens: int = 0
    output_tokens: int = 0
    slices: dict[str, list[Any]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    scorer_failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    groups: Columns | None = None

    def __len__(self) -> int:
        return len(self.example_ids)

    @property
    def repeated(self) -> bool:
        """Whether any example ran more than once."""
        return any(self.repeats)

    @property
    def main(self) -> str:
        """The first score that says which way is better; the first of all, if none does; "" without scores."""
        directed = [name for name, metric in self.metrics.items() if metric.better != "none"]
        named = directed or list(self.metrics)
        return named[0] if named else self.groups.main if self.groups is not None else ""

    def metric(self, name: str) -> Metric:
        """The metric, also among those over all repeats. Raises `NotFound`."""
        if name in self.metrics:
            return self.metrics[name]
        if self.groups is not None and name in self.groups.metrics:
            return self.groups.metrics[name]
        known = [*self.metrics, *(self.groups.metrics if self.groups else ())]
        raise NotFound.among("score", name, known)

    def holder(self, name: str) -> Columns:
        """The columns that hold the metric: these, or those over all repeats."""
        return self if name in self.metrics or self.groups is None else self.groups

    def units(self) -> list[str] | None:
        """What each row belongs to when rows are not independent: its cluster, else its example. None when all are."""
        if any(cluster is not None for cluster in self.clusters):
            # The mark keeps an example without cluster apart from a cluster that has its id as a name.
            return [
                f"c:{cluster}" if cluster is not None else f"e:{identity}"
                for cluster, identity in zip(self.clusters, self.example_ids, strict=True)
            ]
        return self.example_ids if self.repeated else None

    def add(self, row: Sequence[Any]) -> None:
        """Append one sample, its values in the order of `FIELDS`; those of `MEASURED` may be left out."""
        identity, repeat, status, error, cluster, scores, slices = row[:7]
        position = len(self.example_ids)
        self.example_ids.append(identity)
        self.repeats.append(repeat)
        self.clusters.append(cluster)
        failed_world = status != "ok" and (error or "").startswith(WORLD)
        self.status.append(OK if status == "ok" else WORLD_FAILED if failed_world else TASK_FAILED)
        self.timeouts += status == "timeout"
        for name in slices or ():
            column = self.slices.setdefault(name, [])
            column.extend([None] * (position - len(column)))
            column.append(slices[name])
        for score in scores or ():
            self._score(position, score)
        if len(row) > len(SCORED):
            self._measured(*row[len(SCORED) :])

    def _measured(self, latency: float, cost: float | None, asked: int, answered: int, cached: bool) -> None:
        self.cached += bool(cached)
        self.paid_usd += 0.0 if cached else cost or 0.0
        self.latency_ms.append(latency)
        self.cost_usd.append(math.nan if cost is None else cost)
        self.input_tokens += asked
        self.output_tokens += answered

    def _score(self, position: int, score: Any) -> None:
        named = isinstance(score, Mapping)
        name = score["name"] if named else score.name
        value = score.get("value") if named else score.value
        metric = self.metrics.get(name)
        if metric is None:
            better = score.get("better", "higher") if named else score.better
            version = score.get("scorer_version", "") if named else score.scorer_version
            made_by = score.get("scorer", "") if named else score.scorer
            metric = self.metrics[name] = Metric(name, better, version, array("d"), made_by)
        if value is None:
            self._unscored(metric.scorer, score)
        missing = position - len(metric.values)
        if missing > 0:
            metric.values.extend([math.nan] * missing)
        if missing >= 0:
            metric.values.append(math.nan if value is None else value)

    def _unscored(self, scorer: str, score: Any) -> None:
        named = isinstance(score, Mapping)
        if "scorer_error" not in ((score.get("metadata") if named else score.metadata) or {}):
            return  # it could not say; it did not fail
        count, said = self.scorer_failures.get(scorer, (0, ""))
        explained = (score.get("explanation") if named else score.explanation) or ""
        self.scorer_failures[scorer] = (count + 1, said or str(explained))

    def close(self) -> Columns:
        """Fill every column to the same length, and give failed samples what they earned.

        A task that failed gave no right answer: it counts as 0 in every 0..1 score where higher is better. What the
        world did (a provider that is down) counts in no score.
        """
        size = len(self)
        for column in self.slices.values():
            column.extend([None] * (size - len(column)))
        for metric in self.metrics.values():
            metric.values.extend([math.nan] * (size - len(metric.values)))
        if any(self.status):
            for metric in self.metrics.values():
                self._fail(metric)
        return self

    def _fail(self, metric: Metric) -> None:
        if metric.better != "higher" or any(not math.isnan(v) and not 0.0 <= v <= 1.0 for v in metric.values):
            return
        for index, status in enumerate(self.status):
            if status == TASK_FAILED:
                metric.values[index] = 0.0


def read(store: Store, run_id: str, fields: Sequence[str] = FIELDS) -> Columns:
    """The columns of a run, as far as it has got. With ``SCORED`` only scores and slices, in half the time."""
    return gather(rows(store, run_id, fields))


def gather(samples: Iterable[Sequence[Any]]) -> Columns:
    """Columns from rows in the order of `FIELDS` or `SCORED`."""
    columns, groups = Columns(), Columns()
    for row in samples:
        (groups if row[1] == ALL_REPEATS else columns).add(row)
    if len(groups):
        columns.groups = groups.close()
    return columns.close()


def rows(store: Store, run_id: str, fields: Sequence[str] = FIELDS) -> Iterator[Sequence[Any]]:
    """The named fields of each sample of a run, by the store's short way when it has one."""
    short = getattr(store, "columns", None)
    if short is not None:
        yield from short(Sample, tuple(fields), {"run_id": run_id})
        return
    for sample in store.find(Sample, {"run_id": run_id}):
        yield [getattr(sample, name) for name in fields]
