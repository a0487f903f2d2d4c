"""Rollups: what happened in each hour, by kind, model and name. Counted as spans are derived, and taken back where they are
derived again: each span keeps the number of the row that it was counted in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, select

from slipway.store.derived import sketch
from slipway.store.derived.tables import rollups

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

HOUR_NS = 3_600_000_000_000
MOST_KEYS = 300
"""Rows for one project and hour. A client that puts an id into its names fills this many, and no more (T10)."""
OTHER = "(other)"
LONGEST = 200  # characters of a name
SUMS = ("count", "errors", "calls", "unknown_cost", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")


class Key(NamedTuple):
    """What a row is for."""

    project: str
    hour: int
    root: bool
    kind: str
    model: str
    name: str


@dataclass
class Tally:
    """What is to be added to a row."""

    sums: Counter[str] = field(default_factory=Counter)
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, row: Any, sign: int = 1) -> None:
        """Count one row of span_facts, or take it back."""
        for name, value in contribution(row).items():
            self.sums[name] += sign * value
        self.buckets[sketch.bucket(row["duration_ns"])] += sign


def contribution(row: Any) -> dict[str, Any]:
    """What one row of span_facts adds to the sums of its hour and of its trace."""
    call, cost = row["call"], row["cost_usd"]
    return {
        "count": 1,
        "errors": int(row["status"] == "error"),
        "calls": int(call),
        "unknown_cost": int(call and cost is None),
        "input_tokens": (row["input_tokens"] or 0) if call else 0,
        "output_tokens": (row["output_tokens"] or 0) if call else 0,
        "cached_tokens": (row["cached_tokens"] or 0) if call else 0,
        "cost_usd": (cost or 0.0) if call else 0.0,
    }


def key_of(row: Any) -> Key:
    """The row of rollups that a row of span_facts belongs to."""
    name, model, kind = row["name"][:LONGEST], (row["model"] or "")[:LONGEST], row["kind"][:LONGEST]
    return Key(row["project"], row["started_ns"] // HOUR_NS, row["parent_id"] is None, kind, model, name)


def count(derived: Derived, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Count rows of span_facts, and put into each the number of the rollup where that was."""
    by_key: dict[Key, list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(key_of(row), []).append(row)
    ids = _ids(derived, connection, by_key)
    tallies: dict[int, Tally] = {}
    for key, members in by_key.items():
        tally = tallies.setdefault(ids[key], Tally())
        for row in members:
            row["rollup"] = ids[key]
            tally.add(row)
    apply(derived, connection, tallies)


def take_back(derived: Derived, connection: Connection, rows: Iterable[Any]) -> None:
    """Undo `count` for rows of span_facts as they are stored."""
    tallies: dict[int, Tally] = {}
    for row in rows:
        tallies.setdefault(row["rollup"], Tally()).add(row, -1)
    apply(derived, connection, tallies)


def apply(derived: Derived, connection: Connection, tallies: dict[int, Tally]) -> None:
    """Add to the rows of those numbers."""
    if not tallies:
        return
    query = select(rollups.c.id, rollups.c.sketch).where(derived.among(rollups.c.id, list(tallies)))
    sketches = {number: packed for number, packed in connection.execute(query)}  # noqa: C416
    changes = []
    for number, tally in tallies.items():
        merged = Counter(sketch.unpack(sketches[number]))
        merged.update(tally.buckets)
        changes.append(
            {"at": number, "packed": sketch.pack(merged)} | {f"more_{name}": tally.sums[name] for name in SUMS}
        )
    more: dict[str, Any] = {name: rollups.c[name] + bindparam(f"more_{name}") for name in SUMS}
    connection.execute(
        rollups.update().where(rollups.c.id == bindparam("at")).values(sketch=bindparam("packed"), **more), changes
    )


def _ids(derived: Derived, connection: Connection, keys: Iterable[Key]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    by_hour: dict[tuple[str, int], list[Key]] = {}
    for key in keys:
        by_hour.setdefault((key.project, key.hour), []).append(key)
    for (project, hour), wanted in by_hour.items():
        here = select(*[rollups.c[name] for name in Key._fields], rollups.c.id)
        here = here.where(rollups.c.project == project, rollups.c.hour == hour)
        names = derived.among(rollups.c.name, list({key.name for key in wanted} | {OTHER}))
        known = {Key(*row[:-1]): row[-1] for row in connection.execute(here.where(names))}
        if any(key not in known for key in wanted):
            _make(connection, wanted, known)
        found.update({key: known.get(key) or known[_other(key)] for key in wanted})
    return found


def _make(connection: Connection, wanted: Sequence[Key], known: dict[Key, int]) -> None:
    """Add the missing keys of one hour to ``known``, as long as there is room; then those that stand for the rest."""
    first = wanted[0]
    size = select(func.count()).where(rollups.c.project == first.project, rollups.c.hour == first.hour)
    room = MOST_KEYS - int(connection.execute(size).scalar_one())
    for key in wanted:
        if key in known:
            continue
        kept = key if room > 0 else _other(key)
        if kept not in known:
            empty = {"sketch": b"", **dict.fromkeys(SUMS, 0)}
            made = connection.execute(rollups.insert().values(**kept._asdict(), **empty).returning(rollups.c.id))
            known[kept] = int(made.scalar_one())
            room -= 1


def _other(key: Key) -> Key:
    return key._replace(kind=OTHER, model=OTHER, name=OTHER)
