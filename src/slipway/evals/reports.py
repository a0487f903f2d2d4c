"""Results as Markdown: the gate's summary for a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.evals.summary import score_line

if TYPE_CHECKING:
    from slipway.evals.gate import GateResult


def cell(text: str) -> str:
    """``text`` as it may stand in a table: on one line, without what Markdown or HTML would act upon."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    for old, new in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("`", "\\`"),
        ("[", "\\["),
        ("]", "\\]"),
    ):
        flat = flat.replace(old, new)
    return flat.replace("![", "!\\[")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(cell(item) for item in row) + " |" for row in rows])


def gate_markdown(result: GateResult) -> str:
    """What a reviewer needs: the result, each rule, the scores, the comparison."""
    record = result.run.record
    parts = [f"### Slipway gate: {result.word}", ""]
    against = f" against {cell(result.baseline.variant)}" if result.baseline else ""
    parts += [f"**{cell(record.variant)}** on {cell(record.suite or record.experiment)}{against}", ""]
    parts += [
        table(
            ["rule", "result", "why"],
            [[rule.name, rule.status.replace("_", " "), rule.says] for rule in result.rules],
        ),
        "",
    ]
    scores = [[name, score_line(score)] for name, score in result.run.scores.items()]
    latency = result.run.summary.get("latency_ms") or {}
    for name in ("p50", "p95"):
        if name in latency:
            scores.append([f"latency {name}", f"{latency[name]['estimate']:.3g} ms"])
    if scores:
        parts += [table(["score", "value"], scores), ""]
    if result.verdict is not None and result.verdict.slices:
        parts += [
            table(["slice", "verdict", "A", "B", "difference", "p", "n", "needed"], result.verdict.rows()[1:]),
            "",
        ]
    parts += [f"- {cell(line)}" for line in result.objectives]
    parts += ["", f"Run `{record.id}`; `slipway reproduce {record.id[:12]}` runs it again.", ""]
    return "\n".join(parts)
