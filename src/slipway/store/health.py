"""Health: what `slipway doctor` shows of a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, select

from slipway.data import Drop
from slipway.errors import StoreError
from slipway.store import migrate, queries
from slipway.store.kinds import KINDS
from slipway.store.protocol import Health
from slipway.store.rows import unsafe
from slipway.store.tables import metric_points, tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.sql import SqlStore

T = TypeVar("T")


def examine(store: SqlStore, *, deep: bool) -> Health:
    """Counts, drops, size and problems of a store. What cannot be read is a problem, not an exception."""
    problems: list[str] = []

    def read(what: Callable[[Connection], T], otherwise: T) -> T:
        try:
            with store.reading() as connection:
                return what(connection)
        except StoreError as error:
            if str(error) not in problems:
                problems.append(str(error))
            return otherwise

    problems += read(lambda connection: store.backend.problems(connection, deep=deep), [])
    counts = {kind.record.__name__: read(_rows(record), -1) for record, kind in KINDS.items()}
    drops: dict[str, int] = read(_drops, {})
    size = read(store.backend.size_bytes, 0)
    blobs, blob_bytes = store.backend.blobs.size()
    if deep:
        damaged = store.backend.blobs.damaged()
        problems += [f"blob {name} is damaged: its bytes have another SHA-256" for name in damaged]
    details: dict[str, Any] = {"url": store.url, "blobs": blobs, "blob_bytes": blob_bytes}
    return Health(counts, drops, size, migrate.HEAD, tuple(problems), details)


def _rows(record: type[Any]) -> Callable[[Connection], int]:
    query = select(func.count()).select_from(tables.get(record, metric_points))
    return lambda connection: int(connection.execute(query).scalar_one())


def _drops(connection: Connection) -> dict[str, int]:
    dropped = queries.source(Drop).c
    where, reason, total = dropped.where, dropped.reason, func.sum(dropped["count"])
    query = select(where, reason, total).group_by(where, reason).order_by(where, reason)
    return {f"{unsafe(row[0])}: {unsafe(row[1])}": int(row[2]) for row in connection.execute(query)}
