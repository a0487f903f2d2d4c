"""The error of a mean when values come in clusters: CR1 with t(G - 1).

Source: Liang and Zeger (1986), Biometrika 73:13; the small-sample factor and t(G - 1) as in Cameron and Miller (2015),
Journal of Human Resources 50:317. Equals statsmodels' OLS(...).fit(cov_type="cluster", use_t=True) on a constant, which the
tests hold to; written out because that fit costs seconds of import for one sum.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from slipway.evals.stats.checks import Codes, Floats


@dataclass(frozen=True, slots=True)
class MeanError:
    """A mean, its standard error, and the degrees of freedom of the t that belongs to it."""

    mean: float
    se: float
    df: float
    n: int
    groups: int


def mean_error(values: Floats, codes: Codes | None, *, scale: float = 0.0) -> MeanError:
    """Mean and standard error, unit of the values; clustered by ``codes`` (0..G-1) or with every value alone.

    ``scale`` is the size of the numbers the values were computed from, if larger than they: an error no larger than the
    rounding of such numbers is 0. With one group the error is unknown: infinite, with no degrees of freedom.
    """
    n = len(values)
    mean = float(values.mean())
    residuals = values - mean
    if codes is None:
        groups, largest, squares = n, 1, float(residuals @ residuals)
    else:
        sums = np.bincount(codes, weights=residuals)
        groups, largest, squares = len(sums), int(np.bincount(codes).max()), float(sums @ sums)
    if groups < 2:
        return MeanError(mean, math.inf, 0, n, groups)
    rounding = 8 * sys.float_info.epsilon * largest * max(scale, float(np.abs(values).max()))
    if squares <= groups * rounding**2:
        squares = 0.0
    return MeanError(mean, math.sqrt(squares * groups / (groups - 1)) / n, groups - 1, n, groups)
