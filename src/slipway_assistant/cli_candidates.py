"""`slipway-assistant candidates`: look at what was probably misunderstood, and make the next dataset version of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("action", type=click.Choice(["list", "accept", "drop"]), default="list")
@click.argument("ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Accept or drop all of them.")
@click.option("--call", "meant", metavar="JSON", help='What was meant: {"name": ..., "arguments": {...}}, or null.')
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".slipway"),
    metavar="DIR",
    help="Folder of the store that gets the dataset.  [default: .slipway]",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def candidates(action: str, ids: tuple[str, ...], every: bool, meant: str | None, data: Path, as_json: bool) -> int:
    """List, accept or drop the sentences that were corrected, repeated or given a thumb.

    An id may be cut short where it is still the only one. What is accepted makes the next version of the dataset
    assistant-said; what is dropped is gone.
    """
    from slipway_assistant.corrections import Candidates
    from slipway_assistant.settings import load

    kept = Candidates(load().folder)
    if action == "list":
        return _listed(kept.rows(), as_json)
    chosen = [row["id"] for row in kept.rows()] if every else list(ids)
    if not chosen and not every:
        raise click.UsageError(f"say which: slipway-assistant candidates {action} ID ..., or --all")
    if action == "drop":
        done = kept.drop(chosen)
    else:
        extra = {} if meant is None else {"call": _call(meant)}
        done = kept.accept(chosen, lambda rows: _saved(rows, data.absolute()), **extra) if chosen else []
    return _listed(done, as_json)


def _listed(rows: list[dict[str, Any]], as_json: bool) -> int:
    from slipway_assistant.cli import spoken

    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        why = (row.get("extra") or {}).get("why", "")
        click.echo(
            f"{row['id'].removeprefix('said-')[:12]}  {row['lang']}  {row['text']}\n    {spoken(row['call'])}   {why}"
        )
    click.echo(f"{len(rows)} candidate{'' if len(rows) == 1 else 's'}")
    return 0


def _call(meant: str) -> Any:
    try:
        return json.loads(meant)
    except ValueError as error:
        raise click.UsageError(f"--call is no JSON: {error}") from None


def _saved(rows: list[dict[str, Any]], folder: Path) -> None:
    import slipway as sw
    from slipway_assistant.corrections import DATASET, example_rows
    from slipway_assistant.experiment import PROJECT, SLICES

    version = sw.dataset(example_rows(rows), name=DATASET, cluster="cluster", slices=SLICES)
    folder.mkdir(parents=True, exist_ok=True)
    store = sw.open_store(f"sqlite:///{folder / 'slipway.db'}")
    try:
        kept = version.save(store, project=PROJECT, provenance={"what": "said by the user, accepted one by one"})
    finally:
        store.close()
    click.echo(f"dataset {DATASET}@{kept.id[:12]}: {kept.size} sentences")
