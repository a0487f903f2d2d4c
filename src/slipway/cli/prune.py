"""``slipway prune``: delete now what ``[server.retention]`` does not keep; the server does it by itself."""

from __future__ import annotations

from typing import Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb


@verb("prune")
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@click.option("--days", type=click.FloatRange(min=0), help="Instead of retention.days.")
@click.option("--max-bytes", type=click.IntRange(min=0), help="Instead of retention.max-bytes.")
@click.option("--keep-days", type=click.FloatRange(min=0), help="Instead of retention.keep-days.")
@click.pass_obj
def command(
    call: Invocation, /, dry_run: bool, days: float | None, max_bytes: int | None, keep_days: float | None
) -> None:
    """Delete traces that are older, or more, than [server.retention] keeps. A running server does this every ten minutes.

    Traces with feedback, with an error, of an eval run or behind an example of a dataset stay for keep-days (0: always).
    """
    from dataclasses import replace
    from functools import partial

    from slipway.errors import UsageError
    from slipway.server.deriving import derive
    from slipway.server.retention import limits_of
    from slipway.store.derived import Builder, Derived
    from slipway.store.retention import Retention

    given: dict[str, Any] = {"days": days, "max_bytes": max_bytes, "keep_days": keep_days}
    limits = replace(limits_of(call.config), **{name: value for name, value in given.items() if value is not None})
    store = call.store
    derived = Derived(store)
    try:
        builder = Builder(derived, partial(derive, store=store, prices=call.config.prices))
        retention = Retention(derived, builder, limits)
        if not retention.on:
            raise UsageError("nothing is limited", mend="set [server.retention] days or max-bytes, or give --days N")
        builder.catch_up()  # what is deleted has been counted in the rollups first
        done = retention.run(dry_run=dry_run)
    finally:
        derived.close()
    payload = {
        "dry_run": dry_run,
        "traces": done.traces,
        "spans": done.spans,
        "log_records": done.log_records,
        "blobs": done.blobs,
        "kept": done.kept,
    }
    said = f"{'would delete' if dry_run else 'deleted'} {done.traces:,} traces with {done.spans:,} spans"
    call.emit(payload, lambda out: out.print(f"{said}; {done.kept:,} old ones are kept for what they are"))
