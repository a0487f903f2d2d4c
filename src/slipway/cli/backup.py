"""``slipway backup``: copy everything that cannot be made again, while the server runs."""

from __future__ import annotations

from pathlib import Path

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb


@verb("backup")
@click.argument("dest", type=click.Path(path_type=Path), help="A folder that is empty or not there yet.")
@click.option("--verify", is_flag=True, help="Only check that the backup in DEST is whole.")
@click.pass_obj
def command(call: Invocation, /, dest: Path, verify: bool) -> None:
    """Back up the store, its blobs and the spool into the new folder DEST, with a manifest of hashes.

    Programs and the server may write meanwhile: everything acknowledged before the call is in it. Where pg_dump is not
    installed, a PostgreSQL database is not, which is said. Exit code 2: DEST is not empty, or no whole backup.
    """
    from slipway.data.text import size
    from slipway.store import backup

    if verify:
        found = backup.verify(dest)
    else:
        found = backup.backup(call.config.store_url, call.config.data_folder, dest)
        backup.verify(dest)
    held = sum(file.bytes for file in found.files)
    payload = {
        "backup": str(dest),
        "created": found.created,
        "schema": found.schema,
        "files": len(found.files),
        "bytes": held,
        "missing": found.missing,
    }
    said = f"{dest}: {len(found.files):,} files, {size(held)}, each as its hash says"
    call.emit(payload, lambda out: out.print(said + (f"\nNot in it: {found.missing}" if found.missing else "")))
