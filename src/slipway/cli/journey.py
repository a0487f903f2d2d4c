"""``slipway journey``: the tree of variants, what changed, what it did."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.gate import write
from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from slipway.evals.journey import Journey, Step

STYLE = {"better": "green", "worse": "red", "not_worse": "green", "cannot_tell": "yellow"}
GATE = {"passed": "green", "blocked": "red", "cannot tell": "yellow"}


@verb("journey")
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="Only runs of this suite.")
@click.option("--experiment", metavar="NAME", help="Which, where there are several.  [default: most variants]")
@click.option("--metric", metavar="NAME", help="The score to compare by.  [default: the suite's]")
@click.option("--markdown", metavar="FILE", type=click.Path(dir_okay=False), help="Write the report for a colleague.")
@click.pass_obj
def command(call: Invocation, /, markdown: str | None, **options: Any) -> None:
    """Show every variant that was tried, failures included: what changed from its parent, its score with the interval, latency,
    the verdict against its parent, and what its gate says.

    Verdicts are corrected for the number of variants: the best of twenty worthless ones wins by chance in four of ten
    journeys.
    """
    from slipway.evals.journey import journey

    found = journey(call.store, project=call.project, **options)
    if markdown:
        write(markdown, found.to_markdown())
    call.emit(found.to_dict(), lambda out: draw(out, found))


def draw(out: Console, found: Journey) -> None:
    """The tree: a line of figures for each variant, under it what changed and the verdict."""
    from rich.cells import cell_len
    from rich.text import Text

    from slipway.data.text import one_line

    steps = list(found)
    metric = one_line(found.metric or "score")
    count = f"{len(steps)} variant{'' if len(steps) == 1 else 's'}"
    out.print(Text(f"{one_line(found.experiment)}: {count}, 95 % intervals", style="bold"))
    out.print()
    header = ["VARIANT", metric.upper(), "P50", "P95", "GATE"]
    figures = [_figures(step) for step in steps]
    widths = [max(cell_len(row[i]) for row in [header, *figures]) for i in range(len(header))]
    out.print(_line(header, widths, ["bold"] * 5), no_wrap=True, crop=False, overflow="ignore")
    for step, row in zip(steps, figures, strict=True):
        styles = ["bold", "", "", "", GATE.get(row[4].removeprefix("must-pass "), "")]
        out.print(_line(row, widths, styles), no_wrap=True, crop=False, overflow="ignore")
        for line in _below(step, out.width):
            out.print(line, no_wrap=True, crop=False, overflow="ignore")
    out.print()
    for note in _footer(found):
        out.print(Text(one_line(note), style="dim"))


def _figures(step: Step) -> list[str]:
    from slipway.data.text import duration, one_line
    from slipway.evals.journey_report import branch, gates, status
    from slipway.evals.summary import score_line

    said = ", ".join(filter(None, [gates(step), status(step)]))
    score = score_line(step.score) if step.score else "-"
    times = [duration(step.milliseconds(which)) for which in ("p50", "p95")]
    return [one_line(branch(step) + step.name), score, *times, one_line(said)]


def _line(row: list[str], widths: list[int], styles: list[str]) -> Text:
    from rich.cells import cell_len
    from rich.text import Text

    line = Text()
    for place, (text, width, style) in enumerate(zip(row, widths, styles, strict=True)):
        space = " " * (width - cell_len(text))
        line.append(space + text if place in (2, 3) else text + space, style=style)
        line.append("  ")
    line.rstrip()
    return line


def _below(step: Step, width: int) -> Iterator[Text]:
    """What changed and the verdict, under the name, beside the lines of the tree."""
    from rich.text import Text

    from slipway.data.text import one_line
    from slipway.evals.journey_report import against, branch, changed

    stem = branch(step).replace("├─ ", "│  ").replace("└─ ", "   ") + ("│  " if step.children else "   ")
    verdict = step.verdict.verdict if step.verdict else ""
    for text, style in ((changed(step), "dim"), (against(step), STYLE.get(verdict, "dim"))):
        for piece in textwrap.wrap(one_line(text), max(width - len(stem), 30)):
            yield Text(stem, style="dim").append(piece, style=style if style == "dim" else f"not dim {style}")


def _footer(found: Journey) -> Iterator[str]:
    compared = sum(1 for step in found if step.verdict is not None)
    if compared > 1:
        yield f"Intervals and verdicts hold for all {compared} comparisons together (Holm, 95 %)."
    for step in found:
        if step.held_out:
            yield f"{step.name}: {step.held_out}"
    best = found.best
    for line in best.objectives:
        yield f"{best.name}: {line}"
    yield f"Wrong answers of the best: slipway runs show {best.run.id[:12]}"
