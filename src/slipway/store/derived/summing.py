"""Summing: one row for each trace, kept up to date as its spans arrive in any order, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from slipway.store.derived.facts import Facts
from slipway.store.derived.rollups import contribution
from slipway.store.derived.tables import traces

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

MOST_MODELS = 20
_SUMS = ("errors", "calls", "unknown_cost", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")
_COLUMNS = tuple(column.name for column in traces.c if column.name != "id")
Key = tuple[str, str]


def add(derived: Derived, connection: Connection, rows: Sequence[dict[str, Any]], facts: Sequence[Facts]) -> None:
    """Add spans to the rows of their traces, which are made where they are missing."""
    known = _load(derived, connection, rows)
    old = set(known)
    for row, fact in zip(rows, facts, strict=True):
        key = (row["project"], row["trace_id"])
        trace = known.get(key)
        if trace is None:
            trace = known[key] = _empty(row)
        _sum(trace, row, 1)
        trace["spans"] += 1
        trace["started_ns"] = min(trace["started_ns"], row["started_ns"])
        trace["ended_ns"] = max(trace["ended_ns"], _end(row))
        _describe(trace, row, fact)
    _save(connection, known, old)


def again(
    derived: Derived,
    connection: Connection,
    before: Sequence[Any],
    rows: Sequence[dict[str, Any]],
    facts: Sequence[Facts],
) -> None:
    """Spans that are in their traces already say something else now than ``before``. Models and ids are only added to."""
    known = _load(derived, connection, rows)
    for was, row, fact in zip(before, rows, facts, strict=True):
        trace = known[row["project"], row["trace_id"]]
        _sum(trace, was, -1)
        _sum(trace, row, 1)
        _describe(trace, row, fact)
    _save(connection, known, set(known))


def _load(derived: Derived, connection: Connection, rows: Iterable[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    ids = list({row["trace_id"] for row in rows})
    found = connection.execute(select(traces).where(derived.among(traces.c.trace_id, ids))).mappings()
    known = {(row["project"], row["trace_id"]): dict(row) for row in found}
    for trace in known.values():
        trace["models"] = json.loads(trace["models"])
    return known


def _empty(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "project": row["project"],
        "trace_id": row["trace_id"],
        "started_ns": row["started_ns"],
        "ended_ns": row["started_ns"],
        "spans": 0,
        **dict.fromkeys(_SUMS, 0),
        "models": [],
        **dict.fromkeys(("session_id", "user_id", "run_id", "input", "output")),
        "rooted": False,
        "root_position": -1,
        "root_started_ns": row["started_ns"],
        "name": "",
    }


def _end(row: dict[str, Any]) -> int:
    return min(int(row["started_ns"] + row["duration_ns"]), 2**63 - 1)


def _sum(trace: dict[str, Any], row: Any, sign: int) -> None:
    added = contribution(row)
    for name in _SUMS:
        trace[name] += sign * added[name]


def _describe(trace: dict[str, Any], row: dict[str, Any], fact: Facts) -> None:
    model = row["model"]
    if model is not None and model not in trace["models"] and len(trace["models"]) < MOST_MODELS:
        trace["models"] = sorted([*trace["models"], model])
    rooted = row["parent_id"] is None
    mine = (not rooted, row["started_ns"], row["position"])
    theirs = (not trace["rooted"], trace["root_started_ns"], trace["root_position"])
    is_root = trace["root_position"] < 0 or mine <= theirs
    for name in ("session_id", "user_id", "run_id"):
        if row[name] is not None and (is_root or trace[name] is None):
            trace[name] = row[name]
    if is_root:
        trace |= {"rooted": rooted, "root_position": row["position"], "root_started_ns": row["started_ns"]}
        trace |= {"name": row["name"], "input": fact.input, "output": fact.output}


def _save(connection: Connection, known: dict[Key, dict[str, Any]], old: set[Key]) -> None:
    for trace in known.values():
        trace["models"] = json.dumps(trace["models"])
    new = [{name: trace[name] for name in _COLUMNS} for key, trace in known.items() if key not in old]
    changed = [
        {"at": trace["id"], **{name: trace[name] for name in _COLUMNS}} for key, trace in known.items() if key in old
    ]
    if new:
        connection.execute(traces.insert(), new)
    if changed:
        connection.execute(traces.update().where(traces.c.id == bindparam("at")), changed)
