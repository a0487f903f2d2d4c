"""What a run keeps about itself beside its scores: enough to resume it, to reuse it and to do it again elsewhere."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.data import Variant, plain
from slipway.evals.task import Task

if TYPE_CHECKING:
    from slipway.evals.experiment import Experiment


def run_config(
    experiment: Experiment, variant: Variant, *, recipe: str, models: dict[str, str], process: dict[str, Any]
) -> dict[str, Any]:
    """`EvalRun.config`, as JSON types.

    ``recipe`` is the hash of all that decides an output beside the example; ``task`` says where its function is; ``model`` and
    ``judge`` are what was named, ``model_name`` and ``judge_name`` what answered; ``process`` is who runs it.
    """
    suite = experiment.suite
    made: dict[str, Any] = plain(
        {
            "recipe": recipe,
            "task": where_is(experiment.task.function),
            "code_hash": experiment.task.code_hash,
            **models,
            "variant": {"parent": variant.parent, "note": variant.note, "config": variant.config},
            "scorers": scorer_facts(experiment),
            "limit": asdict(experiment.limit),
            "slices": experiment.slices,
            "gate": msgspec.to_builtins(suite.gate) if suite else {},
            "objectives": msgspec.to_builtins(experiment.objectives),
            "sealed": experiment.sealed,
            "root": str(Path(experiment.root).absolute()),
            "sys_path": [str(Path(entry).absolute()) for entry in sys.path if entry and Path(entry).exists()],
            "process": process,
        }
    )
    return made


def scorer_facts(experiment: Experiment) -> list[dict[str, Any]]:
    """Of each scorer: how it was asked for, its name, version and settings."""
    made = []
    for given, scorer in zip(experiment.given_scorers, experiment.scorers, strict=True):
        spec = given if isinstance(given, str | dict) else ""
        found = "" if spec else where_is(getattr(given, "function", given))["import"]
        made.append(
            {
                "name": scorer.name,
                "version": scorer.version,
                "parameters": dict(scorer.parameters),
                "spec": spec,
                "import": found,
            }
        )
    return made


def same_scorers(recorded: Any, experiment: Experiment) -> bool:
    """Whether a run was scored by these scorers, in these versions."""
    if not isinstance(recorded, Sequence):
        return False
    old = [(one.get("name"), one.get("version")) for one in recorded]
    return old == [(scorer.name, scorer.version) for scorer in experiment.scorers]


def where_is(function: Any) -> dict[str, str]:
    """Where a function is found again: ``import`` ("module:name", "" when it cannot be imported), ``file``, ``qualname``."""
    function = function.function if isinstance(function, Task) else function
    function = inspect.unwrap(function) if callable(function) else function
    module = getattr(function, "__module__", "") or ""
    qualname = getattr(function, "__qualname__", type(function).__qualname__)
    try:
        file = str(Path(inspect.getsourcefile(function) or "").absolute())
    except TypeError:  # an instance, or something built in
        file = ""
    importable = module not in ("", "__main__") and "<" not in qualname
    return {"import": f"{module}:{qualname}" if importable else "", "file": file, "qualname": qualname}
