"""``slipway reproduce``: run a run again from what was recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_run, short
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.data import EvalRun
    from slipway.evals.reproduce import Reproduction

STYLE = {"identical": "bold green", "statistically_equal": "bold green", "different": "bold red"}


@verb("reproduce")
@click.argument("run", shell_complete=completes("run"), help="An id, its first digits, a variant's name or @latest.")
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="Of a variant: its run of this suite.")
@click.option("--live", is_flag=True, help="Ask the model itself instead of answering with its recorded replies.")
@click.option("--here", is_flag=True, help="Rebuild nothing: code, packages and data as they are now.")
@click.option(
    "--folder", metavar="DIR", type=click.Path(exists=True, file_okay=False), help="A clone of the repository."
)
@click.option(
    "--margin", metavar="SCORE", type=click.FloatRange(0, min_open=True), help="A difference that counts as none."
)
@click.option("--dry-run", is_flag=True, help="Run nothing: say how many calls it would make and what they cost.")
@click.pass_obj
def command(call: Invocation, /, run: str, suite: str | None, dry_run: bool, **options: Any) -> int:
    """Rebuild the commit, the uncommitted change and the packages of a run, execute it again, and say: identical, statistically
    equal, or different, because of which of code, packages, data, prompt, model.

    This executes the code that was recorded: do it with stores you trust. Exit code 0: identical or equal. 1: different.
    """
    from slipway.evals.reproduce import reproduce

    found = find_run(call.store, run, project=call.project, suite=suite)
    if dry_run:
        planned = _planned(found, live=options["live"])
        call.emit(planned, lambda out: _plan(out, planned))
        return 0
    call.note(
        f"executing {found.variant} on {found.suite or found.experiment} again, as recorded in run {short(found.id)}"
    )
    result = reproduce(call.store, found.id, **options)
    call.emit(result.to_dict(), lambda out: _draw(out, result))
    return result.exit_code


def _planned(run: EvalRun, *, live: bool) -> dict[str, Any]:
    """What a re-execution would take. Recorded replies cost nothing; live ones about what they cost then."""
    samples = int(run.summary.get("samples", 0))
    session = run.summary.get("session") or {}
    asked = sum(int(session.get(key, 0)) for key in ("calls", "recalled", "judge_calls", "judge_recalled"))
    each = (run.summary.get("cost_usd") or {}).get("per_sample") or {}
    low, high = (each[end] * samples if each.get(end) is not None else None for end in ("low", "high"))
    calls = asked if live else 0
    free = {"cost_low": 0.0, "cost_high": 0.0}
    return {
        "run": run.id,
        "samples": samples,
        "calls": calls,
        "cached": asked - calls,
        **(free if not calls else {"cost_low": None if low is None else max(low, 0.0), "cost_high": high}),
    }


def _plan(out: Console, planned: dict[str, Any]) -> None:
    from slipway.data.text import money

    cost = f"{money(planned['cost_low'])} to {money(planned['cost_high'])}" if planned["calls"] else "nothing"
    if planned["calls"] and planned["cost_high"] is None:
        cost = "unknown: no price"
    said = f"{planned['samples']:,} samples, {planned['calls']:,} model calls, {planned['cached']:,} answers recorded"
    out.print(f"{said}, cost {cost}")
    out.print("Nothing was run.", style="dim")


def _draw(out: Console, found: Reproduction) -> None:
    from slipway.cli.draw import cell, rows, table, whole

    out.print(cell(found.verdict.replace("_", " "), STYLE[found.verdict]))
    out.print()
    differ = f"{found.outputs_differ:,} outputs and {found.scores_differ:,} scores of {found.samples:,} samples differ"
    facts = [("how", found.method), ("outputs", differ), ("code", found.code), ("packages", found.packages)]
    lines = [*facts, ("model", found.model), *(("note", note) for note in found.notes)]
    lines += [(f"not as it was: {reason.factor}", reason.detail) for reason in found.because]
    made = table(whole(""), "")
    made.show_header = False
    out.print(rows(made, lines))
    if found.examples:
        names = ", ".join(f"{example} (repeat {repeat})" if repeat else example for example, repeat in found.examples)
        out.print(cell(f"\ndifferent, for example: {names}"))
