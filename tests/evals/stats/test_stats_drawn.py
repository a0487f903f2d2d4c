"""S10 and S11 on drawn inputs: 2,000 of each in `make test-slow`, 50 in `make test`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats as ss

from slipway.evals import stats
from slipway.evals.stats import mcnemar, sequential
from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.clustered import mean_error
from slipway.evals.stats.intervals import clopper_pearson, wilson
from slipway.evals.stats.power import t_power

CLOSE = {"abs": 1e-6, "rel": 1e-6}
Rng = np.random.Generator
Pairs = list[tuple[Any, Any]]
"""What is by hand, and the reference's; empty where the reference says nothing."""

pytestmark = [
    # statsmodels takes from pandas what a later one will not have.
    pytest.mark.filterwarnings("ignore:(Substitution|Appender) is deprecated"),
    pytest.mark.parametrize(
        "times", [50, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])], ids=["some", "all"]
    ),
]


def share_intervals(rng: Rng) -> Pairs:
    from statsmodels.stats.proportion import proportion_confint

    n = int(rng.integers(1, 3000))
    count, confidence = int(rng.integers(0, n + 1)), float(rng.uniform(0.5, 0.9999))
    pairs: Pairs = [
        (ours(count, n, confidence), proportion_confint(count, n, 1 - confidence, method))
        for method, ours in (("wilson", wilson), ("beta", clopper_pearson))
    ]
    share = float(rng.uniform())
    return [*pairs, (float(binomial_cdf(count, n, share)), ss.binom.cdf(count, n, share))]


def mid_p(rng: Rng) -> Pairs:
    from statsmodels.stats.contingency_tables import mcnemar as reference

    wins, losses = (int(k) for k in rng.integers(0, 200, 2))
    exact = float(reference([[9, losses], [wins, 9]], exact=True).pvalue)
    point = float(ss.binom.pmf(min(wins, losses), wins + losses, 0.5))
    expected = 1.0 if wins == losses else exact - point
    return [(float(mcnemar.mid_p(wins, losses)), expected)]


def clustered_error(rng: Rng) -> Pairs:
    from statsmodels.regression.linear_model import OLS

    n = int(rng.integers(20, 300))
    labels = np.unique(rng.integers(0, int(rng.integers(3, 40)), n), return_inverse=True)[1]
    values = rng.normal(labels / 10, 1)
    fit = OLS(values, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": labels}, use_t=True)
    found = stats.compare_paired(np.zeros(n), values, clusters=labels)
    return [(mean_error(values, labels).se, float(fit.bse[0])), (found.p_value, float(fit.pvalues[0]))]


def holm(rng: Rng) -> Pairs:
    from statsmodels.stats.multitest import multipletests

    p = (rng.uniform(size=int(rng.integers(1, 30))) ** 3).tolist()
    return [(stats.holm(p), multipletests(p, method="holm")[1].tolist())]


def power_of_t(rng: Rng) -> Pairs:
    from statsmodels.stats.power import TTestPower

    n, shift = int(rng.integers(3, 500)), float(rng.uniform(0.01, 0.8))
    expected = float(TTestPower().power(shift, n, 0.05))
    if not math.isfinite(expected):  # statsmodels gives up far out in the tail
        return []
    return [(t_power(shift, 1 / math.sqrt(n), n - 1, 0.05), expected)]


def bets(rng: Rng) -> Pairs:
    """The e-process in closed form is the wealth of who bets on each pair with the posterior's forecast."""
    wins, losses, wealth = 0, 0, 0.0
    for won in rng.random(int(rng.integers(1, 80))) < rng.uniform():
        forecast = (5 + wins) / (10 + wins + losses)
        wealth += math.log(2 * (forecast if won else 1 - forecast))
        wins, losses = wins + int(won), losses + int(not won)
    return [(float(sequential.log_e_discordant(wins, losses)), wealth)]


def votes(rng: Rng) -> Pairs:
    import choix

    strength, drawn, data = rng.normal(size=3), [], []
    for _ in range(30):
        i, j = (int(k) for k in rng.choice(3, 2, replace=False))
        won = rng.random() < 1 / (1 + math.exp(strength[j] - strength[i]))
        drawn.append((f"p{i}", f"p{j}", "left" if won else "right"))
        data.append((i, j) if won else (j, i))
    reference = choix.opt_pairwise(3, data, alpha=1e-6, tol=1e-12)
    found = stats.bradley_terry(drawn)
    # A player who never lost has no finite strength: the ridge alone holds it, and steps end early on both sides.
    if float(np.abs(reference).max()) >= 6:
        return []
    expected = reference - reference.mean()
    return [([found.strength[f"p{k}"] for k in range(3)], expected.tolist())]


@pytest.mark.parametrize("draw", [share_intervals, mid_p, clustered_error, holm, power_of_t, bets, votes])
def test_s10_by_hand_equals_the_reference(draw, times: int) -> None:
    rng = np.random.default_rng(20260303)
    close = {"abs": 1e-5} if draw is votes else CLOSE
    pairs = [pair for _ in range(times) for pair in draw(rng)]
    assert len(pairs) >= times / 2  # the reference has something to say of most
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, **close)


def test_s11_a_failure_is_never_silently_green(times: int) -> None:
    """Whatever is drawn and rerun: green only when nothing failed, flaky only when every rerun of what failed passed."""
    rng = np.random.default_rng(20260404)
    seen = set()
    for _ in range(times):
        chance = rng.choice([0.7, 0.95, 1.0])
        outcomes = {f"e{k}": (rng.random(rng.integers(1, 4)) < chance).tolist() for k in range(int(rng.integers(1, 8)))}
        failed = {name for name, results in outcomes.items() if not all(results)}
        reruns = {name: (rng.random(rng.integers(0, 6)) < 0.9).tolist() for name in outcomes}
        confirmations = int(rng.integers(1, 5))
        found = stats.must_pass(outcomes, reruns=reruns, confirmations=confirmations)
        assert found.passed == (not failed)
        confirmed = {name for name in failed if len(reruns[name]) >= confirmations and all(reruns[name])}
        assert (set(found.flaky), set(found.failed)) == (confirmed, failed - confirmed)
        assert found.status == ("red" if failed - confirmed else "flaky" if failed else "green")
        seen.add(found.status)
    assert seen == {"green", "flaky", "red"}
