"""Fixtures of the assistant's tests: which utterances they use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL = Path(os.environ.get("SLIPWAY_NLU_DATA") or Path(__file__).parents[3] / "shared" / "data" / "nlu").resolve()


@pytest.fixture(autouse=True)
def _a_slow_machine(_elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk may stand still for longer than a person would wait for a skill."""
    monkeypatch.setenv("SLIPWAY_ASSISTANT_PATIENCE", "100")


@pytest.fixture
def own_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the utterances of this repository."""
    monkeypatch.delenv("SLIPWAY_NLU_DATA", raising=False)


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the real utterances. They are no part of the repository, so a clone without them skips what needs them."""
    if not (REAL / "dev.jsonl").is_file() and not os.environ.get("SLIPWAY_NLU_DATA"):
        pytest.skip(f"no real utterances in {REAL}: set SLIPWAY_NLU_DATA to the folder with train.jsonl and dev.jsonl")
    monkeypatch.setenv("SLIPWAY_NLU_DATA", str(REAL))
    return REAL
