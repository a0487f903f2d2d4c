"""Filters: the language in which traces and spans are searched. Its grammar is docs/reference/filters.md."""

from __future__ import annotations

from slipway.store.derived.conditions import Condition


def parse(text: str, *, now_ns: int) -> Condition | None:
    """The condition that ``text`` says; None for an empty one. ``now_ns`` is what times like ``-24h`` are relative to.

    Raises `DataError` that names the column and the nearest field.
    """
    raise NotImplementedError
