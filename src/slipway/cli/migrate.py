"""``slipway migrate``: bring the store to the schema of this version, and make derived data again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from slipway.config import Config
    from slipway.store.protocol import Store


@verb("migrate")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--derived", is_flag=True, help="Also make what traces are searched by again, from the rows.")
@click.pass_obj
def command(call: Invocation, /, dry_run: bool, derived: bool) -> None:
    """Show the store's schema and bring it up to the one that this version knows, in one transaction.

    Opening a store does the same. A schema that is newer is refused and left as it is (exit code 3): upgrade Slipway.
    Back up first: slipway backup DEST.
    """
    from slipway.store import migrate

    was = _schema(call.config.store_url)
    pending = [revision for revision in migrate.revisions() if was is not None and revision > was]
    spans = 0
    if not dry_run:
        store = call.store
        spans = _derive(store, call.config) if derived else 0
    payload = {"schema": was, "known": migrate.HEAD, "pending": pending, "applied": not dry_run, "derived": spans}
    steps = f"{', '.join(pending)} {'to apply' if dry_run else 'applied'}" if pending else "nothing to apply"
    said = f"schema {was or 'none yet'}, this Slipway knows {migrate.HEAD}: {steps}"
    call.emit(payload, lambda out: out.print(said + (f"\n{spans:,} spans derived again" if derived else "")))


def _schema(url: str) -> str | None:
    """The schema as it is, before anything opens the store. Raises `StoreError` for one that is newer."""
    from pathlib import Path

    from slipway.store import migrate
    from slipway.store.backend import Backend

    backend: Backend
    if url.startswith("sqlite"):
        from slipway.store.sqlite import SqliteBackend

        if not Path(url.partition(":///")[2]).exists():
            return None
        backend = SqliteBackend(url)
    else:
        from slipway.store.postgresql import PostgresqlBackend

        backend = PostgresqlBackend(url)
    engine = backend.engine()
    try:
        return migrate.current(engine, backend)
    finally:
        engine.dispose()


def _derive(store: Store, config: Config) -> int:
    from functools import partial

    from slipway.server.deriving import derive
    from slipway.store.derived import Builder, Derived

    held = Derived(store)
    try:
        builder = Builder(held, partial(derive, store=store, prices=config.prices))
        builder.rebuild()
        return builder.catch_up()
    finally:
        held.close()
