"""Every error says what to do, and has the exit code of the house."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from slipway import errors

SOURCES = Path(__file__).parent.parent / "src"


def test_the_nearest_name_else_what_there_is():
    assert str(errors.NotFound.among("run", "quik", ["quick", "nightly"])) == "no run 'quik'; did you mean 'quick'?"
    assert str(errors.NotFound.among("run", "zzz", ["quick", "nightly"])) == "no run 'zzz'; there is nightly, quick"
    assert str(errors.NotFound.among("run", "zzz", [])) == "no run 'zzz'; make one: slipway eval SUITE"
    assert "add one" in str(errors.NotFound.among("thing", "zzz", []))


# What a provider said is all there is to say of it, and a verdict is no mistake of anybody.
SAYS_ENOUGH = {"ModelError", "CannotTell"}


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCES)))
def test_whoever_raises_says_what_to_do(path):
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.SlipwayError)
    }
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds - SAYS_ENOUGH):
            continue
        told = any(keyword.arg == "mend" for keyword in node.keywords)
        quoted = "NotFound.among(" in ast.unparse(node) or "{error}" in ast.unparse(
            node
        )  # whose own mend is in the text
        assert told or quoted, f"{path}:{node.lineno} {ast.unparse(node)} has no mend="


def test_a_missing_extra_names_the_command():
    assert "pip install 'slipway[models]'" in str(errors.MissingExtra.named("models", "aiohttp"))


def test_exit_codes():
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert {
        name: codes[name] for name in ("UsageError", "ConfigError", "NotFound", "DataError", "SealedError")
    } == dict.fromkeys(("UsageError", "ConfigError", "NotFound", "DataError", "SealedError"), 2)
    assert (
        codes["StoreError"],
        codes["ModelError"],
        codes["CannotTell"],
        codes["NothingRan"],
        codes["CostCapReached"],
    ) == (3, 3, 4, 5, 6)
