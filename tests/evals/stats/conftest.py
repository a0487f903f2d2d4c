"""Lets the tests of this folder import the simulated worlds beside them, and run thousands of families quickly."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def quick_collections() -> Iterator[None]:
    """statsmodels' multipletests collects garbage at each call: 0.2 s in a test session, nothing once its objects are frozen."""
    gc.freeze()
    yield
    gc.unfreeze()
