"""``slipway compare``: two runs, or two files of scores, example by example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_pair, short
from slipway.cli.verbs import verb
from slipway.data.text import many, score
from slipway.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


SAID = {"better": "better", "worse": "worse", "not_worse": "not worse", "cannot_tell": "cannot tell"}
STYLE = {"better": "bold green", "worse": "bold red", "not_worse": "bold green", "cannot_tell": "bold yellow"}


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

    one, other = _sides(call, a, b, options.pop("suite"))
    verdict = compare(one, other, metric=list(options.pop("metrics")) or None, **options)
    found = verdict.to_dict()
    call.emit(found, lambda out: draw(out, found))
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


def draw(out: Console, found: dict[str, Any]) -> None:
    """The verdict in a sentence, the two means, the evidence, then slices."""
    from rich.text import Text

    from slipway.cli.draw import cell, right, rows, table, whole
    from slipway.data.text import one_line

    a, b = one_line(found["a"]), one_line(found["b"])
    out.print(Text("").append(sentence(found, a, b), style=STYLE[found["verdict"]]))
    out.print()
    made = table("", "VARIANT", right("MEAN"), whole("RUN" if found["run_a"] else ""))
    ids = [short(found[side]) if found[side] else "" for side in ("run_a", "run_b")]
    out.print(rows(made, [("A", a, score(found["mean_a"]), ids[0]), ("B", b, score(found["mean_b"]), ids[1])]))
    out.print()
    out.print(cell(f"B - A on {found['metric']}: {span(found)}, p = {found['p_value']:.3g}, {evidence(found)}"))
    for line in advice(found):
        out.print(cell(line))
    for note in found["notes"]:
        out.print(cell(note, "dim"))
    if found.get("metrics"):
        _family(out, "metric", found["metrics"])
    if found.get("slices"):
        _family(out, found["by"], found["slices"])


def _family(out: Console, title: str, family: dict[str, Any]) -> None:
    from slipway.cli.draw import cell, right, rows, table

    out.print()
    made = table(title.upper(), right("A"), right("B"), right("B - A"), right("P"), right("N"), "VERDICT")
    lines = [
        (
            name,
            score(one["mean_a"]),
            score(one["mean_b"]),
            span(one),
            f"{one['p_adjusted'] if one['p_adjusted'] is not None else one['p_value']:.3g}",
            f"{one['n']:,}",
            cell(SAID[one["verdict"]], STYLE[one["verdict"]]),
        )
        for name, one in family.items()
    ]
    out.print(rows(made, lines))
    if len(lines) > 1:
        out.print(f"p and intervals are corrected for {len(lines)} comparisons (Holm)", style="dim")


def sentence(found: dict[str, Any], a: str, b: str) -> str:
    """The verdict as one would say it."""
    verdict = found["verdict"]
    if verdict == "cannot_tell":
        return f"Cannot tell whether {b} is better or worse than {a}."
    if verdict == "not_worse":
        return f"{b} is not worse than {a} by more than {found['margin']:g}."
    return f"{b} is {verdict} than {a}."


def span(found: dict[str, Any]) -> str:
    """``+0.040 [-0.010, +0.090]``."""
    return score(found["delta"], found["ci_low"], found["ci_high"], signed=True)


def evidence(found: dict[str, Any]) -> str:
    """What it rests on: how many examples, in how many clusters, how many of them differ, by which method."""
    pairs = "examples" if found["paired"] else "examples in the smaller run, unpaired"
    said = f"{found['n']:,} {pairs}"
    if found["n_clusters"] != found["n"]:
        said += f" in {found['n_clusters']:,} clusters"
    if found["discordant"] is not None:
        said += f", {found['discordant']:,} of them differ"
    return f"{said}, {found['method']}"


def advice(found: dict[str, Any]) -> list[str]:
    """What to do when the verdict is open."""
    if found["verdict"] != "cannot_tell":
        return []
    said = []
    if found["mde"] is not None:
        said.append(f"A comparison of this size sees differences from {found['mde']:.3f} on (80 % power).")
    needed = found["needed_n"]
    if needed is not None and needed > found["n"]:
        unit = "examples" if found["paired"] else "examples for each run"
        if needed < 1_000_000:
            more = f"Collect {many(needed - found['n'])} more ({many(needed)} {unit} in all)"
            said.append(f"{more} to decide a difference as seen.")
        else:
            said.append(f"To decide a difference as small as this one takes {many(needed)} {unit}.")
    elif needed is None and found["n"] < 2:
        said.append("One example says nothing of the next: compare on more.")
    elif needed is None and not found["delta"] and not found["margin"]:
        said.append(
            "No difference was seen, so no number of examples would show one; say how much is worth it: --margin."
        )
    if found["margin"] and found["needed_n_margin"]:
        said.append(
            f'{many(found["needed_n_margin"])} examples in all would show "not worse than {found["margin"]:g}".'
        )
    return said
