"""Queries: a `Where` as SQL. Values are always bound parameters; only names of known columns enter the text (T46)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, false, func, or_, select

from slipway.data import MetricPoint
from slipway.errors import DataError, NotFound
from slipway.store.kinds import Column, Form, Kind, kind_of
from slipway.store.protocol import Where
from slipway.store.rows import safe
from slipway.store.tables import metric_names, metric_points, metric_runs, tables

POSITION = Column("position", Form.INTEGER, int, False)
LAST_CHARACTER = "\U0010ffff"


def _points() -> FromClause:
    joined = metric_points.join(metric_runs, metric_runs.c.id == metric_points.c.run).join(
        metric_names, metric_names.c.id == metric_points.c.name
    )
    point = metric_points.c
    columns = (point.position, metric_runs.c.run_id, metric_names.c.name, point.value, point.step, point.time_ns)
    return select(*columns, metric_names.c.project).select_from(joined).subquery("points")


_SOURCES: dict[type[Any], FromClause] = {**tables, MetricPoint: _points()}


def source(record: type[Any]) -> FromClause:
    """What to select a record's columns from: its table, or for metric points the join that gives back their names."""
    return _SOURCES[kind_of(record).record]


def columns(record: type[Any], names: Sequence[str]) -> Select[Any]:
    """``SELECT names FROM`` the record's table."""
    kind = kind_of(record)
    table = source(record)
    for name in names:
        _column(kind, name)
    return select(*[table.c[name] for name in names])


def conditions(record: type[Any], where: Where | None) -> ColumnElement[bool] | None:
    """``where`` as one SQL condition. Raises `NotFound` for an unknown field or suffix, `DataError` for a wrong value."""
    if not where:
        return None
    kind = kind_of(record)
    return and_(*[_condition(kind, key, value) for key, value in where.items()])


def _column(kind: Kind, name: str) -> Column:
    return POSITION if name == "position" else kind.column(name)


def _condition(kind: Kind, key: str, value: Any) -> ColumnElement[bool]:
    name, _, suffix = key.partition("__")
    column = _column(kind, name)
    if column.form is Form.JSON and value is not None:
        raise DataError(f"{kind.record.__name__}.{name} holds JSON", mend="read the records and filter them in Python")
    operator = _OPERATORS.get(suffix)
    if operator is None:
        raise NotFound.among("condition", f"__{suffix}", [f"__{known}" for known in _OPERATORS if known])
    condition: ColumnElement[bool] = operator(source(kind.record).c[name], bound(column, value, key))
    return condition


def bound(column: Column, value: Any, key: str) -> Any:
    """``value`` as the column holds it. Raises `DataError` for one of another type."""
    if isinstance(value, list | tuple | set | frozenset):
        return [bound(column, item, key) for item in value]
    if value is None:
        return None
    if column.form is Form.TEXT:
        if not isinstance(value, str):
            raise DataError(f"{key} = {value!r:.80} is not text", mend="give text")
        return safe(value)
    if not isinstance(value, int | float):
        raise DataError(f"{key} = {value!r:.80} is not a number", mend="give a number")
    if column.form is Form.FLAG:
        return bool(value)
    if column.form is Form.INTEGER:  # beyond 64 bits nothing is stored, so the nearest bound says the same
        return max(-(2**63), min(2**63 - 1, value))
    return value


def _among(column: Any, values: Any) -> ColumnElement[bool]:
    if not isinstance(values, list):
        raise DataError(f"{column.name}__in wants a list, not {type(values).__name__}", mend="give a list of values")
    known = [value for value in values if value is not None]
    found: list[ColumnElement[bool]] = [column.in_(known)] if known else []
    if len(known) < len(values):
        found.append(column.is_(None))
    return or_(*found) if found else false()


def _prefix(column: Any, value: Any) -> ColumnElement[bool]:
    # A range can use the index; LIKE cannot, and has wildcards to escape.
    if not isinstance(value, str):
        raise DataError(f"{column.name}__prefix wants text", mend="give the first characters")
    if not value:
        return _unequal(column, None)
    return and_(column >= value, column < value + LAST_CHARACTER)


def _equal(column: Any, value: Any) -> ColumnElement[bool]:
    if isinstance(value, list):
        raise DataError(f"{column.name} wants one value, not a list", mend=f"write {column.name}__in")
    same: ColumnElement[bool] = column.is_(None) if value is None else column == value
    return same


def _unequal(column: Any, value: Any) -> ColumnElement[bool]:
    present: ColumnElement[bool] = column.is_not(None)
    return present if value is None else or_(column != value, column.is_(None))


_OPERATORS: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "": _equal,
    "ne": _unequal,
    "ge": lambda column, value: column >= value,
    "gt": lambda column, value: column > value,
    "le": lambda column, value: column <= value,
    "lt": lambda column, value: column < value,
    "in": _among,
    "prefix": _prefix,
}


def counted(record: type[Any], where: Where | None) -> Select[Any]:
    """``SELECT count(*)`` under ``where``."""
    query = select(func.count()).select_from(source(record))
    condition = conditions(record, where)
    return query if condition is None else query.where(condition)
