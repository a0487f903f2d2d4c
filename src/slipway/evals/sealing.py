"""A run of a held-out suite: nothing of its samples is stored, and what it came to is told by a look (see sealed.py)."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.data import Sample, Variant
from slipway.errors import UsageError
from slipway.evals.columns import WORLD
from slipway.evals.experiment import Experiment
from slipway.store.protocol import Store

if TYPE_CHECKING:
    from slipway.evals.models import ModelSource
    from slipway.evals.sealed import Told


def check_budget(experiment: Experiment, models: ModelSource, store: Store) -> None:
    """Before the first look: raises `UsageError` when a sealed experiment has more new variants than there are looks left."""
    if not experiment.sealed or experiment.suite is None:
        return
    from slipway.evals.sealed import ledger

    book = ledger(store, experiment.suite.name)
    new = []
    for variant in experiment.variants:
        model = models.for_variant(variant)
        if book.find(variant.id, experiment.recipe(variant, model.name if model else "")) is None:
            new.append(variant.name)
    if len(new) > max(book.left, 1):  # of one at a locked suite, the look itself says so
        raise UsageError(
            f"suite {book.suite!r} has {book.left} looks left, and there are {len(new)} new variants: {', '.join(new)}",
            mend="name those that are worth a look",
        )


@dataclass
class SealedRun:
    """Gathers the scores of one run in memory. ``told`` is what was told of this variant before, if anything; ``lost`` counts
    samples that the infrastructure failed, not the variant."""

    store: Store
    suite: str
    variant: Variant
    why: str
    recipe: str
    metric: str
    planned: int
    told: Told | None = None
    scorer: str = ""
    lost: int = 0
    scores: dict[str, list[float | None]] = field(default_factory=dict)
    latency_ms: array[float] = field(default_factory=lambda: array("d"))

    @classmethod
    def of(cls, experiment: Experiment, variant: Variant, recipe: str, kit_store: Store, why: str) -> SealedRun | None:
        """For a sealed experiment, whether it may run at all; None for any other. Raises `SealedError`."""
        if not experiment.sealed:
            return None
        if experiment.suite is None:
            raise UsageError("a sealed dataset is looked at through its suite", mend="pass suite=, not data=")
        from slipway.evals.sealed import check_look

        name, metric = experiment.suite.name, experiment.suite.gate.metric
        told = check_look(kit_store, name, variant=variant, why=why, recipe=recipe)
        scorer = experiment.scorers[0].name
        return cls(kit_store, name, variant, why, recipe, metric, experiment.planned, told, scorer)

    def record(self, sample: Sample) -> None:
        """Keep the score in memory, and nothing on disk."""
        self.lost += (sample.error or "").startswith(WORLD)
        if not self.metric and sample.scores:
            self.metric = sample.scores[0].name
        value = next((score.value for score in sample.scores if score.name == self.metric), None)
        self.scores.setdefault(sample.example_id, []).append(value)
        self.latency_ms.append(sample.latency_ms)

    def summary(self) -> dict[str, Any]:
        """What the run came to: what was told before, or what a look tells now. Latency is told too; failures are not, they
        are scores."""
        if self.told is not None:
            return {"samples": self.planned, "look": self.told.to_dict(), "says": str(self.told)}
        from slipway.evals.sealed import ledger, seal_scores, take_look, this_person
        from slipway.evals.summary import latency

        if not self.metric:  # not one sample was answered: they are all wrong in whatever was scored before
            looks = ledger(self.store, self.suite).looks
            self.metric = str(looks[-1].told.get("metric") or self.scorer) if looks else self.scorer
        digest = seal_scores(self.store, self.suite, self.scores, metric=self.metric)
        told = take_look(
            self.store,
            self.suite,
            self.scores,
            variant=self.variant,
            who=this_person(),
            why=self.why,
            recipe=self.recipe,
            metric=self.metric,
        )
        return {
            "samples": self.planned,
            "metric": self.metric,
            "sealed_scores": digest,
            "look": told.to_dict(),
            "says": str(told),
            "latency_ms": latency(self.latency_ms),
        }
