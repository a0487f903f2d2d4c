"""``slipway model``: weights on this machine, fetched once and checked."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import family

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.models.fetch import Progress
    from slipway.models.weights import Held

LONGEST_SHOWN = 200


@family("model")
def command() -> None:
    """Fetch, list and show the weights of local models: GGUF files for llama.cpp, Whisper folders for speech.

    They are kept in $SLIPWAY_MODELS, else ~/.cache/slipway/models.
    """


@command.command("pull", short_help="Fetch weights and check their SHA-256.")
@click.argument("source", help="An address, or owner/repo/file.gguf of the hub.")
@click.option("--sha256", metavar="HEX", default="", help="What it must be.  [default: what the publisher says]")
@click.option("--name", metavar="NAME", default="", help="What to call it here.  [default: as in SOURCE]")
@click.option(
    "--hub", metavar="URL", default="", help="Where owner/repo/file is.  [default: $SLIPWAY_HUB, Hugging Face]"
)
@click.option(
    "--revision", metavar="REV", default="main", show_default=True, help="Branch, tag or commit of a hub's repository."
)
@click.option("--force", is_flag=True, help="Fetch it again though it is here.")
@click.pass_obj
def pull(call: Invocation, /, source: str, **options: Any) -> None:
    """Fetch SOURCE: https://host/model.gguf, or owner/repo/file.gguf of the hub; for Whisper (CTranslate2) a folder:
    owner/repo, or https://host/folder/.

    Its SHA-256 is compared with --sha256, a .sha256 beside it, or what the hub says. What broke off goes on where it
    stopped. A file has its name only when it is whole.
    """
    import os

    from slipway.models.pull import Puller

    with ExitStack() as stack:
        puller = Puller(
            hub=options["hub"],
            token=os.environ.get("SLIPWAY_HUB_TOKEN", ""),
            revision=options["revision"],
            progress=_bars(stack),
            waiting=call.note,
        )
        done = puller.pull(source, sha256=options["sha256"], name=options["name"], force=options["force"])

    def render(out: Console) -> None:
        state = "fetched" if done.fresh else "already here"
        out.print(f"{state}: {done.name}", soft_wrap=True)
        for file, digest in done.sha256.items():
            out.print(f"  sha256 {digest}  {file}", soft_wrap=True)
        if not done.verified:
            call.note("Nobody said what its SHA-256 must be: compare it with the publisher's.")

    payload = {
        "name": done.name,
        "path": str(done.path),
        "sha256": done.sha256,
        "verified": done.verified,
        "fresh": done.fresh,
    }
    call.emit(payload, render)


@command.command("list", short_help="List the weights that are here.")
@click.pass_obj
def listed(call: Invocation) -> None:
    """List the weights that are here: size, kind, SHA-256 and when they were last used."""
    from slipway.models.weights import Library

    library = Library()
    found = library.all()
    call.emit([_payload(held) for held in found], lambda out: _table(out, found, str(library.folder)))


@command.command("show", short_help="Show what a file of weights says of itself.")
@click.argument("name", help="Its name, as `slipway model list` shows it, or the path of a GGUF file.")
@click.option("--verify", is_flag=True, help="Read every byte and compare the SHA-256 with what was fetched.")
@click.pass_obj
def show(call: Invocation, /, name: str, verify: bool) -> None:
    """Show the metadata of weights, by their NAME here or the path of a GGUF file."""
    from pathlib import Path

    from slipway.models.ggufile import read_gguf
    from slipway.models.weights import Held, Library, read_record

    path = Path(name)
    if path.is_file():
        held = Held(path.name, path.absolute(), "gguf", path.stat().st_size, read_record(path), 0)
    else:
        held = Library().find(name)
    payload = _payload(held)
    if verify:
        payload["verified_now"] = _verified(held)
    if held.kind == "gguf":
        header = read_gguf(held.path)
        payload |= {
            "kind": "adapter" if header.is_adapter else "gguf",
            "version": header.version,
            "architecture": header.architecture,
            "parameters": header.parameters,
            "tensors": header.tensors,
            "types": dict(header.types),
            "context": header.context,
            "metadata": {key: _plain(value) for key, value in header.metadata.items()},
        }
    call.emit(payload, lambda out: _show(out, payload))


def _verified(held: Held) -> bool:
    from slipway.errors import ModelError, UsageError
    from slipway.models.weights import sha256_of

    if not held.origin.sha256:
        raise UsageError(f"it was not written down what {held.name} must be", mend="slipway model pull writes it down")
    for file, wanted in held.origin.sha256.items():
        path = held.path / file if held.path.is_dir() else held.path
        if not path.is_file() or sha256_of(path) != wanted:
            raise ModelError(f"{path} is not what was fetched", mend="slipway model pull --force SOURCE", status=409)
    return True


def _payload(held: Held) -> dict[str, Any]:
    origin = held.origin
    return {
        "name": held.name,
        "kind": held.kind,
        "bytes": held.size,
        "sha256": dict(origin.sha256),
        "verified": origin.verified,
        "source": origin.source,
        "pulled_ns": origin.pulled_ns or None,
        "used_ns": held.used_ns or None,
        "path": str(held.path),
    }


def _plain(value: Any) -> Any:
    from slipway.models.ggufile import Listed

    if isinstance(value, Listed):
        return {"count": value.count, "first": [_plain(each) for each in value.first]}
    return value


def _table(out: Console, found: list[Held], folder: str) -> None:
    from slipway.cli.draw import right, rows, table, whole
    from slipway.data.text import moment, size

    if not found:
        out.print(f"No weights in {folder}. Fetch some: slipway model pull SOURCE", soft_wrap=True)
        return
    made = table(whole("NAME"), "KIND", right("SIZE"), "SHA-256", whole("LAST USED"))
    lines = []
    for held in found:
        sums = list(held.origin.sha256.values())
        digest = (sums[0][:12] if len(sums) == 1 else f"{len(sums)} files") if sums else "unknown"
        used = moment(held.used_ns, brief=True) if held.used_ns else "never"
        lines.append((held.name, held.kind, size(held.size), digest, used))
    out.print(rows(made, lines))


def _show(out: Console, payload: dict[str, Any]) -> None:
    from slipway.data.text import clean

    for key, value in payload.items():
        if key != "metadata" and value not in (None, "", {}):
            out.print(f"{key:<13} {clean(value)}", soft_wrap=True)
    for key, value in payload.get("metadata", {}).items():
        said = str(value)
        cut = f"{said[:LONGEST_SHOWN]} ... ({len(said):,} characters)" if len(said) > LONGEST_SHOWN else said
        out.print(f"  {clean(key)} = {clean(cut)}", soft_wrap=True)


def _bars(stack: ExitStack) -> Any:
    """A progress bar for each file, on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        return lambda _: lambda at, total: None
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bars = stack.enter_context(Bars(*columns, console=Terminal(stderr=True)))

    def bar(name: str) -> Progress:
        task = bars.add_task(name, total=None)
        return lambda at, total: bars.update(task, completed=at, total=total)

    return bar
