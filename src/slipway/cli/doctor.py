"""``slipway doctor``: what is stored, what was dropped, what waits, and what to mend."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb
from slipway.errors import InfrastructureError, MissingExtra, StoreError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.store.protocol import Store
    from slipway.store.recover import Recovered

_SPAN = re.compile(r"Span \('(\w+)', '(\w+)'\): on a damaged page")


@verb("doctor")
@click.option("--deep", is_flag=True, help="Also read every page and every blob of the store.")
@click.option(
    "--recover",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy all that can be read of a damaged store and of the server's journal into a new one in DIR; say what is lost.",
)
@click.pass_obj
def command(call: Invocation, deep: bool, recover: Path | None) -> None:
    """Check the machine, the settings, the store and the spool.

    Prints what is stored, every drop by place and reason, what waits to be stored, and each problem with its mend. Exit code 3
    when something is broken.
    """
    if recover is not None:
        found = _recover(call, recover)
        payload = {"copied": found.copied, "replayed": found.replayed, "lost": found.lost}
        call.emit(payload, lambda out: _recovered(out, found, recover))
        return
    from slipway.cli.examine import examine, render

    findings = examine(call, deep=deep)
    call.emit(findings.payload(), lambda out: render(findings, out))
    if findings.broken:
        raise InfrastructureError(
            f"{len(findings.broken)} of the checks found something broken", mend="see what it says to mend"
        )


def _recover(call: Invocation, folder: Path) -> Recovered:
    """Raises `UsageError` when the store is no file, or the new one is there already, `StoreError` when nothing can be read."""
    from slipway.store import open_store
    from slipway.store.recover import Recovered, recover

    scheme, _, damaged = call.config.store_url.partition(":///")
    if not scheme.startswith("sqlite"):
        raise UsageError(
            "only a SQLite store is recovered from its file", mend="restore a backup of the database server"
        )
    if (folder / "slipway.db").exists():
        raise UsageError(f"there is a store in {folder} already", mend="name a new folder")
    journal = call.config.data_folder / "journal"
    kept = any(journal.glob("*.journal"))
    out = open_store(f"sqlite:///{folder.absolute() / 'slipway.db'}")
    try:
        try:
            found = recover(damaged, out)
        except StoreError as error:
            if not kept:
                raise
            found = Recovered({}, (str(error.args[0]),))
        return _replayed(call, journal, out, found) if kept else found
    finally:
        out.close()


def _replayed(call: Invocation, journal: Path, out: Store, found: Recovered) -> Recovered:
    """With what the server's journal of raw bodies still has; what it gave back is lost no more."""
    from slipway.data import Span

    try:
        from slipway.server.replay import replay
    except ModuleNotFoundError as missing:
        raise MissingExtra.named("server", missing.name or "protobuf") from None
    done = replay(journal, out, most=call.config.server.max_batch_bytes)

    def is_back(lost: str) -> bool:
        key = _SPAN.match(lost)
        return key is not None and out.get(Span, *key.groups()) is not None

    lost = [each for each in found.lost if not is_back(each)]
    return replace(found, lost=(*lost, *done.lost), replayed=done.records)


def _recovered(out: Console, found: Recovered, folder: Path) -> None:
    from slipway.data.text import one_line

    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.copied.items() if count)
    out.print(f"copied {kinds or 'nothing'}")
    if found.replayed:
        out.print(f"and {found.replayed:,} more records from the journal of what came over OTLP")
    for lost in found.lost:
        out.print(f"lost   {one_line(lost)}")
    if not found.lost:
        out.print("lost   nothing that the file still names")
    out.print(f"\nCheck it:  slipway doctor --deep --data {folder}")
    out.print("Then put its files where the damaged store was; that one is left as it is.")
