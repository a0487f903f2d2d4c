"""A real store in the test's own folder, and examples to evaluate on."""

from __future__ import annotations

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


def capitals(size: int, **metadata: Any) -> list[dict[str, Any]]:
    """Rows whose right output is the input in capitals; ``parity`` says whether the number is even."""
    return [
        {"id": f"e{n}", "input": f"word {n}", "expected": f"WORD {n}", "parity": "odd" if n % 2 else "even", **metadata}
        for n in range(size)
    ]
