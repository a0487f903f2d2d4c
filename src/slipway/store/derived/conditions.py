"""Conditions: what a filter says, as a tree. slipway.server.filters reads it from text; compiling.py turns it into SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains", "~"]
Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """``cost``, or ``attributes`` with the key ``any.key``."""

    name: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """``field operator value``; ``values`` holds one, or several for ``in``. ``time`` and ``duration`` are nanoseconds."""

    field: Field
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """``text "some words"``: the words beside each other in name, input, output or error."""

    text: str


@dataclass(frozen=True, slots=True)
class And:
    """All hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One holds at least."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    part: Condition


Condition: TypeAlias = Compare | Words | And | Or | Not
