"""Compiling: a `Condition` as SQL. Values are always bound parameters, and only names of known columns enter the text (T46).

Two kinds of comparisons are no SQL: regular expressions (RE2 has linear time, the databases' own have not, T38), and JSON values
(which the databases read differently, and some of which they refuse). For these the values of the rows at hand are fetched and
compared here; what remains for the database is ``column IN (those that fit)``. So a condition is compiled for a part of the
rows, the one that is being searched (scanning.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, and_, case, exists, false, func, not_, or_, select, true

from slipway.data import Feedback, Span
from slipway.errors import DataError, NotFound
from slipway.store import jsontext
from slipway.store.derived.conditions import And, Compare, Condition, Not, Or, Words
from slipway.store.derived.tables import span_facts, traces
from slipway.store.derived.values import at_key, holds, matches
from slipway.store.derived.words import words
from slipway.store.rows import rows_of, safe, unsafe
from slipway.store.tables import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from slipway.store.derived.database import Derived

FEW = 20_000
"""Spans found by full text that are taken as a list; more are looked up one by one as they are met."""
JSON = ("attributes", "resource", "feedback")
_spans, _feedback = tables[Span], tables[Feedback]
_f, _t = span_facts.c, traces.c
_OF_SPANS: dict[str, Any] = {
    "time": _f.started_ns,
    "trace": _f.trace_id,
    "name": _f.name,
    "kind": _f.kind,
    "status": _f.status,
    "model": _f.model,
    "provider": _f.provider,
    "cost": _f.cost_usd,
    "duration": _f.duration_ns,
    "tokens": func.coalesce(_f.input_tokens, 0) + func.coalesce(_f.output_tokens, 0),
    "session": _f.session_id,
    "user": _f.user_id,
    "run": _f.run_id,
}
_OF_TRACES: dict[str, Any] = {
    "time": _t.started_ns,
    "trace": _t.trace_id,
    "name": _t.name,
    "status": case((_t.errors > 0, "error"), else_="ok"),
    "cost": case((_t.calls > _t.unknown_cost, _t.cost_usd)),
    "duration": _t.ended_ns - _t.started_ns,
    "tokens": _t.input_tokens + _t.output_tokens,
    "session": _t.session_id,
    "user": _t.user_id,
    "run": _t.run_id,
}
_SQL: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}


@dataclass(frozen=True)
class Scope:
    """What is listed: spans, or traces. ``key`` names a row of it."""

    table: Table
    fields: dict[str, Any]
    key: ColumnElement[Any]


SPANS = Scope(span_facts, _OF_SPANS, _f.position)
TRACES = Scope(traces, _OF_TRACES, _t.trace_id)


def is_slow(condition: Condition) -> bool:
    """Whether values have to be fetched to tell."""
    if isinstance(condition, And | Or):
        return any(map(is_slow, condition.parts))
    if isinstance(condition, Not):
        return is_slow(condition.part)
    return isinstance(condition, Compare) and (condition.operator == "~" or condition.field.name in JSON)


@dataclass
class Compiler:
    """Compiles for one scope and project. ``within`` are the rows that are being searched."""

    derived: Derived
    connection: Connection
    scope: Scope
    project: str
    within: ColumnElement[bool] = field(default_factory=true)
    found: dict[tuple[str, ...], list[int] | None] = field(default_factory=dict)

    def compile(self, condition: Condition) -> ColumnElement[bool]:
        """The condition as SQL. Raises `DataError` for a pattern that is none."""
        if isinstance(condition, And):
            return and_(*map(self.compile, condition.parts))
        if isinstance(condition, Or):
            return or_(*map(self.compile, condition.parts))
        if isinstance(condition, Not):
            return self._not(self.compile(condition.part))
        if isinstance(condition, Words):
            return self._words(condition)
        if condition.operator == "!=":
            return self._not(self.compile(Compare(condition.field, "=", condition.values)))
        if condition.field.name == "feedback":
            return self._with_feedback(condition)
        if condition.field.name in JSON:
            return self._with_json(condition)
        return self._column(condition)

    def is_rare(self, condition: Condition) -> bool:
        """Whether it is full text that few spans have, so that there is no need to search in parts."""
        if isinstance(condition, And):
            return any(map(self.is_rare, condition.parts))
        return isinstance(condition, Words) and self._positions(condition) is not None

    def _not(self, inner: ColumnElement[bool]) -> ColumnElement[bool]:
        return not_(func.coalesce(inner, false()))  # what is unknown does not hold

    def _column(self, condition: Compare) -> ColumnElement[bool]:
        name = condition.field.name
        own = self.scope.fields.get(name)
        if own is not None:
            return self._compared(own, condition, select(own).select_from(self.scope.table).where(self.within))
        if name not in _OF_SPANS:
            raise NotFound.among("field", name, [*_OF_SPANS, *JSON, "text"])
        of_span = _OF_SPANS[name]
        values = select(of_span).where(self._below())
        return self._some_span(self._compared(of_span, condition, values))

    def _below(self) -> ColumnElement[bool]:
        """Spans of the traces that are being searched."""
        inside = select(_t.trace_id).where(self.within)
        return and_(_f.project == self.project, _f.trace_id.in_(inside))

    def _some_span(self, condition: ColumnElement[bool]) -> ColumnElement[bool]:
        same = (_f.trace_id == _t.trace_id, _f.project == _t.project)
        return exists().where(*same, condition).correlate(traces)

    def _compared(self, column: Any, condition: Compare, values: Any) -> ColumnElement[bool]:
        operator = condition.operator
        wanted = [safe(value) if isinstance(value, str) else value for value in condition.values]
        if operator == "~":
            pattern = str(condition.values[0])
            matches(pattern, "")
            seen = self.connection.execute(values.distinct()).scalars()
            fitting = [value for value in seen if value is not None and matches(pattern, unsafe(str(value)))]
            return self.derived.among(column, fitting) if fitting else false()
        if operator == "contains":
            inside = func.instr if self._is_sqlite() else func.strpos
            return inside(column, str(wanted[0])) > 0
        if operator in ("=", "in"):
            several = [column.is_(None) if value is None else column == value for value in wanted]
            return or_(*several)
        return _SQL[operator](column, wanted[0])

    def _is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    # -- full text

    def _positions(self, condition: Words) -> list[int] | None:
        """Where the words are, when those are few spans."""
        wanted = tuple(words(condition.text))
        if not wanted:
            raise DataError(f"text {condition.text!r:.80} has no word in it", mend="give letters or digits")
        if wanted not in self.found:
            positions = self.derived.place.matches(self.connection, wanted, FEW + 1)
            self.found[wanted] = positions if len(positions) <= FEW else None
        return self.found[wanted]

    def _words(self, condition: Words) -> ColumnElement[bool]:
        positions = self._positions(condition)
        if positions is None:
            matching = self.derived.place.matching(_f.position, words(condition.text))
        else:
            matching = self.derived.among(_f.position, positions)
        if self.scope is SPANS:
            return matching
        if positions is None:
            return self._some_span(matching)
        found = select(_f.trace_id).where(matching, _f.project == self.project).distinct()
        return self._any_of(_t.trace_id, list(self.connection.execute(found).scalars()))

    # -- values that are compared here

    def _with_json(self, condition: Compare) -> ColumnElement[bool]:
        column = _spans.c[condition.field.name]
        query = select(_f.position if self.scope is SPANS else _f.trace_id, column)
        query = query.join_from(span_facts, _spans, _spans.c.position == _f.position)
        query = query.where(self.within if self.scope is SPANS else self._below())
        read = rows_of(Span).reader(condition.field.name)
        key = condition.field.key
        fitting = {at for at, text in self.connection.execute(query) if holds(at_key(read(text), key), condition)}
        return self._any_of(self.scope.key, list(fitting))

    def _with_feedback(self, condition: Compare) -> ColumnElement[bool]:
        inside = select(self.scope.table.c.trace_id).where(self.within)
        query = select(_feedback.c.trace_id, _feedback.c.value).where(
            _feedback.c.project == self.project,
            _feedback.c.name == safe(condition.field.key),
            _feedback.c.trace_id.in_(inside),
        )
        read = jsontext.Decoder(Any)
        rows = self.connection.execute(query)
        if condition.values == (None,):  # there is none
            return self._not(self._any_of(self.scope.table.c.trace_id, list({row[0] for row in rows})))
        fitting = {at for at, text in rows if text is not None and holds(read(text), condition)}
        return self._any_of(self.scope.table.c.trace_id, list(fitting))

    def _any_of(self, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        return self.derived.among(column, values) if values else false()
