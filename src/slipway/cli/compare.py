"""``slipway compare``: two runs, or two files of scores, example by example."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_pair
from slipway.cli.verbs import verb
from slipway.errors import UsageError


@verb("compare")
@click.argument("a", shell_complete=completes("run"), help="The run to compare with: id, variant, @latest, or a file.")
@click.argument("b", shell_complete=completes("run"), help="The run that is judged.")
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="The score to compare; several are corrected for their number (Holm).  [default: the gate's, or the first]",
)
@click.option(
    "--margin", metavar="SCORE", type=click.FloatRange(0, min_open=True), help="How much worse is still not worse."
)
@click.option("--by", metavar="SLICE", help="Also for each value of this slice, corrected for their number (Holm).")
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="For variants: their runs of it.")
@click.option(
    "--confidence",
    metavar="SHARE",
    type=click.FloatRange(0.5, 0.999),
    default=0.95,
    show_default=True,
    help="Of intervals.",
)
@click.option("--sequential", is_flag=True, help="B is still running: this verdict holds however often one looks.")
@click.pass_obj
def command(call: Invocation, /, a: str, b: str, **options: Any) -> int:
    """Compare run B with run A, example by example, and say what is known of B: better, worse, not worse, or cannot tell.

    A and B are runs (an id, its first digits, a variant's name, @latest) or two files of JSON lines
    {"example_id", "score", "repeat"?, "cluster"?}. With cannot_tell it says how many examples it takes.

    Exit code 0: the evidence decides, whichever way. 4: cannot tell. `slipway gate` is the command that blocks.
    """
    from slipway.evals.compare import compare
    from slipway.evals.compare_draw import drawing

    one, other = _sides(call, a, b, options.pop("suite"))
    verdict = compare(one, other, metric=list(options.pop("metrics")) or None, **options)
    found = verdict.to_dict()
    call.emit(found, lambda out: out.print(drawing(found)))
    return verdict.exit_code


def _sides(call: Invocation, a: str, b: str, suite: str | None) -> tuple[Any, Any]:
    """Both as files, or both as runs."""
    files = [reference.endswith(".jsonl") or Path(reference).is_file() for reference in (a, b)]
    if all(files):
        return Path(a), Path(b)
    if any(files):
        raise UsageError("one of the two is a file, the other is not", mend="compare two runs, or two files")
    from slipway.evals.results import Run

    first, second = find_pair(call.store, a, b, project=call.project, suite=suite)
    return Run(first, call.store), Run(second, call.store)
