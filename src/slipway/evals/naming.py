"""How a run is named that is not in hand: an id, its beginning, or a variant's name; alike in Python and on the command line.

A name stands for the variant's newest run on a suite. Where it ran on several, nobody guesses: which of them is meant decides
what a gate says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from slipway.data import EvalRun
from slipway.errors import NotFound, UsageError

if TYPE_CHECKING:
    from slipway.store.protocol import Store

LATEST = "@latest"
SHORT = 12
"""Digits of an id that are shown: among a million runs, two share them once in 280 stores."""
BY_OPTION = "add --suite {suite}, or give the run's id instead of the name"
IN_PYTHON = "pass the run, or its id {run!r} instead of the name"


def short(identity: str) -> str:
    """The first digits of an id; everything that names a run takes them."""
    return identity[:SHORT]


def find_run(
    store: Store,
    reference: str,
    *,
    project: str | None = None,
    suite: str | None = None,
    prefer: str = "",
    mend: str = IN_PYTHON,
) -> EvalRun:
    """The eval run that ``reference`` names; of a variant's name, its newest run of ``suite``, or of the one suite it ran on.
    ``project`` None: of any. ``prefer``: a suite to take where it ran on several, this one among them.

    Raises `NotFound` with the nearest names, `UsageError` when a prefix fits several runs, or a variant ran on several suites;
    ``mend`` then says how to choose.
    """
    where: dict[str, Any] = ({"project": project} if project else {}) | ({"suite": suite} if suite else {})
    within = f" in project {project!r}" if project else ""
    if reference == LATEST:
        newest = next(store.find(EvalRun, where, newest_first=True, limit=1), None)
        if newest is None:
            raise NotFound(f"no eval run{within}", mend="make one: slipway eval SUITE")
        return newest
    exact = store.get(EvalRun, reference)
    if exact is not None:
        return exact
    named = _by_suite(store, where | {"variant": reference})
    if named:
        return named.get(prefer) or _the_one(reference, named, mend)
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
        raise NotFound(f"no eval run{on}{within}", mend=f"make one: slipway eval {suite or 'SUITE'}")
    raise NotFound.among("eval run or variant", reference, {LATEST, *known})


def find_pair(
    store: Store,
    one: str,
    other: str,
    *,
    project: str | None = None,
    suite: str | None = None,
    mend: str = IN_PYTHON,
) -> tuple[EvalRun, EvalRun]:
    """Two runs to compare. Of a variant's name, its newest run of the suite that both ran on.

    Raises as `find_run`, and `UsageError` when both ran on several suites or on none in common.
    """
    where = {"project": project} if project else {}
    sides = [_by_suite(store, where | {"variant": name}) for name in (one, other)]
    if suite is None and all(sides):
        common = {key: run for key, run in sides[1].items() if key in sides[0]}
        if not common:
            ran = [f"{name} on {', '.join(side)}" for name, side in zip((one, other), sides, strict=True)]
            raise UsageError(f"no suite that both ran on: {'; '.join(ran)}", mend="run them on one: slipway eval SUITE")
        second = _the_one(other, common, mend)
        return sides[0][suite_of(second)], second
    if suite is None and sides[0]:
        other_run = find_run(store, other, project=project, mend=mend)
        return sides[0].get(suite_of(other_run)) or _the_one(one, sides[0], mend), other_run
    first = find_run(store, one, project=project, suite=suite, mend=mend)
    if suite is None and sides[1]:
        return first, sides[1].get(suite_of(first)) or _the_one(other, sides[1], mend)
    return first, find_run(store, other, project=project, suite=suite, mend=mend)


def suite_of(run: EvalRun) -> str:
    """What it ran on: a suite, or an experiment without one."""
    return run.suite or run.experiment


def _by_suite(store: Store, where: dict[str, Any]) -> dict[str, EvalRun]:
    """The newest run on each suite; looks at held-out suites only where there is nothing else."""
    from slipway.evals.rules import RERUN

    found: dict[str, EvalRun] = {}
    for run in store.find(EvalRun, where):
        if not run.experiment.endswith(RERUN):
            found[suite_of(run)] = run
    return {name: run for name, run in found.items() if run.tier != "held-out"} or found


def _the_one(variant: str, runs: dict[str, EvalRun], mend: str) -> EvalRun:
    if len(runs) > 1:
        choices = ", ".join(f"{name} (run {short(run.id)})" for name, run in runs.items())
        suite, run = next(iter(runs.items()))
        told = mend.format(suite=suite, run=short(run.id))
        raise UsageError(f"{variant!r} has runs on several suites: {choices}", mend=told)
    return next(iter(runs.values()))
