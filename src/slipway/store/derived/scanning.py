"""Scanning: pages of spans or traces, newest first, found within a time budget whatever the condition is.

The rows are searched in parts, each of twice as many as the one before while that is quick. Between two parts the clock is looked
at: when time is up, the page ends with a cursor behind what was searched.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, select, true, tuple_

from slipway.errors import DataError
from slipway.store.derived.compiling import Compiler, Scope, is_slow
from slipway.store.derived.conditions import And, Compare, Condition

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

MOST = 1000  # rows of a page
SMALLEST, LARGEST = 1000, 64_000  # rows of a part; what is fetched to be compared is never more than that
Position = tuple[int, Any]


def scan(
    derived: Derived,
    connection: Connection,
    scope: Scope,
    project: str,
    condition: Condition | None,
    *,
    cursor: str | None,
    limit: int,
    budget_s: float,
) -> tuple[list[Any], str | None, bool]:
    """(rows, cursor, complete) of one page, as `answers.Page` has them."""
    limit = max(1, min(limit, MOST))
    tie = scope.table.c.position if "position" in scope.table.c else scope.table.c.trace_id
    started = scope.table.c.started_ns
    after = read_cursor(cursor, int if "position" in scope.table.c else str)
    compiler = Compiler(derived, connection, scope, project)
    base = and_(scope.table.c.project == project, *_bounds(compiler, condition))
    newest = select(scope.table).order_by(started.desc(), tie.desc())

    def behind(position: Position | None) -> ColumnElement[bool]:
        return true() if position is None else tuple_(started, tie) < tuple_(*position)

    if condition is None or compiler.is_rare(condition):
        compiler.within = and_(base, behind(after))
        if condition is not None:
            fast = _fast(compiler, condition)
            compiler.within = and_(compiler.within, fast)
            compiler.within = and_(compiler.within, compiler.compile(condition))
        rows = connection.execute(newest.where(compiler.within).limit(limit + 1)).mappings().all()
        more = len(rows) > limit
        return list(rows[:limit]), write_cursor(rows[limit - 1], tie.name) if more else None, True
    return _in_parts(compiler, condition, newest, base, behind, after, limit, budget_s, tie)


def _in_parts(
    compiler: Compiler,
    condition: Condition,
    newest: Select[Any],
    base: ColumnElement[bool],
    behind: Any,
    after: Position | None,
    limit: int,
    budget_s: float,
    tie: ColumnElement[Any],
) -> tuple[list[Any], str | None, bool]:
    connection, table = compiler.connection, compiler.scope.table
    keys = select(table.c.started_ns, tie).order_by(table.c.started_ns.desc(), tie.desc())
    fast = _fast(compiler, condition)
    deadline, size = time.monotonic() + budget_s, SMALLEST
    found: list[Any] = []
    while True:
        begun = time.monotonic()
        here = and_(base, behind(after))
        last = connection.execute(keys.where(here).offset(size - 1).limit(1)).first()
        end = None if last is None else (last[0], last[1])
        part = here if end is None else and_(here, tuple_(table.c.started_ns, tie) >= tuple_(*end))
        compiler.within = and_(part, fast)
        rows = connection.execute(
            newest.where(compiler.within, compiler.compile(condition)).limit(limit + 1 - len(found))
        )
        found += rows.mappings().all()
        if len(found) > limit:
            return found[:limit], write_cursor(found[limit - 1], tie.name), True
        if end is None:
            return found, None, True
        after = end
        now = time.monotonic()
        if now >= deadline:
            return found, _cursor(end), False
        if now - begun < budget_s / 8:
            size = min(size * 2, LARGEST)


def _fast(compiler: Compiler, condition: Condition) -> ColumnElement[bool]:
    """What the database can tell by itself of a condition, so that values are fetched for the rest only."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return and_(true(), *[compiler.compile(part) for part in parts if not is_slow(part)])


def _bounds(compiler: Compiler, condition: Condition | None) -> list[ColumnElement[bool]]:
    """What of a condition an index knows: it bounds the search itself."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    found = []
    for part in parts:
        if isinstance(part, Compare) and part.values != (None,):
            name, operator = part.field.name, part.operator
            if (name == "time" and operator != "!=") or (name in ("trace", "session") and operator in ("=", "in")):
                found.append(compiler.compile(part))
    return found


def write_cursor(row: Any, tie: str) -> str:
    """The cursor behind a row."""
    return _cursor((row["started_ns"], row[tie]))


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: type[Any]) -> Position | None:
    """What `write_cursor` wrote. Raises `DataError` for anything else."""
    if cursor is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        started, tie = found
        if type(started) is int and type(tie) is kind and abs(started) < 2**63 and (kind is str or abs(tie) < 2**63):
            return started, tie
    except (ValueError, TypeError, RecursionError):
        found = None
    raise DataError(f"{cursor!r:.80} is no cursor of this list", mend="give the one that the last page had, or none")


def cursors(rows: Sequence[Any], limit: int, tie: str) -> tuple[list[Any], str | None]:
    """The first ``limit`` rows, and the cursor behind them when there are more."""
    more = len(rows) > limit
    return list(rows[:limit]), write_cursor(rows[limit - 1], tie) if more else None
