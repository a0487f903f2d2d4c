"""``slipway journey``: the tree of variants, what changed, what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli.gate import write
from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, short
from slipway.cli.verbs import verb

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.evals.journey import Journey


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
    call.emit(found.to_dict(), lambda out: _draw(out, found))


def _draw(out: Console, found: Journey) -> None:
    out.print(found)
    out.print(f"Wrong answers of the best: slipway runs show {short(found.best.run.id)}", style="dim")
