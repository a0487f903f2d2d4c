"""The figures that a reader of the specification checks first."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.evals import stats


def _pairs(n: int, right_a: int, wins: int, losses: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of A and B with ``wins`` pairs only B has right and ``losses`` only A has."""
    a = np.zeros(n)
    a[:right_a] = 1
    b = a.copy()
    b[:losses] = 0
    b[right_a : right_a + wins] = 1
    return a, b


@pytest.mark.parametrize(("discordance", "needed"), [(0.06, 292), (0.10, 488), (0.20, 979)])
def test_pairs_needed_to_tell_75_from_79_percent(discordance: float, needed: int) -> None:
    assert stats.needed_pairs(0.04, discordance) == needed
    n = 1000
    wins, losses = round(n * (discordance + 0.04) / 2), round(n * (discordance - 0.04) / 2)
    found = stats.compare_paired(*_pairs(n, 750, wins, losses))
    assert (found.mean_a, found.mean_b, found.needed_n) == (0.75, 0.79, needed)


def test_unpaired_it_takes_1736_for_each() -> None:
    assert stats.needed_per_arm(0.75, 0.79) == 1736
    assert stats.compare_unpaired(_pairs(200, 150, 0, 0)[0], _pairs(200, 158, 0, 0)[0]).needed_n == 1736


@pytest.mark.parametrize(("wins", "losses", "needed"), [(14, 6, 488), (24, 16, 979)])
def test_200_examples_cannot_tell_75_from_79_percent(wins: int, losses: int, needed: int) -> None:
    found = stats.compare_paired(*_pairs(200, 150, wins, losses))
    assert found.verdict == "cannot_tell"
    assert found.delta == pytest.approx(0.04)
    assert found.ci_low < 0 < found.ci_high
    assert found.needed_n == needed
    assert found.more == needed - 200
    assert f"{needed} examples in all" in str(found)


def test_unpaired_says_so() -> None:
    found = stats.compare_runs(["a", "b", "c"], [1, 0, 1], ["d", "e", "f"], [1, 1, 1])
    assert not found.paired
    assert "unpaired" in found.method
    assert any("share no examples" in note for note in found.notes)
