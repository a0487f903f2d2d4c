"""How much a comparison can see: power, the smallest visible effect, the number of examples needed.

Effects and margins are in the unit of the scores (0.04 is four points of 0/1 scores); ``discordance`` is the share of
pairs whose 0/1 scores differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from slipway.errors import UsageError
from slipway.evals.stats.binomial import binomial_cdf
from slipway.evals.stats.checks import Floats

TARGET = 0.8
# Past this many expected discordant pairs the normal formula is within a tenth of a point of the exact power.
EXACT_UP_TO = 2000
MOST = 10**12


def _quantiles(power: float, alpha: float) -> tuple[float, float]:
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2)), float(ndtri(power))


def _checked(effect: float, discordance: float) -> tuple[float, float]:
    effect = abs(effect)
    if not 0 <= discordance <= 1 or effect > discordance + 1e-12:
        raise UsageError(
            f"an effect of {effect:g} cannot come from {discordance:g} discordant pairs",
            mend="the discordance is a share between the effect and 1",
        )
    return min(effect, discordance), discordance


@lru_cache(maxsize=64)
def _rejects_up_to(alpha: float) -> Floats:
    """For 0, 1, 2 ... discordant pairs the largest minority count at which the mid-p is <= alpha; -1 where none."""
    from scipy.special import ndtri

    pairs = np.arange(2 * EXACT_UP_TO, dtype=np.float64)
    guess = np.floor(pairs / 2 + float(ndtri(alpha / 2)) * np.sqrt(pairs) / 2)
    best = np.full_like(pairs, -1.0)
    below = binomial_cdf(guess - 4, pairs, 0.5)
    for offset in range(-3, 5):
        count = guess + offset
        up_to = binomial_cdf(count, pairs, 0.5)
        fine = (count >= 0) & (2 * count < pairs) & (up_to + below <= alpha)
        best, below = np.where(fine, count, best), up_to
    best.setflags(write=False)
    return best


class _ExactPower:
    """The exact power of the mid-p McNemar test for n pairs at one discordance, as a function of the effect.

    Sums over the Binomial(n, discordance) number of discordant pairs the chance that their split rejects.
    """

    def __init__(self, n: int, discordance: float, alpha: float) -> None:
        from scipy.special import gammaln

        spread = 6 * math.sqrt(n * discordance * (1 - discordance)) + 7
        low, high = max(0, int(n * discordance - spread)), min(n, int(n * discordance + spread) + 1)
        self.pairs = np.arange(low, high + 1, dtype=np.float64)
        if discordance >= 1:
            self.pairs, self.weights = np.array([float(n)]), np.ones(1)
        else:
            log = gammaln(n + 1) - gammaln(self.pairs + 1) - gammaln(n - self.pairs + 1)
            log += self.pairs * math.log(discordance) + (n - self.pairs) * math.log1p(-discordance)
            self.weights = np.exp(log)
        self.discordance = discordance
        self.limit = _rejects_up_to(alpha)[self.pairs.astype(np.intp)]

    def at(self, effect: float) -> float:
        share = min(1.0, (1 + effect / self.discordance) / 2)
        chance = binomial_cdf(self.limit, self.pairs, 1 - share) + binomial_cdf(self.limit, self.pairs, share)
        return float(min(1.0, (self.weights * np.where(self.limit >= 0, chance, 0.0)).sum()))


def _connor_power(n: float, effect: float, discordance: float, alpha: float) -> float:
    from scipy.special import ndtr

    z, _ = _quantiles(TARGET, alpha)
    spread = math.sqrt(max(discordance - effect**2, 1e-300))
    return float(ndtr((effect * math.sqrt(n) - z * math.sqrt(discordance)) / spread))


@lru_cache(maxsize=4096)
def _power(n: int, effect: float, discordance: float, alpha: float) -> float:
    if discordance <= 0:
        return 0.0
    if n * discordance > EXACT_UP_TO:
        return _connor_power(n, effect, discordance, alpha)
    return _ExactPower(n, discordance, alpha).at(effect)


def power_paired(n: int, effect: float, discordance: float, *, confidence: float = 0.95) -> float:
    """The chance (0..1) that the mid-p McNemar test on ``n`` pairs finds an ``effect`` at this ``discordance``.

    Exact, by enumeration; beyond 2,000 expected discordant pairs by the normal formula of Connor (1987).
    """
    effect, discordance = _checked(effect, discordance)
    return _power(int(n), effect, discordance, 1 - confidence)


def needed_pairs(effect: float, discordance: float, *, power: float = TARGET, confidence: float = 0.95) -> int | None:
    """Paired examples in all for ``power`` to find ``effect`` at this ``discordance``; None for no effect.

    n = (z(alpha/2) sqrt(discordance) + z(power) sqrt(discordance - effect^2))^2 / effect^2, to the nearest whole number.
    Source: Connor (1987), Biometrics 43:207 (the unconditional form of Miettinen (1968), Biometrics 24:339). For 75 %
    against 79 % it says 292, 488 and 979 at 6, 10 and 20 % discordant pairs. Where nearly all discordant pairs go one
    way the exact power at that n is above ``power`` (``power_paired`` tells); where it would fall short, n is raised.
    """
    effect, discordance = _checked(effect, discordance)
    if effect == 0:
        return None
    z_alpha, z_power = _quantiles(power, 1 - confidence)
    root = z_alpha * math.sqrt(discordance) + z_power * math.sqrt(max(discordance - effect**2, 0.0))
    wanted = root**2 / effect**2
    if wanted > MOST:
        return None
    n = max(1, round(wanted))
    while n * discordance < 100 and _power(n, effect, discordance, 1 - confidence) < power - 0.01:
        n += 1
    return n


def _crossing(power_at: Callable[[float], float], low: float, high: float, power: float, first: float) -> float:
    """Where the rising ``power_at`` passes ``power`` between low (below it) and high (above): Illinois false position."""
    below, above = power_at(low) - power, power_at(high) - power
    point = first if low < first < high else (low + high) / 2
    for _ in range(60):
        value = power_at(point) - power
        if abs(value) < 1e-4 or high - low < 1e-9:
            break
        if value < 0:
            low, below, above = point, value, above / 2
        else:
            high, above, below = point, value, below / 2
        point = min(
            max((low * above - high * below) / (above - below), low + (high - low) / 50), high - (high - low) / 50
        )
    return point


def _connor_effect(n: int, discordance: float, power: float, alpha: float) -> float:
    """Connor's formula solved for the effect: where to start looking."""
    z_alpha, z_power = _quantiles(power, alpha)
    inside = z_alpha**2 * n * discordance - (n + z_power**2) * (z_alpha**2 - z_power**2) * discordance
    return (z_alpha * math.sqrt(n * discordance) + math.sqrt(max(inside, 0.0))) / (n + z_power**2)


@lru_cache(maxsize=4096)
def _smallest(n: int, discordance: float, power: float, alpha: float) -> float:
    if discordance > 0:
        exact = _ExactPower(n, discordance, alpha) if n * discordance <= EXACT_UP_TO else None

        def at(effect: float) -> float:
            return exact.at(effect) if exact else _connor_power(n, effect, discordance, alpha)

        if at(discordance) >= power:
            return _crossing(at, 0.0, discordance, power, _connor_effect(n, discordance, power, alpha))
    # Even if every discordant pair went one way it would not be seen: the discordance itself must be larger.
    if _power(n, 1.0, 1.0, alpha) < power:
        return 1.0
    return _crossing(lambda effect: _power(n, effect, effect, alpha), discordance, 1.0, power, 0.0)


def smallest_effect(n: int, discordance: float, *, power: float = TARGET, confidence: float = 0.95) -> float:
    """The smallest difference that ``n`` pairs find with ``power`` at this ``discordance`` (the minimal detectable effect).

    Where the discordance is too small for any effect to be seen, it is taken to grow with the effect, all discordant pairs
    going one way. 1.0 means that these few pairs can see nothing.
    """
    _checked(0.0, discordance)
    return _smallest(int(n), float(discordance), power, 1 - confidence)


def needed_per_arm(p_a: float, p_b: float, *, power: float = TARGET, confidence: float = 0.95) -> int | None:
    """Examples for each of two unpaired runs to tell the shares ``p_a`` and ``p_b`` apart; None when they are equal.

    statsmodels' samplesize_proportions_2indep_onetail (pooled variance under the null; Fleiss, Levin and Paik 2003,
    chapter 4), to the nearest whole number: 1,736 for 75 % against 79 %.
    """
    from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

    if p_a == p_b:
        return None
    n = samplesize_proportions_2indep_onetail(p_b - p_a, p_a, power, alpha=1 - confidence, alternative="two-sided")
    return None if n > MOST else max(1, round(float(n)))


def t_power(effect: float, se: float, df: float, alpha: float) -> float:
    """Power of a two-sided t test: ``effect`` and its standard error ``se`` in one unit, ``df`` degrees of freedom.

    By the noncentral t; equals statsmodels' TTestPower, without the seconds its import takes.
    """
    from scipy.special import nctdtr, ndtr, stdtrit

    if se <= 0 or df < 1:
        return 0.0
    shift, limit = abs(effect) / se, float(stdtrit(df, 1 - alpha / 2))
    if shift > 30:
        return 1.0
    if df > 1e5:
        return float(ndtr(shift - limit) + ndtr(-shift - limit))
    below = float(nctdtr(df, shift, -limit))
    return 1 - float(nctdtr(df, shift, limit)) + (0.0 if math.isnan(below) else below)


def _solve(works: Any, low: float, high: float) -> float:
    """The smallest x in low..high for which ``works`` (false, then true) is true."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high


def t_smallest_effect(se: float, df: float, alpha: float, power: float = TARGET) -> float | None:
    """The smallest effect a t test with this ``se`` and ``df`` finds with ``power``, unit of ``se``; None without a spread."""
    if se <= 0 or df < 1 or not math.isfinite(se):
        return None
    return se * _solve(lambda shift: t_power(shift, 1.0, df, alpha) >= power, 0.0, 1e3 if df < 3 else 30.0)


def t_needed(effect: float, se: float, df: float, n: int, alpha: float, power: float = TARGET) -> int | None:
    """Values in all for ``power`` to find ``effect``, when ``n`` values (``df`` degrees of freedom) gave the error ``se``.

    The error shrinks with the square root of the number, and the groups grow with it. None for no effect or no spread.
    """
    if se <= 0 or df < 1 or effect == 0 or not math.isfinite(se):
        return None
    z_alpha, z_power = _quantiles(power, alpha)
    near = ((z_alpha + z_power) * se / abs(effect)) ** 2
    if near * n > MOST:
        return None
    groups = df + 1

    def enough(times: float) -> bool:
        return t_power(effect, se / math.sqrt(times), max(groups * times - 1, 1.0), alpha) >= power

    return max(2, math.ceil(n * _solve(enough, 0.0, 4 * near + 20 / groups) - 1e-9))


def needed_for_margin(delta: float, margin: float, unit_sd: float, alpha: float, power: float = TARGET) -> int | None:
    """Pairs in all for ``power`` to show "not worse than ``margin``" (one-sided alpha / 2) if ``delta`` is the true difference.

    n = ((z(alpha/2) + z(power)) sd / (delta + margin))^2, where ``unit_sd`` is the error times sqrt(n).
    Source: Julious (2004), Statistics in Medicine 23:1921. None when ``delta`` is already as bad as the margin.
    """
    room = delta + margin
    if room <= 0 or unit_sd <= 0 or not math.isfinite(unit_sd):
        return None
    z_alpha, z_power = _quantiles(power, alpha)
    wanted = ((z_alpha + z_power) * unit_sd / room) ** 2
    return None if wanted > MOST else max(2, math.ceil(wanted))
