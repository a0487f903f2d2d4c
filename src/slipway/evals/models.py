"""Which model answers: the variant's, the run's, or the one of ``slipway.toml``; and the judge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slipway.config import Config
from slipway.data import Variant
from slipway.errors import ModelError, UsageError
from slipway.evals.client import Line, Meter, ModelClient, Recall, prompt_finder
from slipway.evals.limits import Pace, Purse
from slipway.models.protocol import Model
from slipway.store.protocol import Store

if TYPE_CHECKING:
    from slipway.evals.experiment import Experiment
    from slipway.scorers.base import Scorer


class ModelSource:
    """Models by name, each opened once."""

    def __init__(self, model: Any, judge: Any, config: Config) -> None:
        self._config = config
        self._opened: dict[str, Model] = {}
        self._given = model
        self.model = self._resolve(model if model is not None else config.model or None)
        self.judge = self._resolve(judge) or self.model
        self._names = {
            "model": model if isinstance(model, str) else "" if model is not None else config.model,
            "judge": judge if isinstance(judge, str) else "",
        }

    def facts(self, model: Model | None) -> dict[str, str]:
        """What is recorded of the models: what was named ("" for an object), and the names of those that answer."""
        judge = self.judge.name if self.judge is not None else ""
        return {**self._names, "model_name": model.name if model is not None else "", "judge_name": judge}

    def check(self, scorers: Sequence[Scorer]) -> None:
        """Before anything runs: raises `UsageError` when a scorer wants a judge and there is none."""
        wants = next((scorer.name for scorer in scorers if scorer.needs_model), None)
        if wants is not None and self.judge is None:
            raise UsageError(
                f"scorer {wants!r} needs a model and the run has none",
                mend="pass judge= or model=, or set model in slipway.toml",
            )

    def for_variant(self, variant: Variant) -> Model | None:
        """The model object that `evaluate` was given, else the one named by the variant's ``model`` setting, else the run's;
        None when there is none."""
        if self._given is not None and not isinstance(self._given, str):
            return self.model
        named = variant.config.get("model")
        if isinstance(named, str) and named:
            if self.model is not None and named == self.model.name:
                return self.model
            try:
                return self._resolve(named)
            except (UsageError, ModelError):
                # A task may use the setting in its own way; then it does not ask for ctx.model.
                return self.model
        return self.model

    def line(
        self, store: Store, model: Model | None, purse: Purse, experiment: Experiment, *, fresh: bool
    ) -> Line | None:
        """What the calls of one run share."""
        if model is None:
            return None
        recall = Recall(store, model.name, enabled=not fresh, keep=not experiment.sealed, project=experiment.project)
        limit = experiment.limit
        room = asyncio.Semaphore(limit.concurrency)
        return Line(model, recall, Pace(limit.per_second), purse, room, prompt_finder(store))

    def judge_client(
        self, store: Store, purse: Purse, experiment: Experiment, meter: Meter, *, fresh: bool
    ) -> ModelClient | None:
        """The judge as scorers see it: priced with the run, its verdicts recorded and recalled. None without a model."""
        if self.judge is None or not any(scorer.needs_model for scorer in experiment.scorers):
            return None
        line = self.line(store, self.judge, purse, experiment, fresh=fresh)
        return None if line is None else ModelClient(line, meter, 0)

    def _resolve(self, model: str | Model | None) -> Model | None:
        if not isinstance(model, str):
            return model
        if model not in self._opened:
            from slipway.models import open_model

            self._opened[model] = open_model(model)
        return self._opened[model]
