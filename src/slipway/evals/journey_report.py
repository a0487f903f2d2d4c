"""The journey on paper: a table for the terminal, plain text, Markdown, HTML."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from slipway.evals.compare import sentence
from slipway.evals.reports import cell, table
from slipway.evals.summary import score_line

if TYPE_CHECKING:
    from slipway.evals.journey import Journey, Step

STYLES = {"better": "green", "worse": "red", "not_worse": "green", "cannot_tell": "yellow"}
WORDS = {"better": "better", "worse": "worse", "not_worse": "not worse", "cannot_tell": "cannot tell"}


def milliseconds(value: float | None) -> str:
    """``12 ms``, ``0.04 ms``, ``1.2 s``."""
    if value is None:
        return ""
    if value >= 1000:
        return f"{value / 1000:.3g} s"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def branch(step: Step) -> str:
    """The lines of the tree before a name."""
    if step.depth == 0:
        return ""
    marks = ["└─ " if step.last else "├─ "]
    above = step.parent
    while above is not None and above.depth > 0:
        marks.append("   " if above.last else "│  ")
        above = above.parent
    return "".join(reversed(marks))


def changed(step: Step) -> str:
    """What changed from the parent: the note, else the settings that differ."""
    return step.variant.note or "; ".join(step.changed)


def against(step: Step) -> str:
    """``better +0.04 [0.01, 0.07]``, or why there is no verdict."""
    one = step.verdict
    if one is None:
        return step.says
    text = f"{WORDS[one.verdict]} {one.delta:+.3f} [{one.ci_low:+.3f}, {one.ci_high:+.3f}]"
    if one.verdict == "cannot_tell" and one.more:
        text += f"; {one.more:,} more"
    return text


def gates(step: Step) -> str:
    """What the variant's gates say."""
    said = []
    if step.must_pass:
        said.append(f"must-pass {step.must_pass}")
    if step.gate:
        said.append(step.gate)
    return ", ".join(said)


def status(step: Step) -> str:
    """What went wrong, if anything did."""
    record = step.run.record
    said = [] if record.status == "finished" else [record.status.replace("_", " ")]
    if step.failed:
        said.append(f"{step.failed} failed")
    return ", ".join(said)


def _rows(journey: Journey) -> tuple[list[str], list[list[str]]]:
    steps = list(journey)
    header = ["variant", "what changed", journey.metric or "score", "p50", "p95", "against its parent", "gate", ""]
    rows = []
    for step in steps:
        rows.append(
            [
                branch(step) + step.name,
                changed(step),
                score_line(step.score) if step.score else "",
                milliseconds(step.milliseconds("p50")),
                milliseconds(step.milliseconds("p95")),
                against(step),
                gates(step),
                status(step),
            ]
        )
    kept = [index for index in range(len(header)) if index < 6 or any(row[index] for row in rows)]
    return [header[index] for index in kept], [[row[index] for index in kept] for row in rows]


def journey_text(journey: Journey) -> str:
    """Columns of plain text."""
    header, rows = _rows(journey)
    widths = [max(len(row[index]) for row in [header, *rows]) for index in range(len(header))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join([*lines, *_footer(journey)])


def _footer(journey: Journey) -> list[str]:
    lines = []
    compared = sum(1 for step in journey if step.verdict is not None)
    if compared > 1:
        lines.append(f"Intervals and verdicts hold for all {compared} comparisons together (Holm, 95 %).")
    for step in journey:
        if step.held_out:
            lines.append(f"{step.name}: {step.held_out}")
    best = journey.best
    lines += [f"{best.name}: {line}" for line in best.objectives]
    return lines


def journey_table(journey: Journey) -> Any:
    """A rich table; colours say better, worse, cannot tell."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    header, rows = _rows(journey)
    made = Table(title=f"{journey.experiment}: {len(journey)} variants", title_justify="left", expand=False)
    for name in header:
        narrow = name in ("p50", "p95")
        made.add_column(name, justify="right" if narrow else "left", no_wrap=narrow or name == "variant")
    for step, row in zip(journey, rows, strict=True):
        verdict = "" if step.verdict is None else STYLES[step.verdict.verdict]
        cells = [
            Text(text, style=verdict if name == "against its parent" else "")
            for name, text in zip(header, row, strict=True)
        ]
        made.add_row(*cells)
    return Group(made, *(Text(line) for line in _footer(journey)))


def journey_html(journey: Journey) -> str:
    """A table for a notebook."""
    from html import escape

    header, rows = _rows(journey)
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    notes = "".join(f"<p>{escape(line)}</p>" for line in _footer(journey))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def journey_markdown(journey: Journey) -> str:
    """Where things stand, the tree, each variant with its verdict and settings, and how to go on."""
    steps = list(journey)
    header, rows = _rows(journey)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(max(step.run.record.started_ns for step in steps) / 1e9))
    best = journey.best
    parts = [
        f"# Journey: {cell(journey.experiment)}",
        "",
        f"Project {cell(journey.project)}, {len(steps)} variants, last run {when}, dataset `{journey.dataset_id[:12]}`. "
        f"Scores are {cell(journey.metric) or 'without a name'} with 95 % intervals.",
        "",
        "## Where things stand",
        "",
        f"- Best estimate: **{cell(best.name)}**, {cell(score_line(best.score)) if best.score else 'no score'}.",
    ]
    for word, verdict in (
        ("Found better than their parent", "better"),
        ("Found worse", "worse"),
        ("Undecided", "cannot_tell"),
    ):
        names = [step.name for step in steps if step.verdict is not None and step.verdict.verdict == verdict]
        if names:
            parts.append(f"- {word}: {', '.join(cell(name) for name in names)}.")
    parts += [f"- {cell(line)}" for line in _footer(journey)]
    parts += ["", "## All variants", "", table(header, rows), ""]
    for step in steps:
        parts += _variant(step, journey.metric)
    parts += [
        "## To go on from here",
        "",
        "```",
        f"slipway runs show {best.run.id[:12]}",
        f"slipway reproduce {best.run.id[:12]}",
        *([f"slipway compare {best.parent.run.id[:12]} {best.run.id[:12]}"] if best.parent else []),
        "```",
        "",
    ]
    return "\n".join(parts)


def _variant(step: Step, metric: str) -> list[str]:
    record = step.run.record
    lines = [f"### {cell(step.name)}", ""]
    if step.variant.note:
        lines += [cell(step.variant.note), ""]
    if step.parent is not None:
        lines.append(f"- Made from {cell(step.parent.name)}.")
    lines += [f"- {cell(change)}" for change in step.changed]
    scores = ", ".join(f"{name} {score_line(score)}" for name, score in step.run.scores.items())
    if scores:
        lines.append(f"- Scores: {cell(scores)}.")
    if step.verdict is not None and step.parent is not None:
        lines.append(f"- {cell(sentence(step.parent.name, step.name, metric, step.verdict))}")
    elif step.says:
        lines.append(f"- No verdict: {cell(step.says)}.")
    if gates(step):
        lines.append(f"- Gate: {cell(gates(step))}.")
    if step.held_out:
        lines.append(f"- Held out: {cell(step.held_out)}.")
    lines += [f"- {cell(line)}" for line in step.objectives]
    if status(step):
        reason = record.summary.get("reason")
        lines.append(f"- {cell(status(step))}{': ' + cell(reason) if reason else ''}.")
    lines.append(
        f"- Run `{record.id}`, code {'`' + step.commit + '`' if step.commit else 'not recorded'}, {step.runs} in all."
    )
    return [*lines, ""]
