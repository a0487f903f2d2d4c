"""``slipway metrics``: find metrics by regular expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_run, short
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.store.protocol import LastValue


@verb("metrics")
@click.argument("pattern", default="", required=False, help="RE2 syntax, found anywhere in the name; all unless given.")
@click.option(
    "--run",
    "references",
    multiple=True,
    metavar="RUN",
    shell_complete=completes("run"),
    help="Only of this eval run; may be repeated.",
)
@click.option(
    "--suite", metavar="NAME", shell_complete=completes("suite"), help="Of variants: their runs of this suite."
)
@click.option("--values", is_flag=True, help="The last value of each metric in each run.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=None, help="At most so many.")
@click.pass_obj
def command(call: Invocation, /, pattern: str, references: tuple[str, ...], **options: Any) -> None:
    """Find metrics by regular expression, among any number of names and runs.

    The engine is RE2: no pattern can make it hang. With --values, the last value of each metric in each run.
    """
    call.gather()
    runs = [_run_id(call, reference, options["suite"]) for reference in references] or None
    if options["values"]:
        found = call.store.last_values(pattern, runs=runs, limit=options["limit"])
        call.emit(found, lambda out: _values(out, found))
        return
    names = call.store.metric_names(pattern, runs=runs, limit=options["limit"])
    call.emit(names, lambda out: _names(out, names))


NONE = "No metric matches. All there are: slipway metrics. An eval run writes some, and so does slipway.log(loss=0.3)."


def _run_id(call: Invocation, reference: str, suite: str | None) -> str:
    """Metrics may belong to runs that are no eval runs, so an id of full length is taken as it is."""
    return reference if len(reference) == 32 else find_run(call.store, reference, project=call.project, suite=suite).id


def _names(out: Console, names: list[str]) -> None:
    from slipway.data.text import one_line

    for name in names:
        out.print(one_line(name), soft_wrap=True)
    if not names:
        out.print(NONE)


def _values(out: Console, found: list[LastValue]) -> None:
    from slipway.cli.draw import right, rows, table, whole
    from slipway.data.text import number

    if not found:
        out.print(NONE)
        return
    made = table("METRIC", right("LAST"), right("STEP"), whole("RUN"))
    out.print(rows(made, [(v.name, number(v.value), v.step, short(v.run_id)) for v in found]))
