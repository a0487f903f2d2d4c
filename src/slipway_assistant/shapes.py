"""Files of regular expressions by language, one a line under a `[section]`, for what is matched rather than learned.

`[words]` has pieces that other lines use: `SO = (?:really |also )*` is written `{SO}` below it. A line that begins with
`# ` is a comment. `sections("likings", "en")` reads `likings/en.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "fr", "ja")
_HEAD = re.compile(r"\[([a-z ]+)\]")


@cache
def sections(folder: str, lang: str) -> Mapping[str, Sequence[str]]:
    """The lines of each section of a language's file, with the pieces of `[words]` put in."""
    found: dict[str, list[str]] = {}
    words: dict[str, str] = {}
    section = ""
    for line in files(f"slipway_assistant.{folder}").joinpath(f"{lang}.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("# "):
            continue
        if head := _HEAD.fullmatch(line):
            section = head[1]
            found[section] = []
            continue
        for name, piece in words.items():
            line = line.replace("{" + name + "}", piece)
        if section == "words":
            name, _, piece = line.partition(" = ")
            words[name] = piece
        else:
            found[section].append(line)
    return found


def shape(line: str) -> re.Pattern[str]:
    """A line as an expression; capital letters do not matter."""
    return re.compile(line, re.I)


def pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Lines such as `song: track|tune` as (name, rest)."""
    return [(head, rest) for head, _, rest in (line.partition(": ") for line in lines)]
