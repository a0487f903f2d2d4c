"""Write python.md, scorers.md and api.md of docs/reference from docstrings: ``python -m slipway.cli.pages``.

A test compares the files with what this makes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import slipway
from slipway import registry
from slipway.cli import apipage

FOLDER = Path("docs/reference")

PYTHON = """# The public names

Written by `python -m slipway.cli.pages` from the docstrings; change those, not this page. What is not here is not public.
`import slipway` loads none of it: each name is loaded when it is first used. Names with dots, at the end, are imported
from their module.
"""

DOTTED = (
    "slipway.data.Message",
    "slipway.data.Reply",
    "slipway.data.Request",
    "slipway.evals.sealed.ledger",
    "slipway.evals.sealed.seal",
    "slipway.evals.sealed.take_look",
    "slipway.evals.sealed.unseal_rows",
    "slipway.evals.stats.needed_pairs",
    "slipway.evals.stats.needed_per_arm",
    "slipway.models.ScriptedModel",
    "slipway.models.default_model",
    "slipway.models.open_embedder",
    "slipway.models.open_model",
    "slipway.store.recover.recover",
    "slipway.track.dialects.Dialect",
)
"""Public too, but not of every day."""

SCORERS = """# Scorers

Written by `python -m slipway.cli.pages` from the docstrings; change those, not this page.

Where scorers are named (`scorers = [...]` in `slipway.toml`, `evaluate(scorers=[...])`) a name may carry settings:
`"numeric(tolerance=0.1)"`, `"regex:^yes"`, `{ name = "numeric", tolerance = 0.1, as = "close" }`. A function of your own is named
`"module:function"`; see [add a scorer](../guides/scorer.md).
"""


def pages() -> dict[str, str]:
    """Text of each page by file name."""
    names = {name: getattr(slipway, name) for name in slipway.__all__}
    names |= {dotted: getattr(import_module(dotted.rpartition(".")[0]), dotted.rpartition(".")[2]) for dotted in DOTTED}
    public = [PYTHON, *_entries(iter(names.items()))]
    scorers = [SCORERS, *_entries((name, registry.lookup("scorer", name)) for name in registry.names("scorer"))]
    made = {"python.md": "\n".join(public), "scorers.md": "\n".join(scorers), "api.md": apipage.page()}
    return {name: text.rstrip() + "\n" for name, text in made.items()}


def _entries(things: Iterator[tuple[str, Any]]) -> Iterator[str]:
    for name, thing in things:
        yield f"\n## `{name}`\n"
        signature = _signature(name.rpartition(".")[2], thing)
        if signature:
            yield f"```\n{signature}\n```\n"
        yield from (_prose(paragraph) + "\n" for paragraph in _docstring(thing).split("\n\n"))


def _docstring(thing: Any) -> str:
    function = getattr(thing, "function", None)  # a Scorer's words are those of its function
    own = inspect.getdoc(function) if function is not None and not inspect.isclass(thing) else None
    return own or inspect.getdoc(thing) or ""


def _prose(paragraph: str) -> str:
    if any(line.startswith("    ") for line in paragraph.splitlines()):
        return paragraph
    text = " ".join(paragraph.split()).replace("``", "`")
    return re.sub(r"<(?=\w)", "&lt;", text)


def _signature(name: str, thing: Any) -> str:
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    # A default may print with an address, which is another one each time.
    text = re.sub(r" at 0x[0-9a-f]+", "", str(signature))
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are texts here, defaults are not
    text = re.sub(r"<factory>|<class '([\w.]+)'>", lambda m: m[1] or "...", text)
    return f"{name}{text}" if len(name + text) <= 100 else f"{name}({_folded(text)}"


def _folded(text: str) -> str:
    """One parameter a line; brackets inside annotations are left alone."""
    inner, depth, line, lines = text[1:], 0, "", []
    for at, letter in enumerate(inner):
        depth += letter in "([{"
        depth -= letter in ")]}"
        if depth < 0:
            lines.append(line.strip())
            return "\n    " + ",\n    ".join(lines) + ",\n" + inner[at:]
        if letter == "," and depth == 0:
            lines.append(line.strip())
            line = ""
        else:
            line += letter
    return inner


def main() -> int:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"wrote {FOLDER / name}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
