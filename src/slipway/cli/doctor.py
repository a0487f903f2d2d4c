"""``slipway doctor``: what is stored, what was dropped, what waits, and what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb
from slipway.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.store.recover import Recovered


@verb("doctor")
@click.option("--deep", is_flag=True, help="Also read every page and every blob of the store.")
@click.option(
    "--recover",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy all that can be read of a damaged store into a new one in DIR, and say what is lost.",
)
@click.pass_obj
def command(call: Invocation, deep: bool, recover: Path | None) -> None:
    """Check the machine, the settings, the store and the spool.

    Prints what is stored, every drop by place and reason, what waits to be stored, and each problem with its mend. Exit code 3
    when something is broken.
    """
    if recover is not None:
        found = _recover(call, recover)
        call.emit({"copied": found.copied, "lost": found.lost}, lambda out: _recovered(out, found, recover))
        return
    from slipway.cli.examine import examine, render

    findings = examine(call, deep=deep)
    call.emit(findings.payload(), lambda out: render(findings, out))
    if findings.broken:
        raise InfrastructureError(
            f"{len(findings.broken)} of the checks found something broken", mend="see what it says to mend"
        )


def _recover(call: Invocation, folder: Path) -> Recovered:
    """Raises `UsageError` when the store is no file, or the new one is there already."""
    from slipway.store import open_store
    from slipway.store.recover import recover

    scheme, _, damaged = call.config.store_url.partition(":///")
    if not scheme.startswith("sqlite"):
        raise UsageError(
            "only a SQLite store is recovered from its file", mend="restore a backup of the database server"
        )
    if (folder / "slipway.db").exists():
        raise UsageError(f"there is a store in {folder} already", mend="name a new folder")
    out = open_store(f"sqlite:///{folder.absolute() / 'slipway.db'}")
    try:
        return recover(damaged, out)
    finally:
        out.close()


def _recovered(out: Console, found: Recovered, folder: Path) -> None:
    from slipway.data.text import one_line

    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.copied.items() if count)
    out.print(f"copied {kinds or 'nothing'}")
    for lost in found.lost:
        out.print(f"lost   {one_line(lost)}")
    if not found.lost:
        out.print("lost   nothing that the file still names")
    out.print(f"\nCheck it:  slipway doctor --deep --data {folder}")
    out.print("Then put its files where the damaged store was; that one is left as it is.")
