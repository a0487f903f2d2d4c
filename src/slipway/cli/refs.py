"""How runs and traces are named on the command line: a unique prefix of the id, ``@latest``, or a variant's name.

A name stands for the variant's newest run on a suite. Where it ran on several, the command says which and takes none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slipway.data import EvalRun, Span
from slipway.errors import NotFound, UsageError

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from slipway.store.protocol import Store

LATEST = "@latest"
SHORT = 12
"""Digits of an id that are shown: among a million runs, two share them once in 280 stores."""


def short(identity: str) -> str:
    """The first digits of an id; every command takes them."""
    return identity[:SHORT]


def find_run(store: Store, reference: str, *, project: str, suite: str | None = None) -> EvalRun:
    """The eval run that ``reference`` names; of a variant's name, its newest run of ``suite``, or of the one suite it ran on.

    Raises `NotFound` with the nearest names, `UsageError` when a prefix fits several runs, or a variant ran on several suites:
    which of them is meant decides what a gate says, so nobody guesses.
    """
    where: dict[str, Any] = {"project": project} | ({"suite": suite} if suite else {})
    if reference == LATEST:
        newest = next(store.find(EvalRun, where, newest_first=True, limit=1), None)
        if newest is None:
            raise NotFound(f"no eval run in project {project!r}", mend="make one: slipway eval SUITE")
        return newest
    named = _by_suite(store, where | {"variant": reference})
    if named:
        return _the_one(reference, named)
    if re.fullmatch(r"[0-9a-f]{2,32}", reference):
        found = list(store.find(EvalRun, {"id__prefix": reference}, limit=3))
        if len(found) == 1:
            return found[0]
        if found:
            fits = ", ".join(short(run.id) for run in found)
            raise UsageError(f"{reference!r} is the beginning of several runs: {fits}", mend="give more digits")
    known = {run.variant for run in store.find(EvalRun, where)}
    if not known:
        on = f" of suite {suite!r}" if suite else ""
        raise NotFound(f"no eval run{on} in project {project!r}", mend=f"make one: slipway eval {suite or 'SUITE'}")
    raise NotFound.among("eval run or variant", reference, {LATEST, *known})


def find_pair(store: Store, one: str, other: str, *, project: str, suite: str | None = None) -> tuple[EvalRun, EvalRun]:
    """Two runs to compare. Of a variant's name, its newest run of the suite that both ran on.

    Raises as `find_run`, and `UsageError` when both ran on several suites or on none in common.
    """
    sides = [_by_suite(store, {"project": project, "variant": name}) for name in (one, other)]
    if suite is None and all(sides):
        common = {key: run for key, run in sides[1].items() if key in sides[0]}
        if not common:
            ran = [f"{name} on {', '.join(side)}" for name, side in zip((one, other), sides, strict=True)]
            raise UsageError(f"no suite that both ran on: {'; '.join(ran)}", mend="run them on one: slipway eval SUITE")
        second = _the_one(other, common)
        return sides[0][_suite_of(second)], second
    if suite is None and sides[0]:
        other_run = find_run(store, other, project=project)
        return sides[0].get(_suite_of(other_run)) or _the_one(one, sides[0]), other_run
    first = find_run(store, one, project=project, suite=suite)
    if suite is None and sides[1]:
        return first, sides[1].get(_suite_of(first)) or _the_one(other, sides[1])
    return first, find_run(store, other, project=project, suite=suite)


def _suite_of(run: EvalRun) -> str:
    return run.suite or run.experiment


def _by_suite(store: Store, where: dict[str, Any]) -> dict[str, EvalRun]:
    """The newest run on each suite; looks at held-out suites only where there is nothing else."""
    from slipway.evals.rules import RERUN

    found: dict[str, EvalRun] = {}
    for run in store.find(EvalRun, where):
        if not run.experiment.endswith(RERUN):
            found[_suite_of(run)] = run
    return {name: run for name, run in found.items() if run.tier != "held-out"} or found


def _the_one(variant: str, runs: dict[str, EvalRun]) -> EvalRun:
    if len(runs) > 1:
        choices = ", ".join(f"{name} (run {short(run.id)})" for name, run in runs.items())
        mend = f"add --suite {next(iter(runs))}, or give the run's id instead of the name"
        raise UsageError(f"{variant!r} has runs on several suites: {choices}", mend=mend)
    return next(iter(runs.values()))


def find_trace(store: Store, reference: str, *, project: str) -> str:
    """The trace id that ``reference`` (a prefix or ``@latest``) names. Raises `NotFound`, `UsageError`."""
    if reference == LATEST:
        span = next(store.find(Span, {"project": project}, newest_first=True, limit=1), None)
        if span is None:
            raise NotFound(f"no trace in project {project!r}", mend="record one: slipway run SCRIPT")
        return span.trace_id
    span = next(store.find(Span, {"trace_id__prefix": reference.lower()}, limit=1), None) if reference else None
    if span is None:
        raise NotFound(f"no trace {reference!r}", mend="list them: slipway trace ls")
    if store.count(Span, {"trace_id__prefix": reference.lower(), "trace_id__ne": span.trace_id}):
        raise UsageError(f"{reference!r} is the beginning of several traces", mend="give more digits")
    return span.trace_id


# -- completion ------------------------------------------------------------------------------------------------------------


def _config(ctx: click.Context) -> Any:
    """The settings while completing; options typed so far count."""
    from pathlib import Path

    from slipway.config import load

    data = ctx.params.get("data")
    given = {name: ctx.params.get(name) for name in ("store", "project")}
    return load(**given, data=str(Path(data).absolute()) if data else None)


def _find(config: Any, kind: type[Any], **more: Any) -> Iterator[Any]:
    """Records of the project; none, and nothing created, where there is no store yet."""
    from pathlib import Path

    from slipway.store import open_store

    url = config.store_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return
    store = open_store(url)
    where = {"project": config.project, **more.pop("where", {})}
    yield from store.find(kind, where, **more)
    store.close()


def _items(ctx: click.Context, incomplete: str, kind: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from slipway.errors import SlipwayError

    try:
        found = _KINDS[kind](_config(ctx))
    except SlipwayError:
        return []  # a shell must not print errors between keystrokes
    return [CompletionItem(name, help=note) for name, note in found.items() if name.startswith(incomplete)]


def _runs(config: Any) -> dict[str, str]:
    found = {LATEST: "the newest run"} | _variants(config)
    for run in _find(config, EvalRun, newest_first=True, limit=50):
        found[short(run.id)] = f"{run.variant} on {run.suite or run.experiment}"
    return found


def _variants(config: Any) -> dict[str, str]:
    from slipway.data import Variant

    found = {name: table.note for name, table in config.variants.items()}
    return found | {v.name: v.note for v in _find(config, Variant)}


def _suites(config: Any) -> dict[str, str]:
    return {name: suite.tier for name, suite in config.suites.items()}


def _datasets(config: Any) -> dict[str, str]:
    from slipway.data import DatasetVersion

    return {v.name: f"{v.size} examples" for v in _find(config, DatasetVersion)}


def _sealed(config: Any) -> dict[str, str]:
    from slipway.data import DatasetVersion

    found = _find(config, DatasetVersion, where={"sealed": True})
    return {str(v.provenance.get("suite", v.name)): f"{v.size} examples" for v in found}


def _traces(config: Any) -> dict[str, str]:
    spans = _find(config, Span, where={"parent_id": None}, newest_first=True, limit=50)
    return {LATEST: "the newest trace"} | {short(span.trace_id): span.name for span in spans}


_KINDS = {
    "run": _runs,
    "variant": _variants,
    "suite": _suites,
    "dataset": _datasets,
    "trace": _traces,
    "sealed": _sealed,
}


def completes(kind: str) -> Any:
    """The ``shell_complete`` of an argument that names a run, variant, suite, dataset or trace."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _items(ctx, incomplete, kind)

    return complete
