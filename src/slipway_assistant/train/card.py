"""The model card's numbers: exact calls by source, function and language, and what the confidence is worth."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from slipway_assistant.calibrate import calibration_error
from slipway_assistant.data import Utterance
from slipway_assistant.grade import grade
from slipway_assistant.mind import Mind, answer
from slipway_assistant.weights import FOLDER, manifest

CARD = "MODEL_CARD.md"
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """One sentence, whether the call and its name were right, and how sure the mind was."""

    row: Utterance
    right: bool
    named: bool
    refused: bool
    confidence: float


def ask(mind: Mind, rows: Sequence[Utterance]) -> list[Asked]:
    """Every sentence once."""
    found = []
    for row in rows:
        said = answer(mind, row.text, row.lang)
        named = (said.call or {}).get("name") == (row.call or {}).get("name")
        right = grade(row.as_row(), said.call).right
        found.append(Asked(row, right, named, said.call is None, said.confidence))
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959964
    share, square = hits / n, z * z / n
    middle, spread = share + square / 2, z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))


def share(hits: Sequence[bool]) -> str:
    """`93.9 [92.8, 94.9]`, in percent."""
    low, high = wilson(sum(hits), len(hits))
    return f"{100 * sum(hits) / max(len(hits), 1):.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def tables(asked: Sequence[Asked]) -> str:
    """All tables of one set of sentences as Markdown."""
    none = [one for one in asked if one.row.call is None]
    some = [one for one in asked if one.row.call is not None]
    lines = [
        "| what | n | right, % [95 %] |",
        "|---|---|---|",
        f"| exact call | {len(asked)} | {share([one.right for one in asked])} |",
        f"| function name | {len(asked)} | {share([one.named for one in asked])} |",
        f"| no call where none is meant | {len(none)} | {share([one.refused for one in none])} |",
        f"| refused though a call is meant (lower is better) | {len(some)} | {share([one.refused for one in some])} |",
    ]
    ways: tuple[tuple[str, Callable[[Asked], str]], ...] = (
        ("language", lambda one: one.row.lang),
        ("source", lambda one: one.row.source),
        ("function", lambda one: one.row.function),
    )
    for name, key in ways:
        groups: defaultdict[str, list[Asked]] = defaultdict(list)
        for one in asked:
            groups[key(one)].append(one)
        lines += ["", f"| {name} | n | exact call, % [95 %] | name, % |", "|---|---|---|---|"]
        for group, found in sorted(groups.items(), key=lambda pair: -len(pair[1])):
            named = 100 * sum(one.named for one in found) / len(found)
            lines.append(f"| {group} | {len(found)} | {share([one.right for one in found])} | {named:.1f} |")
    return "\n".join([*lines, "", *reliability(asked)])


def reliability(asked: Sequence[Asked]) -> list[str]:
    """When it says 0.97, is it?"""
    lines = ["| confidence | n | mean confidence | right, % [95 %] |", "|---|---|---|---|"]
    for low, high in itertools.pairwise(BINS):
        found = [one for one in asked if low <= one.confidence < high or (high == 1.0 and one.confidence == 1.0)]
        if found:
            mean = float(np.mean([one.confidence for one in found]))
            lines.append(
                f"| {low:.2f}-{high:.2f} | {len(found)} | {mean:.3f} | {share([one.right for one in found])} |"
            )
    error = calibration_error([one.confidence for one in asked], [one.right for one in asked])
    return [*lines, "", f"Expected calibration error, ten bins of equal size: {error:.3f}."]


def write_card(folder: Path, mind: Mind, sets: Sequence[tuple[str, Sequence[Utterance]]]) -> None:
    """The card: what does not change, then the numbers of each named set of sentences, then the manifest."""
    parts = [files("slipway_assistant.train").joinpath("card.md").read_text("utf-8")]
    for title, rows in sets:
        parts.append(f"## Scores: {title}\n\n{tables(ask(mind, rows))}\n")
    listed = "\n".join(f"{digest}  {name}" for name, digest in manifest(folder).items())
    parts.append(f"## Files\n\n```\n{listed}\n```\n")
    (folder / CARD).write_text("\n".join(parts), "utf-8")


if __name__ == "__main__":
    from slipway_assistant.data import load, own
    from slipway_assistant.minds.neural import Neural

    shipped = Neural.load(FOLDER)
    real = load("dev")
    write_card(FOLDER, shipped, [("real sentences, the dev split", real), ("our own dev sentences", own("dev"))])
