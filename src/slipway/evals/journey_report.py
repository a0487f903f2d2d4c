"""The journey on paper: what is said of each variant, as Markdown and HTML. The drawing for a terminal is journey_draw.py."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from slipway.data.text import duration, many
from slipway.evals import html
from slipway.evals.compare import difference, sentence
from slipway.evals.reports import cell, table
from slipway.evals.summary import score_line, size_line

if TYPE_CHECKING:
    from slipway.evals.journey import Journey, Step

WORDS = {"better": "better", "worse": "worse", "not_worse": "not worse", "cannot_tell": "cannot tell"}


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
    """``better +0.040 [+0.010, +0.070]``, or why there is no verdict."""
    one = step.verdict
    if one is None:
        return step.says
    said = f"{WORDS[one.verdict]} {difference(one)}"
    if one.verdict == "cannot_tell" and one.more:
        said += f"; {many(one.more)} more examples would tell"
    return said


def size_of(journey: Journey) -> str:
    """``82 examples x 3`` when every variant was scored on as many, else "": then each says its own."""
    sizes = {size_line(step.score) for step in journey if step.score}
    return sizes.pop() if len(sizes) == 1 else ""


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
                _time(step, "p50"),
                _time(step, "p95"),
                against(step),
                gates(step),
                status(step),
            ]
        )
    kept = [index for index in range(len(header)) if index < 6 or any(row[index] for row in rows)]
    return [header[index] for index in kept], [[row[index] for index in kept] for row in rows]


def footer(journey: Journey) -> list[str]:
    """What holds for all, the looks at held-out suites, and how far the best is from shippable."""
    lines = []
    compared = sum(1 for step in journey if step.verdict is not None)
    if compared > 1:
        lines.append(f"Intervals and verdicts hold for all {compared} comparisons together (Holm, 95 %).")
    lines += [f"{step.name}: {step.held_out}" for step in journey if step.held_out]
    best = journey.best
    lines += [line if line.startswith("  ") else f"{best.name}: {line}" for line in best.objectives]
    return lines


def _time(step: Step, which: str) -> str:
    found = step.milliseconds(which)
    return "" if found is None else duration(found)


def journey_html(journey: Journey) -> str:
    """A table for a notebook."""
    from html import escape

    return html.table(*_rows(journey)) + "".join(f"<p>{escape(line)}</p>" for line in footer(journey))


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
    parts += [f"- {cell(line)}" for line in footer(journey)]
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
