"""A real store in the test's own folder, and examples to evaluate on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'slipway.db'}")
    yield opened
    opened.close()


@pytest.fixture
def measured_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where coverage is measured, it is measured in Python processes that the test starts, too (coverage's own .pth starts
    it there). Not for every test: what is killed or counted in CPU seconds should not carry it."""
    try:
        from coverage import Coverage
    except ImportError:
        return
    measuring = Coverage.current()
    if measuring is not None:
        monkeypatch.setenv("COVERAGE_PROCESS_START", str(Path(__file__).parents[2] / "pyproject.toml"))
        monkeypatch.setenv("COVERAGE_FILE", os.path.abspath(measuring.get_option("run:data_file")))


def capitals(size: int, **metadata: Any) -> list[dict[str, Any]]:
    """Rows whose right output is the input in capitals; ``parity`` says whether the number is even."""
    return [
        {"id": f"e{n}", "input": f"word {n}", "expected": f"WORD {n}", "parity": "odd" if n % 2 else "even", **metadata}
        for n in range(size)
    ]
