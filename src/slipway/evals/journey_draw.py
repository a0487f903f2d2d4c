"""The journey drawn for a terminal: one line of figures for each variant, under it what changed and the verdict.

The same drawing in ``print(journey)``, in rich and in ``slipway journey``, to the width there is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from slipway.data.text import duration, one_line
from slipway.evals.journey_report import against, branch, changed, footer, gates, size_of, status
from slipway.evals.summary import figures, size_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

    from slipway.evals.journey import Journey, Step

STYLES = {"better": "green", "worse": "red", "not_worse": "green", "cannot_tell": "yellow"}
GATE = {"passed": "green", "blocked": "red", "cannot tell": "yellow"}
NARROWEST = 30
"""Columns that a note under a variant has, however deep the tree."""

Line = list[tuple[str, str]]
"""Pieces of one line: text and its rich style."""


class Drawing:
    """The journey as rich shows it."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        from rich.text import Text

        for line in draw(self._journey, options.max_width):
            yield Text.assemble(*line, no_wrap=True, overflow="ignore")


def journey_text(journey: Journey, width: int) -> str:
    """The drawing without colours."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in draw(journey, width))


def draw(journey: Journey, width: int) -> Iterator[Line]:
    """The lines of the drawing. Notes are wrapped to ``width``; the line of figures of a deep tree may be longer."""
    steps = list(journey)
    yield [(_title(journey, len(steps)), "bold")]
    yield []
    common = size_of(journey)
    header = ["VARIANT", one_line(journey.metric or "score").upper(), "P50", "P95", "GATE"]
    rows = [_figures(step, with_size=not common) for step in steps]
    widths = [max(_cells(row[i]) for row in [header, *rows]) for i in range(len(header))]
    room = (
        5 if sum(widths) + 2 * (len(header) - 1) <= width else 4
    )  # the gate goes under the name where it has no room beside it
    yield _row(header[:room], widths, ["bold"] * room)
    for step, row in zip(steps, rows, strict=True):
        gate = (row[-1] and f"gate: {row[-1]}", GATE.get(row[-1].removeprefix("must-pass "), ""))
        yield _row(row[:room], widths, ["bold", "", "", "", gate[1]])
        yield from _below(step, width, [gate] if room == 4 else [])
    yield []
    for note in footer(journey):
        indent = " " * (len(note) - len(note.lstrip()) + 2)
        yield from ([(piece, "dim")] for piece in _wrapped(one_line(note), width, indent))


def _title(journey: Journey, count: int) -> str:
    sizes = [f"{count} variant{'' if count == 1 else 's'}", size_of(journey), "95 % intervals"]
    return f"{one_line(journey.experiment)}: {', '.join(filter(None, sizes))}"


def _figures(step: Step, *, with_size: bool) -> list[str]:
    said = ", ".join(filter(None, [gates(step), status(step)]))
    score = figures(step.score) if step.score else "-"
    if step.score and with_size:
        score += f" ({size_line(step.score, short=True)})"
    times = [duration(step.milliseconds(which)) for which in ("p50", "p95")]
    return [one_line(branch(step) + step.name), score, *times, one_line(said)]


def _row(row: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Line:
    line = []
    for place, (text, width, style) in enumerate(zip(row, widths, styles, strict=False)):
        space = " " * (width - _cells(text))
        last = place == len(row) - 1
        line.append((text if last else f"{space}{text}  " if place in (2, 3) else f"{text}{space}  ", style))
    return line


def _below(step: Step, width: int, more: Sequence[tuple[str, str]]) -> Iterator[Line]:
    """What changed, the verdict and ``more``, under the name, beside the lines of the tree."""
    stem = branch(step).replace("├─ ", "│  ").replace("└─ ", "   ") + ("│  " if step.children else "   ")
    verdict = step.verdict.verdict if step.verdict else ""
    for text, style in ((changed(step), "dim"), (against(step), STYLES.get(verdict, "dim")), *more):
        for piece in textwrap.wrap(one_line(text), max(width - len(stem), NARROWEST)):
            yield [(stem, "dim"), (piece, style)]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, max(width, NARROWEST), subsequent_indent=indent, drop_whitespace=True)


def _cells(text: str) -> int:
    """Columns of a terminal that ``text`` takes."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
