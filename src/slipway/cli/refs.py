"""How runs and traces are named on the command line: a unique prefix of the id, ``@latest``, or a variant's name.

A name stands for the variant's newest run on a suite. Where it ran on several, the command says which and takes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from slipway.data import EvalRun, Span
from slipway.errors import NotFound, UsageError
from slipway.evals import naming
from slipway.evals.naming import LATEST
from slipway.evals.naming import short as short

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from slipway.store.protocol import Store

find_run, find_pair = partial(naming.find_run, mend=naming.BY_OPTION), partial(naming.find_pair, mend=naming.BY_OPTION)


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
