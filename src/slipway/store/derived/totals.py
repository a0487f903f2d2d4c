"""Totals: sums and quantiles over any time, added up from the hourly rollups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, null, select

from slipway.errors import DataError
from slipway.store.derived import sketch
from slipway.store.derived.answers import Summary
from slipway.store.derived.rollups import HOUR_NS, LONGEST, SUMS
from slipway.store.derived.tables import rollups
from slipway.store.rows import safe, unsafe
from slipway.store.statements import fetched

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_GROUPS = 10_000
QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a summary is asked for; see `slipway.store.derived.query.Query.summary`."""

    project: str
    from_ns: int
    to_ns: int
    bucket_s: int | None
    by: str | None
    kind: str | None
    model: str | None
    name: str | None
    roots: bool


def summary(connection: Connection, wanted: Wanted) -> list[Summary]:
    """The sums of each bucket and key, in order. Raises `DataError` for more than `MOST_GROUPS`."""
    import numpy as np  # here, since the server starts and idles without it

    first, last = wanted.from_ns // HOUR_NS, -(-wanted.to_ns // HOUR_NS)
    step = max(1, last - first) if wanted.bucket_s is None else max(1, -(-wanted.bucket_s // 3600))
    rows = fetched(connection, _query(wanted, first, last))
    groups: dict[tuple[int, str | None], int] = {}
    belongs = [groups.setdefault(((row[0] - first) // step, row[1]), len(groups)) for row in rows]
    if len(groups) > MOST_GROUPS:
        raise DataError(f"that makes {len(groups):,} groups", mend="ask for larger buckets or a shorter time")
    if not groups:
        return []
    sums = [np.bincount(belongs, weights=column) for column in list(zip(*rows, strict=True))[3:]]
    counts = sketch.merged([row[2] for row in rows], belongs, len(groups))
    found = []
    for (bucket, key), group in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        told = {name: column[group] for name, column in zip(SUMS, sums, strict=True)}
        if told["count"]:
            found.append(_told((first + bucket * step) * HOUR_NS, key, told, counts[group]))
    return found


def _query(wanted: Wanted, first: int, last: int) -> Select[Any]:
    r = rollups.c
    query = select(r.hour, r[wanted.by] if wanted.by else null(), r.sketch, *[r[name] for name in SUMS])
    query = query.where(r.project == wanted.project, r.hour >= first, r.hour < last)
    for column, value in ((r.kind, wanted.kind), (r.model, wanted.model), (r.name, wanted.name)):
        if value is not None:
            query = query.where(column == safe(value)[:LONGEST])
    return query.where(r.root) if wanted.roots else query


def _told(started_ns: int, key: str | None, sums: dict[str, Any], counts: Any) -> Summary:
    p50, p90, p95, p99 = sketch.quantiles(counts, QUANTILES)
    return Summary(
        started_ns=started_ns,
        key=None if key is None else unsafe(key),
        count=int(sums["count"]),
        errors=int(sums["errors"]),
        input_tokens=int(sums["input_tokens"]),
        output_tokens=int(sums["output_tokens"]),
        cached_tokens=int(sums["cached_tokens"]),
        cost_usd=float(sums["cost_usd"]) if sums["calls"] > sums["unknown_cost"] else None,
        unknown_cost=int(sums["unknown_cost"]),
        p50_ns=p50,
        p90_ns=p90,
        p95_ns=p95,
        p99_ns=p99,
    )
