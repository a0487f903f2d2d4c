"""One side of a comparison: the scores of a run, or of a JSONL file, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.errors import DataError, NotFound
from slipway.evals.columns import FIELDS, SCORED, Columns, gather, read, rows
from slipway.evals.results import Run
from slipway.store.protocol import Store

if TYPE_CHECKING:
    import numpy as np

TIMES = {"latency_ms": "latency_ms", "cost_usd": "cost_usd"}
"""What every run has beside its scores; lower is better."""


class Line(msgspec.Struct):
    """A line of a score file."""

    example_id: str | int
    score: float | bool | None
    repeat: int = 0
    cluster: str | int | None = None


@dataclass
class Side:
    """``metric`` is the score that counts unless another is named."""

    label: str
    metric: str
    columns: Columns
    run_id: str = ""
    dataset_id: str = ""
    seed: int | None = None
    status: str = ""
    project: str = "default"
    store: Store | None = None
    noise: Mapping[str, Any] = field(default_factory=dict)
    _hashes: dict[str, str] = field(default_factory=dict)

    @property
    def slices(self) -> Sequence[str]:
        """Names of slices."""
        return tuple(self.columns.slices)

    def slice_values(self, name: str) -> set[str]:
        """The values of a slice, as text."""
        return {str(value) for value in self.columns.slices.get(name, ()) if value is not None}

    def has(self, metric: str) -> bool:
        """Whether there is such a score."""
        try:
            self.columns.metric(metric)
        except NotFound:
            return metric in TIMES and not self.columns.metrics.get(metric)
        return True

    def scored(self, metric: str) -> bool:
        """Whether any sample has a value of that score."""
        found = self.columns.holder(metric).metrics.get(metric)
        return found is not None and any(value == value for value in found.values)

    def version(self, metric: str) -> str:
        """The version of the scorer behind a metric; "" when unknown. Raises `NotFound`."""
        if metric in TIMES and metric not in self.columns.metrics:
            return ""
        return self.columns.metric(metric).version

    def higher_is_better(self, metric: str) -> bool:
        """Which way is better."""
        if metric in TIMES and metric not in self.columns.metrics:
            return False
        return self.columns.metric(metric).better != "lower"

    def seed_differs(self, other: Side) -> bool:
        """Whether both have a seed, and not the same."""
        return self.seed is not None and other.seed is not None and self.seed != other.seed

    def scores(
        self, metric: str, *, other: Side, by: str | None = None, value: str | None = None
    ) -> tuple[Any, Any, Any]:
        """(example ids, scores, clusters or None), one entry for each sample; NaN where there is no score.

        Left out are samples outside of the slice, and examples that are not the same in the other side's dataset.
        """
        import numpy as np

        columns = self.columns.holder(metric)
        if metric in TIMES and metric not in self.columns.metrics:
            columns = self.columns
            values = np.frombuffer(getattr(columns, TIMES[metric]), dtype=float)
        else:
            values = np.frombuffer(columns.metric(metric).values, dtype=float)
        ids: Any = columns.example_ids
        clusters: Any = columns.units() if any(c is not None for c in columns.clusters) else None
        keep = self._same_examples(columns, other)
        if by is not None:
            column = columns.slices.get(by) or [None] * len(columns)
            inside = np.fromiter((str(item) == value for item in column), bool, len(columns))
            keep = inside if keep is None else keep & inside
        if keep is None:
            return ids, values, clusters
        chosen = np.flatnonzero(keep)
        return (
            [ids[index] for index in chosen],
            values[chosen],
            None if clusters is None else [clusters[index] for index in chosen],
        )

    def _same_examples(self, columns: Columns, other: Side) -> np.ndarray | None:
        import numpy as np

        if self.dataset_id == other.dataset_id or not self.dataset_id or not other.dataset_id:
            return None
        mine, theirs = self.hashes(), other.hashes()
        return np.fromiter((mine.get(i) == theirs.get(i, mine.get(i)) for i in columns.example_ids), bool, len(columns))

    def hashes(self) -> dict[str, str]:
        """Example id -> hash of its content, as it was when this side ran."""
        if not self._hashes and self.store is not None:
            self._hashes = {row[0]: row[1] for row in rows(self.store, self.run_id, ("example_id", "example_hash"))}
        return self._hashes


def run_side(run: Run, *, measured: bool = False) -> Side:
    """A run as a side; with latency and cost only when ``measured``."""
    columns = read(run.store, run.id, FIELDS if measured else SCORED)
    record = run.record
    return Side(
        label=record.variant,
        metric=str(record.config.get("gate", {}).get("metric") or columns.main),
        columns=columns,
        run_id=record.id,
        dataset_id=record.dataset_id,
        seed=record.seed,
        status=record.status,
        project=record.project,
        store=run.store,
        noise=record.summary.get("noise") or {},
    )


def file_side(path: Path) -> Side:
    """A JSONL file of scores as a side. Raises `DataError` naming file and line."""
    decode = msgspec.json.Decoder(Line).decode
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", mend="give a file of scores, or a run") from None
    made = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} line {number}: {error}", mend='write {"example_id": "...", "score": 0.5} on each line'
            ) from None
        score = {"name": "score", "value": None if row.score is None else float(row.score)}
        cluster = None if row.cluster is None else str(row.cluster)
        made.append((str(row.example_id), row.repeat, "ok", None, cluster, (score,), None))
    if not made:
        raise DataError(f"{path} has no scores", mend="give it at least two lines")
    return Side(label=path.stem, metric="score", columns=gather(made))
