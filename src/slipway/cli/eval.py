"""``slipway eval``: run a suite for one or more variants."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, short
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.data import EvalRun
    from slipway.evals.estimate import Estimate
    from slipway.evals.limits import Limit


@verb("eval")
@click.argument(
    "suite", envvar="SLIPWAY_EVAL_SUITE", shell_complete=completes("suite"), help="A suite of slipway.toml."
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="NAME",
    envvar="SLIPWAY_EVAL_VARIANT",
    shell_complete=completes("variant"),
    help="A variant of slipway.toml; may be repeated.  [default: all of them]",
)
@click.option(
    "--repeats", metavar="N", type=click.IntRange(1), help="Executions of each example.  [default: the suite's]"
)
@click.option(
    "--limit-usd", metavar="USD", type=click.FloatRange(0, min_open=True), help="Stop at this cost; exit code 6."
)
@click.option(
    "--seconds", metavar="S", type=click.FloatRange(0, min_open=True), help="Stop in time, with what ran as the sample."
)
@click.option("--concurrency", metavar="N", type=click.IntRange(1), help="Examples at the same time.")
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="Decides the order and what tasks draw."
)
@click.option("--fresh", is_flag=True, help="Compute everything again, whatever is recorded.")
@click.option("--why", metavar="TEXT", help="The reason of a look at a held-out suite, kept in its ledger.")
@click.option("--dry-run", is_flag=True, help="Run nothing: say how many calls, how many are recorded, what it costs.")
@click.option(
    "--no-trace", is_flag=True, help="Record no span for each example: quicker where the task takes microseconds."
)
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@click.pass_obj
def command(call: Invocation, /, suite: str, variants: tuple[str, ...], **options: Any) -> int:
    """Run a suite for each variant. Every answer is stored as it comes: a run that was stopped goes on where it was, and what
    an earlier run computed in the same way is not computed again.

    Exit code 0: it ran. 3: infrastructure, a model, or a scorer on every example failed. 5: nothing ran. 6: the cost cap
    stopped it. 130: Ctrl-C, 143: SIGTERM; both keep what had finished.
    """
    found = run_suite(call, suite, list(variants), **options)
    if options["dry_run"]:
        call.emit(found.to_dict(), lambda out: _estimate(out, found))
        return 0
    runs = [run.record for run in found.values()]
    call.emit({"suite": suite, "runs": runs}, lambda out: _runs(out, runs))
    _scorer_failures(call, found)
    return int(found.exit_code)


def _scorer_failures(call: Invocation, found: Any) -> None:
    for run in found.values():
        for name, (count, total, first) in run.scorer_failures.items():
            grave, many = ("error", f"all {total:,}") if count == total else ("warning", f"{count:,} of {total:,}")
            call.note(f"{grave}: scorer {name!r} failed on {many} samples of {run.variant}; the first: {first}")


def run_suite(call: Invocation, suite: str, variants: list[str], **options: Any) -> Any:
    """The suite's runs (or an estimate, with ``dry_run``), for the named variants or all of the file."""
    from slipway.cli.stop import stoppable
    from slipway.evals.run import evaluate

    config = call.config
    _import_from(config.root)
    chosen = call.suite(suite)
    with stoppable():
        return evaluate(
            suite=chosen,
            variants=variants or list(config.variants) or None,
            limit=_limit(chosen.limit, options),
            repeats=options.get("repeats"),
            seed=options.get("seed", 0),
            store=call.store,
            fresh=options.get("fresh", False),
            why=options.get("why") or "",
            trace=not options.get("no_trace", False),
            progress=False if options.get("quiet") else None,
            dry_run=options.get("dry_run", False),
            config=config,
        )


def _import_from(root: str) -> None:
    """Tasks are named from the folder of slipway.toml, wherever the command was typed."""
    if root not in sys.path:
        sys.path.insert(0, root)


def _limit(limit: Limit, options: dict[str, Any]) -> Limit:
    from dataclasses import replace

    names = {"limit_usd": "usd", "seconds": "seconds", "concurrency": "concurrency"}
    changes = {name: options[option] for option, name in names.items() if options.get(option) is not None}
    return replace(limit, **changes)


def _estimate(out: Console, found: Estimate) -> None:
    from slipway.cli.draw import right, rows, table
    from slipway.data.text import one_line

    made = table(
        "VARIANT", right("SAMPLES"), right("RECORDED"), right("TO RUN"), right("CALLS"), right("CACHED"), "COST"
    )
    lines = []
    for one in found.variants:
        calls = f"{'at least ' if one.at_least else ''}{one.calls + one.judge_calls:,}"
        recorded = f"{one.finished + one.recorded:,}"
        lines.append(
            (one.variant, f"{one.samples:,}", recorded, f"{one.to_run:,}", calls, f"{one.cached:,}", _price(one))
        )
    out.print(rows(made, lines))
    calls = f"{'at least ' if found.at_least else ''}{found.calls + found.judge_calls:,} model calls"
    out.print(f"\n{one_line(found.experiment)}: {calls}, {found.cached:,} answers recorded, cost {_price(found)}")
    out.print("Nothing was run.", style="dim")


def _price(one: Any) -> str:
    """A range: what a call costs is known from calls already made, or not at all."""
    from slipway.data.text import money

    if not one.calls and not one.judge_calls and not one.at_least:
        return "nothing"
    if one.cost_low is None or one.cost_high is None:
        return "unknown: no price"
    return f"{'at least ' if one.at_least else ''}{money(one.cost_low)} to {money(one.cost_high)}"


def _runs(out: Console, runs: list[EvalRun]) -> None:
    from slipway.data.text import one_line
    from slipway.evals.runs_draw import remark, runs_table

    out.print(runs_table(runs))
    for run in runs:
        if said := remark(run):
            out.print(f"{one_line(run.variant)}: {said}")
    for line in _next(runs):
        out.print(line, style="dim")


def _next(runs: list[EvalRun]) -> list[str]:
    if runs[0].tier == "held-out":
        return ["", f"Every look: slipway suite ledger {runs[0].suite}"]
    best = max(runs, key=_estimate_of)
    said = ["", f"Wrong answers: slipway runs show {short(best.id)}", f"May it ship:   slipway gate {short(best.id)}"]
    return [*said, "What did what: slipway journey"] if len(runs) > 1 else said


def _estimate_of(run: EvalRun) -> float:
    score = run.summary.get("scores", {}).get(run.summary.get("metric", ""), {})
    estimate = score.get("estimate")
    if estimate is None:
        return -math.inf
    return -float(estimate) if score.get("better") == "lower" else float(estimate)
