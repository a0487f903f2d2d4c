"""Rows into examples: which field is what, and what is refused, with the place where it stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.data import Example, content_hash, plain
from slipway.errors import DataError, NotFound
from slipway.evals.datasets.conditions import satisfied

MAX_DEPTH = 200  # deeper than any real example; Python's own recursion limit is not far above
OWN = ("id", "input", "expected", "cluster", "metadata")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: ``quick.jsonl line 3``."""

    source: str
    number: int
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.source} {self.unit} {self.number}"


Row = tuple[Place, Mapping[str, Any]]
Where = Mapping[str, Any] | Callable[[Mapping[str, Any]], bool] | None


@dataclass(frozen=True, slots=True)
class Fields:
    """Which field of a row is what. ``input`` and ``expected`` may be several fields, which become one mapping."""

    id: str = "id"
    input: str | Sequence[str] = "input"
    expected: str | Sequence[str] | None = "expected"
    cluster: str | None = None

    def used(self) -> set[str]:
        """The fields that do not become metadata."""
        used = {self.id, self.cluster or "cluster", "metadata"}
        for names in (self.input, self.expected):
            used |= {names} if isinstance(names, str) else set(names or ())
        return used


def examples_of(rows: Iterable[Row], fields: Fields, where: Where, slices: Sequence[str]) -> tuple[Example, ...]:
    """The examples of the rows that satisfy ``where``. Raises `DataError` naming the place, the field and the mend."""
    made: dict[str, Example] = {}
    places: dict[str, Place] = {}
    for place, row in rows:
        check_row(place, row)
        if not _wanted(row, where):
            continue
        example = _example(place, row, fields, slices)
        if fields.id not in row:
            example = _distinct(example, made)
        if example.id in made:
            raise DataError(
                f"{place}: field {fields.id!r} repeats the id {example.id!r} of {places[example.id]}",
                mend="give each row an id of its own, or pass id= with the name of another field",
            )
        made[example.id], places[example.id] = example, place
    return tuple(made.values())


def check_row(place: Place, row: Any) -> None:
    """Refuse what no example can hold: a row that is no object, NaN and infinities, nesting without end."""
    if not isinstance(row, Mapping):
        raise DataError(f"{place}: a row must be an object, not {_kind(row)}", mend='write {"id": ..., "input": ...}')
    for path, value in _leaves(place, row):
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"{place}: field {path!r} is {value}, which JSON does not have", mend="write null instead")


def _leaves(place: Place, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    stack: list[tuple[str, Any, int]] = [(str(key), value, 1) for key, value in row.items()]
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, float):
            yield path, value
        elif isinstance(value, Mapping | list | tuple):
            if depth >= MAX_DEPTH:
                name = path.split(".")[0].split("[")[0]
                raise DataError(
                    f"{place}: field {name!r} is nested more than {MAX_DEPTH} deep",
                    mend="flatten it, or keep it as text",
                )
            inner = value.items() if isinstance(value, Mapping) else enumerate(value)
            stack.extend((f"{path}.{key}", item, depth + 1) for key, item in inner if isinstance(item, _DEEP))


_DEEP = (float, Mapping, list, tuple)


def _wanted(row: Mapping[str, Any], where: Where) -> bool:
    if where is None:
        return True
    return where(row) if callable(where) else satisfied(row, where)


def _example(place: Place, row: Mapping[str, Any], fields: Fields, slices: Sequence[str]) -> Example:
    used = fields.used() - set(slices)
    inner = row.get("metadata", {})
    if not isinstance(inner, Mapping):
        raise DataError(f"{place}: field 'metadata' must be an object, not {_kind(inner)}", mend="rename or nest it")
    metadata = {**inner, **{key: value for key, value in row.items() if key not in used}}
    content = {
        "input": plain(_pick(place, row, fields.input, needed=True, option="input")),
        "expected": plain(
            _pick(place, row, fields.expected, needed=fields.expected != "expected", option="expected")
            if fields.expected is not None
            else None
        ),
        "metadata": plain(metadata),
        "cluster": _cluster(place, row, fields),
    }
    return Example(id=_id(place, row, fields.id, content), **content)


def _pick(place: Place, row: Mapping[str, Any], names: str | Sequence[str], *, needed: bool, option: str) -> Any:
    if not isinstance(names, str):
        return {name: _pick(place, row, name, needed=needed, option=option) for name in names}
    if names in row:
        return row[names]
    if needed:
        raise DataError(
            f"{place}: {NotFound.among('field', names, map(str, row))}",
            mend=f"pass {option}= with the field that holds it",
        )
    return None


def _id(place: Place, row: Mapping[str, Any], field: str, content: Mapping[str, Any]) -> str:
    if field not in row:
        if field != "id":
            raise DataError(f"{place}: {NotFound.among('field', field, map(str, row))}", mend="pass id= with its name")
        return content_hash(content)[:16]
    value = row[field]
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise DataError(
            f"{place}: field {field!r} is {_shown(value)}, which is no id", mend="give a text or a whole number"
        )
    return str(plain(str(value)))


def _distinct(example: Example, made: Mapping[str, Example]) -> Example:
    """Equal rows without ids are kept apart by their number: 3f..., 3f...-2, 3f...-3."""
    number, new = 1, example.id
    while new in made:
        number += 1
        new = f"{example.id}-{number}"
    return (
        example
        if new == example.id
        else Example(new, example.input, example.expected, example.metadata, example.cluster)
    )


def _cluster(place: Place, row: Mapping[str, Any], fields: Fields) -> str | None:
    if fields.cluster is not None and fields.cluster not in row and fields.cluster not in row.get("metadata", {}):
        raise DataError(
            f"{place}: {NotFound.among('field', fields.cluster, map(str, row))}", mend="pass cluster= with its name"
        )
    name = fields.cluster or "cluster"
    value = row.get(name, row.get("metadata", {}).get(name) if fields.cluster else None)
    if value is None:
        return None
    if isinstance(value, str | int | float | bool):
        return str(plain(str(value)))
    raise DataError(
        f"{place}: field {name!r} is {_shown(value)}, which names no cluster", mend="give a text or a number"
    )


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    return "empty" if value == "" else repr(value)[:60]
