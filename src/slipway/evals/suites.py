"""Suites: a named set of examples with a tier, a task, scorers, limits and gate rules.

In ``slipway.toml``:

    [suites.quick]
    dataset = "skills.jsonl"
    scorers = ["function_call"]
    gate = { at-least = 0.9, margin = 0.02 }

or in Python, ``Suite("quick", "skills.jsonl", scorers=["function_call"])``. Tiers: ``must-pass`` (every example or blocked),
``quick`` (answers within its time budget, 30 s unless it says otherwise), ``nightly`` (big), ``held-out`` (sealed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import config as settings
from slipway.config import TIERS, Gate, Objectives
from slipway.errors import ConfigError, NotFound, UsageError
from slipway.evals.limits import Limit

if TYPE_CHECKING:
    from slipway.evals.datasets import Dataset
    from slipway.store.protocol import Store

QUICK_SECONDS = 30.0


@dataclass(frozen=True)
class Suite:
    """``dataset`` is a path, a dataset, or a list of examples; ``where`` keeps the examples whose metadata equal it.

    ``looks`` is the budget of a held-out suite. ``gate`` and ``objectives`` are the tables of ``slipway.toml``.
    """

    name: str
    dataset: Any = ""
    tier: str = "quick"
    task: Any = ""
    scorers: Sequence[Any] = ("exact",)
    id: str = "id"
    input: str = "input"
    expected: str = "expected"
    cluster: str = ""
    slices: Sequence[str] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    repeats: int = 1
    looks: int = 0
    limit: Limit = field(default_factory=Limit)
    gate: Gate = field(default_factory=Gate)
    objectives: Objectives = field(default_factory=Objectives)
    root: str = "."

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise NotFound.among("tier", self.tier, TIERS)
        if self.gate.on not in ("low", "estimate"):
            raise ConfigError(f"suite {self.name!r}: gate.on is {self.gate.on!r}", mend='write "low" or "estimate"')
        if self.tier == "quick" and self.limit.seconds is None:
            object.__setattr__(self, "limit", replace(self.limit, seconds=QUICK_SECONDS))

    @property
    def sealed(self) -> bool:
        """Whether the suite is held out: its examples and their scores are shown to nobody."""
        return self.tier == "held-out"

    @classmethod
    def of(cls, name: str, table: settings.Suite, *, config: settings.Config) -> Suite:
        """The suite of a table in ``slipway.toml``; what its limit leaves open comes from ``[limit]``."""
        limit = {
            key: own if own != default else common
            for key, default, own, common in (
                (key, getattr(settings.Limits(), key), getattr(table.limit, key), getattr(config.limit, key))
                for key in settings.Limits.__struct_fields__
            )
        }
        same = ("dataset", "tier", "task", "scorers", "id", "input", "expected", "cluster", "slices", "where")
        return cls(
            name,
            **{key: getattr(table, key) for key in same},
            repeats=table.repeats,
            looks=table.looks,
            limit=Limit.of(settings.Limits(**limit)),
            gate=table.gate,
            objectives=config.objectives,
            root=config.root,
        )

    def load(self, store: Store) -> Dataset:
        """The suite's dataset: a file beside ``slipway.toml``, a version in the store, or what was passed in Python.

        Raises `ConfigError` when it names none, `NotFound` when there is no such file or version.
        """
        from slipway.evals.datasets import dataset, load_version

        if isinstance(self.dataset, str | Path):
            if not str(self.dataset):
                raise ConfigError(
                    f"suite {self.name!r} has no dataset", mend=f"add to [suites.{self.name}]: dataset = 'FILE.jsonl'"
                )
            path = Path(self.root, self.dataset)
            if not path.exists() and not path.suffix:
                return _kept(load_version(store, str(self.dataset)), self.where)
            source: Any = path
        else:
            source = self.dataset
        if hasattr(source, "examples"):
            return _kept(source, self.where)
        return dataset(
            source,
            id=self.id,
            input=self.input,
            expected=self.expected,
            cluster=self.cluster or None,
            slices=tuple(self.slices),
            where=dict(self.where) or None,
        )


def _kept(data: Dataset, where: Mapping[str, Any]) -> Dataset:
    return data.where(**where) if where else data


def suites(config: settings.Config | None = None) -> dict[str, Suite]:
    """Every suite of ``slipway.toml`` by name."""
    config = config or settings.load()
    return {name: Suite.of(name, table, config=config) for name, table in config.suites.items()}


def find_suite(suite: Any, config: settings.Config | None = None) -> Suite | None:
    """A suite from its name, a `Suite`, or None. Raises `NotFound`."""
    if suite is None or isinstance(suite, Suite):
        return suite
    if isinstance(suite, str):
        known = suites(config)
        if suite not in known:
            raise NotFound.among("suite", suite, known)
        return known[suite]
    raise UsageError(f"{type(suite).__name__} is no suite", mend="give a name of slipway.toml, or slipway.Suite(...)")
