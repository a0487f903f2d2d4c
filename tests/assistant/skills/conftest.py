"""A person who asks for things, with a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant_person import Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path / "kept")
