"""The public names: a list that is changed on purpose."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest

import slipway

ROOT = Path(__file__).parent.parent


def test_the_list():
    assert slipway.__all__ == sorted(slipway._HOME)
    assert " ".join(slipway.__all__) == (
        "Example Limit Message Request Score SlipwayError Span Suite Variant compare current_span dataset default_model"
        " evaluate feedback flush gate init journey judge log open_model open_store register shutdown span task trace wrap"
    )


@pytest.mark.parametrize("name", slipway.__all__)
def test_every_name_is_there_and_says_what_the_caller_gets(name):
    thing = getattr(slipway, name)
    assert inspect.getdoc(thing), f"slipway.{name} has no docstring"
    assert f"`{name}`" in (ROOT / "docs/reference/python.md").read_text(), f"docs/reference/python.md lacks {name}"


def test_what_pages_and_examples_import_is_on_the_page():
    page = (ROOT / "docs/reference/python.md").read_text()
    sources = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.py")]
    for path in sources:
        if "decisions" in path.parts:
            continue
        for module, names in re.findall(r"^from (slipway\.[\w.]+) import ([\w, ]+)$", path.read_text(), re.MULTILINE):
            for name in names.split(","):
                name = name.strip()
                assert f"## `{module}.{name}`" in page or f"## `{name}`" in page, (
                    f"{path}: {module}.{name} is not public"
                )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'tracer'"):
        slipway.tracer


def test_one_version():
    assert slipway.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
