"""``slipway restore``: put a backup into an empty data folder."""

from __future__ import annotations

from pathlib import Path

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb


@verb("restore")
@click.argument("src", type=click.Path(path_type=Path), help="A folder that slipway backup made.")
@click.pass_obj
def command(call: Invocation, /, src: Path) -> None:
    """Put the backup in SRC into the data folder (--data DIR), which must be empty or not there; one of PostgreSQL also into
    the empty database that --store names, by pg_restore.

    The backup is verified first; the places then have all of it or nothing. What makes traces searchable is made again when
    the server starts. Exit code 2: a place is not empty or the backup is damaged. 3: its schema is newer than this Slipway.
    """
    from slipway.store import backup

    folder = call.config.data_folder
    found, then = backup.restore(src, folder, call.config.store_url)
    payload = {"data": str(folder), "files": len(found.files), "schema": found.schema, "then": then}
    said = f"restored {len(found.files):,} files of {found.created} to {folder}"
    call.emit(payload, lambda out: out.print(said + (f"\nThen run: {then}" if then else "")))
