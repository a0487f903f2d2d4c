"""Rubrics: what a model judge is to look at, in an expert's words, with a version.

A rubric ``helpful@v3`` is the file ``rubrics/helpful@v3.toml`` of the project:

    criteria = "Does the answer solve what was asked? ..."
    low = 1
    high = 5
    [levels]
    1 = "misses the question"
    5 = "solves it completely"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.config import load
from slipway.errors import ConfigError, NotFound

FOLDER = "rubrics"
_NAME = re.compile(r"(?P<name>[\w\-]+)(@v(?P<version>\d+))?")
KEYS = {"criteria", "low", "high", "levels"}


@dataclass(frozen=True, slots=True)
class Rubric:
    """Scores are whole numbers from ``low`` (worst) to ``high`` (best); ``levels`` describes some or all of them."""

    name: str
    criteria: str
    version: int = 1
    low: int = 1
    high: int = 5
    levels: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.high <= self.low:
            raise ConfigError(
                f"rubric {self.name}: high must be more than low", mend="low = 1 and high = 5, for example"
            )
        strange = [level for level in self.levels if not self.low <= level <= self.high]
        if strange:
            raise ConfigError(f"rubric {self.name}: level {strange[0]} is out of range", mend="levels lie in low..high")

    @property
    def reference(self) -> str:
        """``helpful@v3``."""
        return f"{self.name}@v{self.version}"


BUILT_IN = (
    Rubric(
        "helpful",
        "Does the answer do what the person asked for? Judge what it achieves, not how politely or how lengthily it does so.",
        levels={
            1: "does not address the request, or harms",
            2: "addresses it, but what the person needs is missing or wrong",
            3: "useful in part; the person has to go on asking",
            4: "does what was asked, with small gaps",
            5: "does all that was asked, nothing wrong, nothing missing",
        },
    ),
    Rubric(
        "correct",
        "Does the answer state the same facts as the reference answer? Other words, order and further true detail are fine; "
        "a contradiction or a missing key fact is not.",
        low=0,
        high=1,
        levels={0: "contradicts the reference, or lacks a key fact", 1: "agrees with the reference"},
    ),
    Rubric(
        "grounded",
        "Is every claim of the answer supported by the input? What the input does not say counts as unsupported, even when it is "
        "true.",
        low=0,
        high=2,
        levels={0: "a central claim is unsupported", 1: "a side claim is unsupported", 2: "all is supported"},
    ),
)


def find_rubric(reference: str, *, folder: Path | None = None) -> Rubric:
    """The rubric called ``name@vN``; the newest version of it for ``name``. A file of the project comes before ours.

    Raises `NotFound`, `ConfigError` for a file that is no rubric.
    """
    match = _NAME.fullmatch(reference)
    folder = folder or Path(load().root, FOLDER)
    known = {rubric.reference: rubric for rubric in BUILT_IN}
    paths = {path.stem: path for path in sorted(folder.glob("*.toml")) if _NAME.fullmatch(path.stem)}
    every = sorted({*known, *paths}, key=_order)
    wanted = [name for name in every if match and name == reference]
    if match and match["version"] is None:
        wanted = [name for name in every if name.partition("@")[0] == reference][-1:]
    if not wanted:
        raise NotFound.among("rubric", reference, every)
    return _read(paths[wanted[0]]) if wanted[0] in paths else known[wanted[0]]


def _order(reference: str) -> tuple[str, int]:
    name, _, version = reference.partition("@v")
    return name, int(version or 0)


def _read(path: Path) -> Rubric:
    name, version = _order(path.stem)
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", mend="correct that line") from None
    for key in table:
        if key not in KEYS:
            raise ConfigError(f"{path}: {NotFound.among('setting', key, KEYS)}")
    if not isinstance(table.get("criteria"), str):
        raise ConfigError(f"{path} has no criteria", mend='write criteria = "..."')
    try:
        levels = {int(level): str(text) for level, text in table.get("levels", {}).items()}
        low, high = int(table.get("low", 1)), int(table.get("high", 5))
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{path}: low, high and the levels are whole numbers", mend="see the docs of judge") from None
    return Rubric(name, table["criteria"], version or 1, low, high, levels)
