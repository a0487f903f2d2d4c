"""The binomial distribution function, over scipy.special alone (scipy.stats takes two CPU seconds to import)."""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway.evals.stats.checks import Floats


def binomial_cdf(count: Any, n: Any, share: Any) -> Floats:
    """P(Binomial(n, share) <= count), elementwise; 0 below no successes. Equals scipy.stats.binom.cdf.

    Written with the incomplete beta function, since scipy.special.bdtr no longer wants float counts.
    """
    from scipy.special import betainc

    count, n, share = (np.asarray(item, dtype=np.float64) for item in (count, n, share))
    inside = (count >= 0) & (count < n)
    middle = betainc(np.where(inside, n - count, 1.0), np.where(inside, count, 0.0) + 1, 1 - share)
    return np.asarray(np.where(inside, middle, np.where(count < 0, 0.0, 1.0)), dtype=np.float64)
