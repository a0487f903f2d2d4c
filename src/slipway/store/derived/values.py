"""Values: comparisons of JSON values, the same whatever the database: attributes, resources and feedback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slipway.store.derived.conditions import Compare, Value
from slipway.store.search import compiled


def holds(found: Any, comparison: Compare) -> bool:
    """Whether ``found operator value``. Values of different types are unequal, and neither is less."""
    operator, wanted = comparison.operator, comparison.values[0]
    if operator == "in":
        return any(_equal(found, value) for value in comparison.values)
    if operator == "=":
        return _equal(found, wanted)
    if operator == "!=":
        return not _equal(found, wanted)
    if operator == "contains":
        return _contains(found, wanted)
    if operator == "~":
        return found is not None and matches(str(wanted), found if isinstance(found, str) else json.dumps(found))
    return _ordered(found, operator, wanted)


def matches(pattern: str, text: str) -> bool:
    """Whether ``pattern`` (RE2) is found anywhere in ``text``. Raises `DataError` for what is no pattern."""
    try:
        return compiled(pattern)[0].search(text) is not None
    except UnicodeEncodeError:  # a lone surrogate, which RE2 sees as its escape
        return compiled(pattern)[0].search(text.encode("utf-8", "backslashreplace").decode()) is not None


def at_key(attributes: Any, key: str) -> Any:
    """The value under ``key``; where there is none, the one that its parts between dots lead to."""
    if not isinstance(attributes, Mapping):
        return None
    if key in attributes:
        return attributes[key]
    found: Any = attributes
    for part in key.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _equal(found: Any, wanted: Value) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return bool(found == wanted)


def _contains(found: Any, wanted: Value) -> bool:
    if isinstance(found, str):
        return str(wanted) in found
    return isinstance(found, list | tuple) and any(_equal(item, wanted) for item in found)


def _ordered(found: Any, operator: str, wanted: Value) -> bool:
    numbers = isinstance(found, int | float) and isinstance(wanted, int | float)
    if isinstance(found, bool) or isinstance(wanted, bool):
        return False
    if not numbers and not (isinstance(found, str) and isinstance(wanted, str)):
        return False
    less, same = found < wanted, found == wanted
    return bool({"<": less, "<=": less or same, ">": not less and not same, ">=": not less}[operator])
