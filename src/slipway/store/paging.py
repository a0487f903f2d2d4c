"""Paging: rows fetched a page at a time, so that a reader neither holds a lock nor fills the memory, whatever rows hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.store.rows import Rows

FIRST, MOST, MOST_BYTES = 100, 1000, 4 << 20  # rows of the first page; of a later one, as far as the bytes allow


def page(result: Iterable[Any]) -> tuple[list[Any], int]:
    """(rows, the length of their text): all, or as many as `MOST_BYTES` hold and one more."""
    found, length = [], 0
    for row in result:
        found.append(row)
        for cell in row:
            if cell.__class__ is str:
                length += len(cell)
        if length >= MOST_BYTES:
            break
    return found, length


def fields(rows: Rows, names: Sequence[str], pages: Iterator[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """The named fields of each row, without the position that is the last."""
    readers = [None if name == "position" else rows.reader(name) for name in names]
    for found in pages:
        columns = list(zip(*found, strict=True))[: len(names)]
        yield from zip(
            *[
                column if reader is None else map(reader, column)
                for reader, column in zip(readers, columns, strict=True)
            ],
            strict=True,
        )
