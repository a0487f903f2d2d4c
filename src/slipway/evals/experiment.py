"""An experiment: a task, examples, scorers, variants and limits, checked and settled before anything runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slipway import config as settings
from slipway.config import Objectives
from slipway.data import DatasetVersion, Example, Variant, content_hash
from slipway.errors import ConfigError, NotFound, NothingRan, UsageError
from slipway.evals.limits import Limit
from slipway.evals.suites import Suite
from slipway.evals.task import Task

if TYPE_CHECKING:
    from slipway.scorers.base import Scorer
    from slipway.store.protocol import Store

DEFAULT_VARIANT = "default"


@dataclass(frozen=True)
class Experiment:
    """What `evaluate` runs: every variant over every example, ``repeats`` times each.

    ``name`` ties the runs of one experiment together in the journey; it is the suite's name and the task's, unless given.
    """

    name: str
    task: Task
    examples: Sequence[Example]
    version: DatasetVersion
    scorers: tuple[Scorer, ...]
    variants: tuple[Variant, ...]
    limit: Limit = field(default_factory=Limit)
    suite: Suite | None = None
    slices: tuple[str, ...] = ()
    repeats: int = 1
    seed: int = 0
    project: str = "default"
    objectives: Objectives = field(default_factory=Objectives)
    given_scorers: tuple[Any, ...] = ()
    root: str = "."

    def __post_init__(self) -> None:
        self.task.wants_context  # noqa: B018 - refuses a function of another shape
        if not self.examples:
            raise NothingRan(
                f"experiment {self.name!r} has no examples", mend="check the dataset, and the suite's 'where'"
            )
        if self.repeats < 1:
            raise UsageError(f"repeats={self.repeats} runs nothing", mend="give 1 or more")
        seen: set[str] = set()
        for example in self.examples:
            if example.id in seen:
                raise UsageError(f"two examples have the id {example.id!r}", mend="give each example its own id")
            seen.add(example.id)
        names = [variant.name for variant in self.variants]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"two variants are called {twice!r}", mend="give each its own name")

    @property
    def planned(self) -> int:
        """Samples of one run."""
        return len(self.examples) * self.repeats

    @property
    def sealed(self) -> bool:
        """Whether the examples are a held-out suite's."""
        return self.version.sealed or (self.suite is not None and self.suite.sealed)

    def recipe(self, variant: Variant, model: str) -> str:
        """Hash of all that decides an output beside the example: the task's code, the variant's settings, model and seed."""
        return content_hash({"code": self.task.code_hash, "config": variant.config, "model": model, "seed": self.seed})


def settle_variants(given: Any, *, task: Task, config: settings.Config) -> tuple[Variant, ...]:
    """Variants from names (in ``slipway.toml``), mappings, Variant objects, or a mapping of names to settings.

    Raises `NotFound` for a name that has no table, `UsageError` for anything else.
    """
    if given is None:
        given = [Variant(DEFAULT_VARIANT)]
    elif isinstance(given, str | Variant):
        given = [given]
    elif isinstance(given, Mapping):
        given = [_named(name, value) for name, value in given.items()]
    now = time.time_ns()
    made = []
    for item in given:
        variant = _variant(item, config)
        made.append(
            replace(variant, task=task.name, project=config.project, created_ns=variant.created_ns or now, id="")
        )
    if not made:
        raise UsageError("variants is empty", mend="leave it out, or name at least one")
    return tuple(made)


def check_parents(variants: Sequence[Variant], *, config: settings.Config, store: Store) -> None:
    """Raise `ConfigError` for a parent that is its own descendant, or neither beside it, in ``slipway.toml`` nor on record."""
    above = {name: table.parent for name, table in config.variants.items()}
    above |= {variant.name: variant.parent or "" for variant in variants}
    for variant in variants:
        line = [variant.name]
        while parent := above.get(line[-1]):
            if parent in line:
                raise ConfigError(
                    f"variant {variant.name!r} has parents in a circle: {' <- '.join([*line, parent])}",
                    mend="leave the parent of the first one out",
                )
            line.append(parent)
        wanted = variant.parent
        if wanted and wanted not in above and next(store.find(Variant, {"name": wanted}, limit=1), None) is None:
            known = {*above, *(found.name for found in store.find(Variant))} - {variant.name}
            raise ConfigError(f"parent of variant {variant.name!r}: {NotFound.among('variant', wanted, known)}")


def check_slices(slices: Sequence[str], examples: Sequence[Example]) -> None:
    """Raise `NotFound` for a slice that no example has in its metadata."""
    left = set(slices)
    for example in examples:
        if not left:
            return
        left -= example.metadata.keys()
    for name in slices:
        if name in left:
            known = {key for example in examples for key in example.metadata}
            raise NotFound.among("metadata for the slice", name, known)


def _variant(item: Any, config: settings.Config) -> Variant:
    if isinstance(item, Variant):
        return item
    if isinstance(item, str):
        table = config.variants.get(item)
        if table is None:
            raise NotFound.among("variant", item, config.variants)
        return Variant(item, config=table.config, parent=table.parent or None, note=table.note)
    if isinstance(item, Mapping):
        if "name" not in item:
            raise UsageError(
                "a variant has no name", mend="write {'name': ..., 'parent': ..., 'note': ..., 'config': {...}}"
            )
        return _named(str(item["name"]), {key: value for key, value in item.items() if key != "name"})
    raise UsageError(f"{type(item).__name__} is no variant", mend="give a name of slipway.toml, a mapping or a Variant")


def _named(name: str, value: Any) -> Variant:
    if isinstance(value, Variant):
        return replace(value, name=name, id="")
    if not isinstance(value, Mapping):
        raise UsageError(f"variant {name!r} is {type(value).__name__}", mend="give its settings as a mapping")
    rest = dict(value)
    parent, note = rest.pop("parent", None), str(rest.pop("note", ""))
    given = rest.pop("config", {})
    return Variant(name, config={**given, **rest}, parent=parent or None, note=note)
