"""``slipway gate``: may this run ship?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_pair, find_run, short
from slipway.cli.verbs import verb
from slipway.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

STYLE = {"passed": "green", "failed": "bold red", "flaky": "red", "cannot_tell": "yellow", "error": "red"}
WORD = {"passed": "bold green", "blocked": "bold red", "cannot tell": "bold yellow"}


@verb("gate")
@click.argument("run", shell_complete=completes("run"), help="An id, its first digits, a variant's name or @latest.")
@click.option(
    "--baseline", metavar="RUN", shell_complete=completes("run"), help="What ships now: the run must not be worse."
)
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="For variants: their runs of it.")
@click.option("--metric", metavar="NAME", help="The score that decides.  [default: the suite's]")
@click.option("--at-least", metavar="SCORE", type=float, help="What its interval must reach.  [default: the suite's]")
@click.option("--margin", metavar="SCORE", type=click.FloatRange(0), help="How much worse is still not worse.")
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False), help="Write a JUnit XML report.")
@click.option("--markdown", metavar="FILE", type=click.Path(dir_okay=False), help="Write a summary for a pull request.")
@click.pass_obj
def command(call: Invocation, /, run: str, baseline: str | None, suite: str | None, **options: Any) -> int:
    """Decide by the suite's rules whether a run may ship; say every rule and why.

    Exit code 0: passed. 1: blocked. 3: infrastructure or a model failed. 4: cannot tell. 5: nothing ran. 6: the cost cap ended
    the run. 130: it was interrupted.
    """
    from slipway.evals.gate import gate
    from slipway.evals.results import Run

    store = call.store
    if baseline is None:
        subject, against = find_run(store, run, project=call.project, suite=suite), None
    else:
        against, subject = find_pair(store, baseline, run, project=call.project, suite=suite)
    files = {kind: options.pop(kind) for kind in ("junit", "markdown")}
    result = gate(
        Run(subject, store),
        baseline=Run(against, store) if against else None,
        store=store,
        config=call.config,
        **options,
    )
    if files["junit"]:
        write(files["junit"], result.to_junit())
    if files["markdown"]:
        write(files["markdown"], result.to_markdown())
    call.emit(result.to_dict(), lambda out: _draw(out, result))
    return result.exit_code


def write(path: str, text: str) -> None:
    """Write a report, making its folder. Raises `UsageError` when it cannot be written."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", mend="give another path") from None


def _draw(out: Console, result: Any) -> None:
    from slipway.cli.draw import cell, rows, table

    record = result.run.record
    what = f"{record.variant} on {record.suite or record.experiment} (run {short(record.id)})"
    if result.baseline is not None:
        what += f", against {result.baseline.variant} (run {short(result.baseline.id)})"
    out.print(cell(f"{result.word}: {what}", WORD.get(result.word, "bold red")))
    out.print()
    lines = [(cell(r.status.replace("_", " "), STYLE.get(r.status, "")), r.name, r.says) for r in result.rules]
    out.print(rows(table("", "RULE", "WHY"), lines))
    if result.objectives:
        out.print()
    for line in result.objectives:
        out.print(cell(line))
