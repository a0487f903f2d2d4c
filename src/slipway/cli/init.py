"""``slipway init``: a commented slipway.toml and an example that runs."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb
from slipway.errors import UsageError

# file written -> file of the package slipway.cli.starter
WRITES = {"slipway.toml": "starter.toml", "app.py": "app.py", "examples.jsonl": "examples.jsonl"}
NEXT = (
    "slipway eval quick",
    "slipway compare words stems",
    "slipway gate stems",
    "slipway journey",
)


@verb("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False), help="Where to write; made if missing.")
@click.option("--name", default=None, metavar="NAME", help="The project's name.  [default: the folder's]")
@click.option("--bare", is_flag=True, help="Write slipway.toml only, not the example.")
@click.pass_obj
def command(call: Invocation, folder: str, name: str | None, bare: bool) -> None:
    """Write a commented slipway.toml, a small task (app.py) and its examples (examples.jsonl).

    The example runs at once, needs no key and calls nothing remote. Nothing is ever overwritten.
    """
    place = Path(folder)
    writes = {"slipway.toml": "starter.toml"} if bare else WRITES
    there = [file for file in writes if (place / file).exists()]
    if there:
        raise UsageError(
            f"{', '.join(there)} already exists in {place.absolute()}",
            mend="give another folder (slipway init FOLDER), or move the file away; nothing was written",
        )
    place.mkdir(parents=True, exist_ok=True)
    project = name or re.sub(r"[^\w.-]+", "-", place.absolute().name).strip("-") or "default"
    for file, source in writes.items():
        text = files("slipway.cli.starter").joinpath(source).read_text(encoding="utf-8")
        _write_new(place / file, text.replace('"PROJECT"', json.dumps(project), 1))
    ignored = _ignore(place)
    steps = [] if place.absolute() == Path.cwd() else [f"cd {place}"]
    steps += [] if bare else NEXT
    written = [*writes, *ignored]
    payload = {"folder": str(place.absolute()), "project": project, "written": written, "next": steps}
    call.emit(payload, lambda out: out.print(_told(written, steps, bare)))


def _told(written: list[str], steps: list[str], bare: bool) -> str:
    said = "wrote " + ", ".join(written)
    if bare:
        return said + "\n\nNext: add a suite to slipway.toml, then: slipway eval SUITE"
    return said + "\n\nNext:\n" + "\n".join(f"  {step}" for step in steps)


def _write_new(path: Path, text: str) -> None:
    # "x" refuses what appeared since the check above.
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} already exists", mend="move it away; it was not touched") from None


def _ignore(place: Path) -> list[str]:
    """Keep the store out of git where there is a repository and nothing says so yet."""
    above = [place.absolute(), *place.absolute().parents]
    if not any((folder / ".git").exists() for folder in above) or (place / ".gitignore").exists():
        return []
    _write_new(place / ".gitignore", f".slipway{os.sep}\n".replace("\\", "/"))
    return [".gitignore"]
