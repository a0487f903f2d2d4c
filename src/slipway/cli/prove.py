"""``slipway prove``: show on this machine that a promise is kept."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import family

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.server.proof.run import Proof


@family("prove")
def command() -> None:
    """Show on this machine that what Slipway promises is so."""


@command.command("durability", short_help="Kill a server at random instants, count what is lost.")
@click.option(
    "--kills", metavar="N", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How often to kill."
)
@click.option(
    "--seconds",
    metavar="S",
    type=click.FloatRange(1, 86_400),
    default=30.0,
    show_default=True,
    help="How long the kills take together, about.",
)
@click.option("--seed", metavar="N", type=click.IntRange(0), help="Kill at the instants of an earlier proof.")
@click.pass_obj
def durability(call: Invocation, /, kills: int, seconds: float, seed: int | None) -> int:
    """Kill the server under load at random instants and look for every span that it acknowledged.

    A server is started in a temporary folder; clients send spans over OTLP; the server is killed with SIGKILL and started
    again, over and over. At the end its store is read. Your own data is not touched; --store proves it of another empty store.

    Exit code 0: nothing that was acknowledged is lost, and the store is sound. 1: something is lost. 3: the server did not
    start.
    """
    from slipway.errors import MissingExtra

    try:
        importlib.import_module("slipway.server.serve")
    except ModuleNotFoundError as missing:
        raise MissingExtra.named("server", missing.name or "granian") from None
    from slipway.server.proof.run import prove

    folder = Path(tempfile.mkdtemp(prefix="slipway-proof-"))

    def tell(killed: int) -> None:
        if sys.stderr.isatty():
            print(f"\rkilled {killed} of {kills}", end="" if killed < kills else "\n", file=sys.stderr)  # noqa: T201

    try:
        found = prove(
            folder, kills=kills, seconds=seconds, seed=seed, store=call.overrides.get("store") or "", tell=tell
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    call.emit(
        {
            "kills": found.kills,
            "killed_while_starting": found.early,
            "seed": found.seed,
            "acknowledged": found.acknowledged,
            "found": found.found,
            "lost": found.lost,
            "stored": found.stored,
            "damage": list(found.damage),
            "seconds": round(found.seconds, 1),
        },
        lambda out: _render(out, found),
    )
    return 1 if found.lost or found.damage else 0


def _render(out: Console, found: Proof) -> None:
    out.print(
        f"killed {found.kills} times in {found.seconds:.0f} s ({found.early} while it started; seed {found.seed})"
    )
    out.print(f"acknowledged  {found.acknowledged:,}")
    out.print(f"found         {found.found:,}")
    out.print(f"lost          {found.lost:,}", style="bold red" if found.lost else "bold green")
    for problem in found.damage:
        out.print(f"damage        {problem}", style="red")
