"""Kinds: for every record its table name, key, what happens when a key is written again, and what is indexed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property
from typing import Any, get_type_hints

from slipway import data
from slipway.errors import NotFound


class Again(Enum):
    """What writing a key again does."""

    KEEP = "the first stays"
    REPLACE = "the newest wins"
    LARGEST = "the larger count wins"
    LATER = "the higher step wins, the newest among equals"


class Form(Enum):
    """How a field is kept."""

    TEXT = "text"
    INTEGER = "64-bit integer"
    NUMBER = "64-bit float"
    FLAG = "true or false"
    JSON = "JSON text"


_FORMS = {str: Form.TEXT, int: Form.INTEGER, float: Form.NUMBER, bool: Form.FLAG}


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a record. ``type`` is what a JSON column is read as; ``optional`` fields may be None."""

    name: str
    form: Form
    type: Any
    optional: bool


@dataclass(frozen=True)
class Kind:
    """One kind of record. ``indexes`` name columns beside the key; ids in ``nonzero`` may not be all zeros."""

    record: type[Any]
    table: str
    key: tuple[str, ...]
    again: Again = Again.KEEP
    indexes: tuple[str, ...] = ()
    nonzero: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """A column for each field, in the record's order."""
        return _columns(self.record)

    def column(self, name: str) -> Column:
        """The column called ``name``. Raises `NotFound`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise NotFound.among(f"field of {self.record.__name__}", name, [column.name for column in self.columns])


def _columns(record: type[Any]) -> tuple[Column, ...]:
    hints = get_type_hints(record)
    found = []
    for field in fields(record):
        type_ = hints[field.name]
        members = getattr(type_, "__args__", ())
        optional = type(None) in members and field.default is None
        plain = next(iter(set(members) - {type(None)})) if optional and len(members) == 2 else type_
        form = _FORMS.get(plain, Form.JSON) if isinstance(plain, type) else Form.JSON
        found.append(Column(field.name, form, type_, optional or type_ is Any))
    return tuple(found)


KINDS = {
    kind.record: kind
    for kind in (
        Kind(
            data.Span,
            "spans",
            ("trace_id", "span_id"),
            indexes=("started_ns", "run_id", "session_id"),
            nonzero=("trace_id", "span_id"),
        ),
        Kind(data.Environment, "environments", ("id",), Again.REPLACE),
        Kind(data.DatasetVersion, "dataset_versions", ("id", "project"), indexes=("name",)),
        Kind(data.Variant, "variants", ("id",), indexes=("name",)),
        Kind(data.EvalRun, "eval_runs", ("id",), Again.REPLACE, indexes=("suite", "variant_id")),
        Kind(data.Sample, "samples", ("run_id", "example_id", "repeat"), indexes=("run_id",)),
        Kind(data.Verdict, "verdicts", ("id",), indexes=("run_b",)),
        Kind(data.Look, "looks", ("suite", "number")),
        Kind(data.Prompt, "prompts", ("id",), indexes=("name",)),
        Kind(data.Response, "responses", ("key",)),
        Kind(data.Feedback, "feedback", ("id",), indexes=("trace_id",)),
        Kind(data.LogRecord, "logs", ("id",), indexes=("trace_id", "time_ns")),
        Kind(data.MetricPoint, "metric_points", ("run_id", "name", "step"), Again.REPLACE),
        Kind(data.Drop, "drops", ("process", "where", "reason"), Again.LARGEST),
        Kind(data.Project, "projects", ("name",)),
        Kind(data.Member, "members", ("name",), Again.REPLACE),
        Kind(data.ApiKey, "api_keys", ("id",), Again.REPLACE),
        Kind(data.KeyUse, "key_uses", ("key_id",), Again.REPLACE),
    )
}


def kind_of(record: type[Any]) -> Kind:
    """The kind that ``record`` (a class) is. Raises `NotFound`."""
    try:
        return KINDS[record]
    except (KeyError, TypeError):
        name = getattr(record, "__name__", str(record))
        raise NotFound.among("kind of record", name, [known.__name__ for known in KINDS]) from None
