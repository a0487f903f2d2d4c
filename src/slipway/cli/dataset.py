"""``slipway dataset``: versions of datasets, what is in them, what changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, short
from slipway.cli.verbs import family
from slipway.errors import NotFound, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.data import DatasetVersion
    from slipway.evals.datasets import Dataset, Diff

TRACES = "@traces"
_columns = [
    click.option("--id", "id_field", default="id", show_default=True, metavar="FIELD", help="The field with the id."),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="FIELD",
        help="The field with the input; several make one mapping.  [default: input]",
    ),
    click.option(
        "--expected",
        "expecteds",
        multiple=True,
        metavar="FIELD",
        help="The field with the right answer; several make one mapping.  [default: expected]",
    ),
    click.option("--cluster", metavar="FIELD", help="The field that names rows which are not independent."),
    click.option("--slice", "slices", multiple=True, metavar="FIELD", help="A field to break scores down by."),
    click.option(
        "--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Keep only such rows; may be repeated."
    ),
]


@family("dataset")
def command() -> None:
    """Add, list, show and compare versions of datasets."""


def with_columns(function: Any) -> Any:
    """Add the options that say which field of a row is what."""
    for option in reversed(_columns):
        function = option(function)
    return function


@command.command("add", short_help="Keep the rows of a file as a version.")
@click.argument(
    "source", type=click.Path(), help="JSONL, CSV or Parquet file, folder of Hugging Face datasets, or @traces."
)
@click.option("--name", metavar="NAME", help="The dataset's name.  [default: the file's]")
@with_columns
@click.pass_obj
def add(call: Invocation, /, source: str, name: str | None, **columns: Any) -> None:
    """Keep the rows of a file, folder or of recorded traces as a version of a dataset.

    The version is the hash of the content: adding the same rows again changes nothing.
    """
    data = read(call, source, name, columns)
    known = {version.id for version in _versions(call, data.name)}
    version = data.save(call.store, project=call.project)
    new = version.id not in known
    parent = short(version.parent_id) if version.parent_id else None

    def render(out: Console) -> None:
        out.print(
            f"{'added' if new else 'already there:'} {version.name}@{short(version.id)}, {version.size:,} examples"
        )
        if new and parent:
            out.print(f"What changed: slipway dataset diff {parent} {short(version.id)}")

    call.emit({"new": new, "version": version}, render)


@command.command("ls", short_help="List datasets and their versions.")
@click.argument("name", required=False, shell_complete=completes("dataset"), help="Only the versions of this one.")
@click.pass_obj
def ls(call: Invocation, name: str | None) -> None:
    """List every version of every dataset, the newest first."""
    found = _versions(call, name)[::-1]
    if name and not found:
        raise NotFound.among("dataset", name, {version.name for version in _versions(call, None)})
    call.emit(found, lambda out: _list(out, found))


def _versions(call: Invocation, name: str | None) -> list[DatasetVersion]:
    from slipway.data import DatasetVersion

    where = {"project": call.project} | ({"name": name} if name else {})
    return list(call.store.find(DatasetVersion, where))


def _list(out: Console, found: list[DatasetVersion]) -> None:
    from slipway.cli.draw import right, rows, table, whole
    from slipway.data.text import moment

    if not found:
        out.print("No dataset is kept yet. Add one: slipway dataset add FILE")
        return
    made = table("NAME", whole("VERSION"), right("EXAMPLES"), whole("ADDED"), "FROM", whole("PARENT"))
    lines = [
        (
            v.name,
            short(v.id),
            f"{v.size:,}{' sealed' if v.sealed else ''}",
            moment(v.created_ns),
            Path(v.source).name,
            short(v.parent_id or ""),
        )
        for v in found
    ]
    out.print(rows(made, lines))


@command.command("show", short_help="Show a version's examples.")
@click.argument(
    "dataset", shell_complete=completes("dataset"), help="A name, name@VERSION, a version or its beginning."
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(0), default=20, show_default=True, help="Examples to show; 0: all."
)
@click.option("--difficulty", is_flag=True, help="How many variants got each example right, the hardest first.")
@click.pass_obj
def show(call: Invocation, dataset: str, limit: int, difficulty: bool) -> None:
    """Show a version: its fields and its first examples. The rows of a sealed one are never shown."""
    from slipway.evals.datasets import difficulty as measure
    from slipway.evals.datasets import load_version

    data = load_version(call.store, dataset)
    hard = measure(call.store, data) if difficulty else {}
    shown = list(data.examples)
    if difficulty:
        shown.sort(key=lambda e: -hard[e.id].value if e.id in hard else 1)
    shown = shown[: limit or None]
    payload: dict[str, Any] = {
        "name": data.name,
        "version": data.version,
        "size": len(data),
        "slices": {name: _tally(data, name) for name in data.slices},
        "source": data.source,
        "examples": shown,
    }
    if difficulty:
        payload["difficulty"] = {key: {"right": d.right, "of": d.of, "band": d.band} for key, d in hard.items()}
    call.emit(payload, lambda out: _show(out, payload, hard))


def _tally(data: Dataset, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for example in data:
        value = str(example.metadata.get(name))
        counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _show(out: Console, data: dict[str, Any], hard: dict[str, Any]) -> None:
    from slipway.cli.draw import right, rows, table, whole
    from slipway.data.text import one_line, shorten

    out.print(f"{one_line(data['name'])}@{short(data['version'])}, {data['size']:,} examples")
    for name, counts in data["slices"].items():
        out.print(one_line(f"  by {name}: " + ", ".join(f"{value} {count}" for value, count in counts.items())))
    out.print()
    extra = [right("RIGHT")] if hard else []
    made = table(whole("ID"), "INPUT", "EXPECTED", *extra)
    lines = []
    for example in data["examples"]:
        met = hard.get(example.id)
        line = [example.id, shorten(example.input, 60), shorten(example.expected, 60)]
        lines.append(line + ([f"{met.right} of {met.of}" if met else "-"] if hard else []))
    out.print(rows(made, lines))
    if len(lines) < data["size"]:
        out.print(f"… {data['size'] - len(lines):,} more: --limit 0", style="dim")


@command.command("diff", short_help="What changed between two versions.")
@click.argument("old", shell_complete=completes("dataset"), help="A version, a name, or a file.")
@click.argument("new", shell_complete=completes("dataset"), help="A version, a name, or a file.")
@with_columns
@click.pass_obj
def diff(call: Invocation, /, old: str, new: str, **columns: Any) -> None:
    """What changed between two versions, or between a version and a file: rows added, removed, changed, by field."""
    found = _either(call, old, columns).diff(_either(call, new, columns))
    call.emit(found, lambda out: _differences(out, found))


def _either(call: Invocation, reference: str, columns: dict[str, Any]) -> Dataset:
    from slipway.evals.datasets import load_version

    return read(call, reference, None, columns) if Path(reference).exists() else load_version(call.store, reference)


def _differences(out: Console, found: Diff) -> None:
    from slipway.cli.draw import cell, rows, table, whole
    from slipway.data.text import shorten

    out.print(cell(found))
    lines = [("+", key, "", "", "") for key in found.added] + [("-", key, "", "", "") for key in found.removed]
    for change in found.changed:
        for path, (before, after) in change.fields.items():
            lines.append(("~", change.id, path, shorten(before, 40), shorten(after, 40)))
    if lines:
        out.print()
        out.print(rows(table("", whole("ID"), "FIELD", "BEFORE", "AFTER"), lines[:200]))
    if len(lines) > 200:
        out.print(f"… {len(lines) - 200:,} more: --json has all", style="dim")


@command.command("export", short_help="Write a version to a file.")
@click.argument(
    "dataset", shell_complete=completes("dataset"), help="A name, name@VERSION, a version or its beginning."
)
@click.argument("file", type=click.Path(dir_okay=False), help="A new .jsonl or .csv file.")
@click.pass_obj
def export(call: Invocation, dataset: str, file: str) -> None:
    """Write a version to JSON lines (reads back as the same version) or CSV (for a spreadsheet; formulas are disarmed)."""
    from slipway.evals.datasets import load_version, write_csv, write_jsonl

    writers = {".jsonl": write_jsonl, ".csv": write_csv}
    write = writers.get(Path(file).suffix.lower())
    if write is None:
        raise UsageError(f"cannot write {file}", mend="name it .jsonl or .csv")
    if Path(file).exists():
        raise UsageError(f"{file} already exists", mend="give another name; nothing was written")
    data = load_version(call.store, dataset)
    write(data, file)
    call.emit({"file": file, "examples": len(data)}, lambda out: out.print(f"wrote {len(data):,} examples to {file}"))


def read(call: Invocation, source: str, name: str | None, columns: dict[str, Any]) -> Dataset:
    """A dataset from a file, a folder or the project's traces, by the options of ``dataset add``."""
    from slipway.evals.datasets import dataset

    where = {key: value for key, _, value in map(_condition, columns["conditions"])}
    if source == TRACES:
        call.gather()
        return dataset(
            call.store,
            name=name,
            cluster=columns["cluster"],
            slices=columns["slices"],
            where={"project": call.project} | where,
        )
    return dataset(
        source,
        name=name,
        id=columns["id_field"],
        input=_one_or_many(columns["inputs"], "input"),
        expected=_one_or_many(columns["expecteds"], "expected"),
        cluster=columns["cluster"],
        slices=columns["slices"],
        where=where or None,
    )


def _one_or_many(names: tuple[str, ...], default: str) -> str | tuple[str, ...]:
    return names if len(names) > 1 else names[0] if names else default


def _condition(text: str) -> tuple[str, str, Any]:
    """``lang=en``, ``level__ge=3``: JSON where it is JSON, text otherwise."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--where {text!r} is no condition", mend="write it as FIELD=VALUE, such as lang=en")
    try:
        return key, equals, json.loads(value)
    except ValueError:
        return key, equals, value
