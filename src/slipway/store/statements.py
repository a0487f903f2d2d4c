"""Statements: SQL text with positional parameters, compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Select, Table, bindparam

from slipway.store.kinds import Again


def sql(table: Table, names: Sequence[str], dialect: Dialect, key: Sequence[str], again: Again) -> str:
    """``INSERT ... ON CONFLICT`` as text with positional parameters in the order of ``names``."""
    statement = _insert(dialect)(table).values({name: bindparam(name) for name in names})
    if again is Again.KEEP:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    else:
        new = statement.excluded
        allowed = {
            Again.LARGEST: lambda: new["count"] > table.c["count"],
            Again.LATER: lambda: new["step"] >= table.c["step"],
        }
        statement = statement.on_conflict_do_update(
            index_elements=list(key),
            set_={name: new[name] for name in names if name not in key},
            where=allowed[again]() if again in allowed else None,
        )
    compiled = statement.compile(dialect=dialect)
    assert list(compiled.positiontup or ()) == list(names), compiled.positiontup
    return str(compiled)


def _insert(dialect: Dialect) -> Any:
    # Imported here: PostgreSQL's dialect brings three drivers' modules, a tenth of what a start takes.
    if dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert


def fetched(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """The rows as the driver's own tuples: for tens of thousands of rows, where SQLAlchemy's cost more than the reading."""
    compiled = query.compile(dialect=connection.dialect)
    driver = connection.connection.driver_connection
    assert driver is not None
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    rows: list[tuple[Any, ...]] = driver.cursor().execute(str(compiled), values).fetchall()
    return rows
