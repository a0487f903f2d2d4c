"""Conditions on a row, written as the store's are: ``{"lang": "en", "level__ge": 3, "skill__in": ["news"]}``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "in": lambda value, wanted: value in wanted,
    "prefix": lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
}


def satisfied(row: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """Whether every condition holds. A list without a suffix means one of it; values that do not compare do not satisfy."""
    return all(_holds(row, key, wanted) for key, wanted in conditions.items())


def _holds(row: Mapping[str, Any], key: str, wanted: Any) -> bool:
    field, _, suffix = key.rpartition("__")
    if not field or suffix not in _TESTS or key in row:
        value = row.get(key)
        return value in wanted if isinstance(wanted, list | tuple) and not isinstance(value, list) else value == wanted
    try:
        return bool(_TESTS[suffix](row.get(field), wanted))
    except TypeError:  # None < 3
        return False
