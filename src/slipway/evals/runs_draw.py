"""Eval runs as rows of a table, the same in `slipway eval`, `slipway runs ls` and where rich shows `Runs`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slipway.data.text import duration, money
from slipway.data.text import score as score_text
from slipway.evals.naming import short
from slipway.evals.summary import figures, size_line, taken_over

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from slipway.data import EvalRun


def runs_table(runs: Sequence[EvalRun]) -> Table:
    """A line for each: score, examples, latency, cost where there is any, id."""
    from slipway.evals.tables import right, rows, table, whole

    title, *scores = score_column(runs)
    paid = [cost(run.summary, "paid") for run in runs]
    costs = [right("COST")] if any(one != "-" for one in paid) else []
    made = table("VARIANT", title, right("EXAMPLES"), right("P50"), right("P95"), *costs, whole("RUN"))
    lines = []
    for run, score, spent in zip(runs, scores, paid, strict=True):
        latency = run.summary.get("latency_ms") or {}
        times = [duration(latency[q]["estimate"]) if q in latency else "-" for q in ("p50", "p95")]
        lines.append((run.variant, score, size(run), *times, *([spent] if costs else []), short(run.id)))
    return rows(made, lines)


def drawing(runs: Sequence[EvalRun]) -> Group:
    """The table, and below it what is out of the ordinary."""
    from rich.console import Group

    from slipway.evals.tables import cell

    return Group(runs_table(runs), *[cell(f"{run.variant}: {said}") for run in runs if (said := remark(run))])


def remark(run: EvalRun) -> str:
    """What is out of the ordinary: how it ended, what failed, what was known before."""
    summary = run.summary
    failed = summary.get("failed", 0) + summary.get("infrastructure_failures", 0)
    said = [f"{failed:,} failed"] if failed else []
    if run.status != "finished":
        said.insert(0, f"{run.status.replace('_', ' ')} after {summary.get('samples', 0):,} of {run.planned:,}")
    return ", ".join(filter(None, [*said, taken_over(summary)]))


def score_column(found: Sequence[EvalRun]) -> list[str]:
    """The title and a cell for each run: ``EXACT``, ``0.790 [0.731, 0.839]``. The score is named in each cell where runs
    differ in it; what a sealed run tells stands in its ledger."""
    names = {run.summary["metric"] for run in found if run.summary.get("scores")}
    cells = [names.pop().upper() if len(names) == 1 else "SCORE"]
    for run in found:
        metric, scores = run.summary.get("metric", ""), run.summary.get("scores", {})
        if metric in scores:
            cells.append(f"{metric} {figures(scores[metric])}" if names else figures(scores[metric]))
        else:
            cells.append(told(run.summary["look"]) if "look" in run.summary else "-")
    return cells


def size(run: EvalRun) -> str:
    """``82 x 3``: examples and repeats, or with a score of its own number what that rests on."""
    score = run.summary.get("scores", {}).get(run.summary.get("metric", ""), {})
    return size_line(score, short=True) if score else f"{run.summary.get('examples', 0):,}"


def told(look: Any) -> str:
    """What a look at a held-out suite told, on one line."""
    verdict = "first look" if look["number"] == 1 else "better" if look["better"] else "not better"
    count = look["looks_left"]
    left = "locked" if look["locked"] else f"{count} look{'' if count == 1 else 's'} left"
    return f"{verdict}: best {score_text(look['shown'], look['low'], look['high'])}, {left}"


def cost(summary: Any, which: str = "total") -> str:
    """What the run's answers cost, or ``which="paid"`` what the run itself paid, without those recorded before; a dash when no
    price is known, since unknown is not free."""
    found = summary.get("cost_usd") or {}
    known = bool(found) and found.get("unknown", 0) < summary.get("samples", 0)
    return money(found.get(which, found["total"])) if known else "-"
