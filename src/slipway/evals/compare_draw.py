"""A verdict drawn for a terminal: the same in ``slipway compare`` and where rich shows what `compare` gave back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.data.text import many, one_line, score
from slipway.evals.naming import short

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

SAID = {"better": "better", "worse": "worse", "not_worse": "not worse", "cannot_tell": "cannot tell"}
STYLE = {"better": "bold green", "worse": "bold red", "not_worse": "bold green", "cannot_tell": "bold yellow"}


def drawing(found: dict[str, Any]) -> Group:
    """Of a verdict's `to_dict`: the sentence, the two means, the evidence, then slices."""
    from rich.console import Group
    from rich.text import Text

    from slipway.evals.tables import cell, right, rows, table, whole

    a, b = one_line(found["a"]), one_line(found["b"])
    made = table("", "VARIANT", right("MEAN"), whole("RUN" if found["run_a"] else ""))
    ids = [short(found[side]) if found[side] else "" for side in ("run_a", "run_b")]
    parts: list[RenderableType] = [Text(sentence(found, a, b), style=STYLE[found["verdict"]]), ""]
    parts += [rows(made, [("A", a, score(found["mean_a"]), ids[0]), ("B", b, score(found["mean_b"]), ids[1])]), ""]
    parts.append(cell(f"B - A on {found['metric']}: {span(found)}, p = {found['p_value']:.3g}, {evidence(found)}"))
    parts += [cell(line) for line in advice(found)]
    parts += [cell(note, "dim") for note in found["notes"]]
    if found.get("metrics"):
        parts += _family("metric", found["metrics"])
    if found.get("slices"):
        parts += _family(found["by"], found["slices"])
    return Group(*parts)


def _family(title: str, family: dict[str, Any]) -> list[RenderableType]:
    from rich.text import Text

    from slipway.evals.tables import cell, right, rows, table

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
    said = f"p and intervals are corrected for {len(lines)} comparisons (Holm)"
    return ["", rows(made, lines), *([Text(said, style="dim")] if len(lines) > 1 else [])]


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
