"""Tables and lines for the terminal and for rich. All that comes from data passes through `cell`, which makes it harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from slipway.data.text import one_line

STYLES = {
    "better": "green",
    "not_worse": "green",
    "worse": "red",
    "cannot_tell": "yellow",
    "ok": "green",
    "warn": "yellow",
    "broken": "bold red",
    "error": "red",
    "failed": "red",
    "finished": "",
    "running": "cyan",
}


def cell(value: Any, style: str = "") -> Text:
    """Text that carries no markup and no control characters."""
    return Text(one_line(value), style=style or STYLES.get(str(value), ""))


def table(*columns: str | tuple[str, dict[str, Any]]) -> Table:
    """A table without lines. A column is its title, or title and rich settings; ids are given ``no_wrap=True``."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for column in columns:
        title, settings = (column, {}) if isinstance(column, str) else column
        made.add_column(title, **{"overflow": "fold", **settings})
    return made


def right(title: str) -> tuple[str, dict[str, Any]]:
    """A column of numbers."""
    return title, {"justify": "right", "no_wrap": True}


def whole(title: str) -> tuple[str, dict[str, Any]]:
    """A column that is never cut or wrapped: what the next command needs."""
    return title, {"no_wrap": True, "overflow": "ignore"}


def rows(made: Table, lines: Sequence[Sequence[Any]]) -> Table:
    """``made`` with a row for each line; values that are not yet text are cleaned."""
    for line in lines:
        made.add_row(*(item if isinstance(item, Text) else cell("" if item is None else item) for item in line))
    return made
