"""S10: what is written by hand equals statsmodels, scipy, choix or ppi_py, or a slow second way to the same number, to 1e-6."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats as ss

from slipway.evals import stats
from slipway.evals.stats import mcnemar, sequential
from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.clustered import mean_error
from slipway.evals.stats.intervals import clopper_pearson, wilson
from slipway.evals.stats.power import t_needed, t_power, t_smallest_effect

CLOSE = {"abs": 1e-6, "rel": 1e-6}

# statsmodels takes from pandas what a later one will not have.
pytestmark = pytest.mark.filterwarnings("ignore:(Substitution|Appender) is deprecated")


@pytest.mark.parametrize(("count", "n"), [(0, 20), (1, 7), (15, 20), (158, 200), (980, 1000), (1000, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_s10_share_intervals_equal_statsmodels(count: int, n: int, confidence: float) -> None:
    from statsmodels.stats.proportion import proportion_confint

    assert wilson(count, n, confidence) == pytest.approx(
        proportion_confint(count, n, 1 - confidence, "wilson"), **CLOSE
    )
    assert clopper_pearson(count, n, confidence) == pytest.approx(
        proportion_confint(count, n, 1 - confidence, "beta"), **CLOSE
    )


def test_s10_binomial_cdf_equals_scipy() -> None:
    for n in (1, 5, 40, 1000):
        for share in (0.0, 0.1, 0.5, 0.9, 1.0):
            counts = np.arange(-1, n + 2)
            assert binomial_cdf(counts, n, share) == pytest.approx(ss.binom.cdf(counts, n, share), **CLOSE)


def test_s10_clustered_error_equals_statsmodels_ols() -> None:
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(1)
    labels = rng.integers(0, 23, 400)
    values = rng.normal(labels / 10, 1)
    fit = OLS(values, np.ones(400)).fit(cov_type="cluster", cov_kwds={"groups": labels}, use_t=True)
    found = stats.interval(values, clusters=labels)
    assert mean_error(values, labels).se == pytest.approx(float(fit.bse[0]), **CLOSE)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), **CLOSE)
    compared = stats.compare_paired(np.zeros(400), values, clusters=labels)
    assert compared.p_value == pytest.approx(float(fit.pvalues[0]), **CLOSE)


def test_s10_means_equal_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.exponential(3, 40), rng.exponential(4, 40)
    one = ss.ttest_1samp(a, 0).confidence_interval(0.95)
    found = stats.interval(a)
    assert (found.low, found.high) == pytest.approx((one.low, one.high), **CLOSE)
    pair = ss.ttest_rel(b, a)
    compared = stats.compare_paired(a, b)
    ends = pair.confidence_interval(0.95)
    assert (compared.p_value, compared.ci_low, compared.ci_high) == pytest.approx(
        (pair.pvalue, ends.low, ends.high), **CLOSE
    )
    welch = ss.ttest_ind(b, a[:30], equal_var=False)
    compared, ends = stats.compare_unpaired(a[:30], b), welch.confidence_interval(0.95)
    assert (compared.p_value, compared.ci_low, compared.ci_high) == pytest.approx(
        (welch.pvalue, ends.low, ends.high), **CLOSE
    )


def test_s10_equivalence_equals_statsmodels_tost() -> None:
    from statsmodels.stats.weightstats import ttost_paired

    rng = np.random.default_rng(3)
    a = rng.normal(size=50)
    for shift in (0.0, 0.05, 0.2):
        b = a + rng.normal(shift, 0.3, 50)
        p, low_side, _ = ttost_paired(b, a, -0.1, 0.1)
        found = stats.compare_paired(a, b, margin=0.1)
        assert found.equivalent == (p <= 0.05)
        assert found.p_not_worse == pytest.approx(float(low_side[1]), **CLOSE)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (9, 1), (14, 6), (24, 16), (7, 7), (300, 260)])
def test_s10_mid_p_is_statsmodels_exact_p_less_half_a_point(wins: int, losses: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar as reference

    exact = float(reference([[10, losses], [wins, 10]], exact=True).pvalue)
    expected = 1.0 if wins == losses else exact - float(ss.binom.pmf(min(wins, losses), wins + losses, 0.5))
    assert float(mcnemar.mid_p(wins, losses)) == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("table", [(12, 2, 50), (3, 9, 20), (40, 25, 300), (5, 0, 12)])
def test_s10_score_statistic_by_brute_maximum_likelihood(table: tuple[int, int, int]) -> None:
    """Tango's statistic from its definition: variance at the likelihood's maximum under the tested difference."""
    from scipy.optimize import minimize_scalar

    wins, losses, n = table
    for delta in (-0.3, -0.05, 0.02, 0.2):

        def unlikely(loss: float, delta: float = delta) -> float:
            win = loss + delta
            rest = 1 - win - loss
            parts = [(wins, win), (losses, loss), (n - wins - losses, rest)]
            return -sum(k * math.log(max(p, 1e-300)) for k, p in parts if k)

        low, high = max(0.0, -delta), (1 - delta) / 2
        loss = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        z = (wins - losses - n * delta) / math.sqrt(n * (2 * loss + delta - delta**2))
        assert float(mcnemar.score_statistic(wins, losses, n, delta)) == pytest.approx(z, abs=1e-5)


def test_s10_power_of_mcnemar_by_enumeration() -> None:
    n, discordance, effect = 40, 0.3, 0.2
    shares = [(discordance + effect) / 2, (discordance - effect) / 2, 1 - discordance]
    total = 0.0
    for wins, losses in itertools.product(range(n + 1), repeat=2):
        if wins + losses <= n and float(mcnemar.mid_p(wins, losses)) <= 0.05:
            total += float(ss.multinomial.pmf([wins, losses, n - wins - losses], n, shares))
    assert stats.power_paired(n, effect, discordance) == pytest.approx(total, **CLOSE)


def test_s10_power_of_t_equals_statsmodels() -> None:
    from statsmodels.stats.power import TTestPower

    reference = TTestPower()
    for n, shift in [(5, 0.4), (30, 0.5), (400, 0.1), (3000, 0.02)]:
        expected = float(reference.power(shift, n, 0.05))
        assert t_power(shift, 1 / math.sqrt(n), n - 1, 0.05) == pytest.approx(expected, **CLOSE)
    smallest = t_smallest_effect(1 / math.sqrt(50), 49, 0.05)
    assert smallest == pytest.approx(float(reference.solve_power(None, 50, 0.05, 0.8)), abs=1e-6)
    wanted = math.ceil(float(reference.solve_power(0.3, None, 0.05, 0.8)))
    assert t_needed(0.3, 1 / math.sqrt(40), 39, 40, 0.05) == wanted


def test_s10_percentiles_equal_scipy() -> None:
    rng = np.random.default_rng(4)
    for n, q in itertools.product((5, 20, 37, 100, 5000), (0.5, 0.9, 0.95, 0.99)):
        values = rng.lognormal(size=n)
        found, ends = stats.percentile(values, q), ss.quantile_test(values, p=q).confidence_interval(0.95)
        assert found.low == (ends.low if math.isfinite(ends.low) else -math.inf)
        assert found.high == (ends.high if math.isfinite(ends.high) else math.inf)


def test_s10_sign_flips_equal_scipy() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.exponential(size=10), rng.exponential(1.8, size=10)
    reference = ss.permutation_test((b - a,), np.mean, permutation_type="samples", n_resamples=np.inf)
    found = stats.compare_paired(a, b, method="permutation")
    assert found.p_value == pytest.approx(float(reference.pvalue), **CLOSE)


def test_s10_e_process_is_a_bet_round_by_round() -> None:
    """The closed form equals the wealth of somebody who bets on each pair with the Beta(5, 5) posterior's forecast."""
    rng = np.random.default_rng(6)
    wins, losses, wealth = 0, 0, 0.0
    for won in rng.random(200) < 0.6:
        forecast = (5 + wins) / (10 + wins + losses)
        wealth += math.log(2 * (forecast if won else 1 - forecast))
        wins, losses = wins + int(won), losses + int(not won)
        assert float(sequential.log_e_discordant(wins, losses)) == pytest.approx(wealth, **CLOSE)


@pytest.mark.parametrize(("t", "n"), [(0.3, 30), (2.5, 50), (-3.0, 120)])
def test_s10_mixture_by_numerical_integration(t: float, n: int) -> None:
    """The closed form equals the likelihood of t, averaged over effects N(0, 0.15^2), over that under no effect."""
    from scipy.integrate import quad

    def weighted(effect: float) -> float:
        return float(ss.nct.pdf(t, n - 1, math.sqrt(n) * effect) * ss.norm.pdf(effect, 0, sequential.EFFECT_SD))

    mixed = quad(weighted, -0.8, 0.8, points=[t / math.sqrt(n), 0], epsabs=1e-13, limit=200)[0]
    assert math.exp(float(sequential.log_e_mean(t, n))) == pytest.approx(mixed / float(ss.t.pdf(t, n - 1)), rel=1e-6)


# ppi-python 0.2.3: ppi_mean_pointestimate(Y, Yhat, Yhat_unlabeled) and _calc_lam_glm(..., clip=True) on the data of _judged.
PPI_PY = {
    0: (0.7432649134644219, 0.38744698624855384),
    1: (0.7415250360187056, 0.3954765335114815),
    2: (0.7174614052598869, 0.623621616424534),
    3: (0.7, 0.0),
}


def _judged(kind: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i, j = np.arange(150), np.arange(600)
    labels = ((i * 7 + kind) % 10 < 7) * 1.0
    judged = np.where((i * 3 + kind) % 8 < 6, labels, 1 - labels)
    rest = ((j * 11 + kind) % 13 < 9) * 1.0
    if kind == 2:
        judged, rest = 0.3 * judged + 0.01 * (i % 50), 0.3 * rest + 0.01 * (j % 50)
    if kind == 3:
        judged = np.where(i % 3 == 0, labels, 1 - labels)
    return labels, judged, rest


@pytest.mark.parametrize("kind", sorted(PPI_PY))
def test_s10_corrected_mean_equals_ppi_py(kind: int) -> None:
    found = stats.corrected_mean(*_judged(kind))
    assert (found.estimate, found.weight) == pytest.approx(PPI_PY[kind], **CLOSE)


def test_s10_bradley_terry_equals_choix() -> None:
    import choix

    rng = np.random.default_rng(7)
    votes, data = [], []
    for _ in range(500):
        i, j = (int(k) for k in rng.choice(5, 2, replace=False))
        won = rng.random() < 1 / (1 + math.exp(0.5 * (i - j)))
        votes.append((f"p{i}", f"p{j}", "left" if won else "right"))
        data.append((i, j) if won else (j, i))
    reference = choix.opt_pairwise(5, data, alpha=1e-6, tol=1e-12)
    found = stats.bradley_terry(votes)
    expected = reference - reference.mean()
    assert [found.strength[f"p{k}"] for k in range(5)] == pytest.approx(expected.tolist(), **CLOSE)


def test_s10_holm_equals_its_definition() -> None:
    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    ranked = sorted(range(5), key=lambda i: p[i])
    expected, running = [0.0] * 5, 0.0
    for step, i in enumerate(ranked):
        running = max(running, min(1.0, (5 - step) * p[i]))
        expected[i] = running
    assert stats.holm(p) == pytest.approx(expected, **CLOSE)


def test_s10_kappa_of_a_worked_table() -> None:
    """Cohen's kappa by its definition: (0.7 - 0.5) / (1 - 0.5) = 0.4."""
    first, second = ["y"] * 25 + ["n"] * 25, ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert stats.cohen_kappa(first, second).kappa == pytest.approx(0.4)
    assert stats.cohen_kappa(first, second).observed == pytest.approx(0.7)
    fleiss = stats.fleiss_kappa(list(zip(first, second, strict=True)))
    # Fleiss pools both raters' shares: chance is 0.55^2 + 0.45^2.
    assert fleiss.kappa == pytest.approx((0.7 - 0.505) / (1 - 0.505))
    assert fleiss.low < fleiss.kappa < fleiss.high
