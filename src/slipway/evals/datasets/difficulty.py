"""How hard each example is, by what became of it in earlier runs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.data import DatasetVersion, EvalRun, Sample
from slipway.evals.datasets.dataset import Dataset

if TYPE_CHECKING:
    from slipway.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Of ``of`` variants that met the example, ``right`` got it right (in at least half of their repeats)."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """0: every variant is right; 1: none is."""
        return 1 - self.right / self.of

    @property
    def band(self) -> str:
        """``solved`` (all are right), ``open`` (some), ``unsolved`` (none): to slice by, or to look at first."""
        return "solved" if self.right == self.of else "open" if self.right else "unsolved"


def difficulty(store: Store, dataset: Dataset, *, metric: str | None = None) -> dict[str, Difficulty]:
    """Difficulty by example id, for those that some variant has met.

    Every run on any version of this dataset's name counts, except held-out ones; a sample counts while its example is
    unchanged. ``metric`` is the score that says right or wrong (at least half); by default the first score of a sample.
    A failed sample is wrong.
    """
    hashes = {example.id: example.hash for example in dataset}
    versions = [version.id for version in store.find(DatasetVersion, {"name": dataset.name})] or [dataset.version]
    verdicts: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for run in store.find(EvalRun, {"dataset_id__in": versions}):
        if run.tier == "held-out":
            continue
        for sample in store.find(Sample, {"run_id": run.id}):
            if sample.example_hash and sample.example_hash != hashes.get(sample.example_id):
                continue
            right = _right(sample, metric)
            if right is not None and sample.example_id in hashes:
                verdicts[sample.example_id][run.variant_id].append(right)
    return {
        key: Difficulty(right=sum(2 * sum(each) >= len(each) for each in by_variant.values()), of=len(by_variant))
        for key, by_variant in verdicts.items()
    }


def _right(sample: Sample, metric: str | None) -> bool | None:
    if sample.status != "ok":
        return False
    for score in sample.scores:
        if (metric is None or score.name == metric) and score.value is not None:
            return score.value >= 0.5
    return None
