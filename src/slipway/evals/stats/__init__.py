"""Statistics: an interval for a score, a verdict for a comparison. Start in paired.py, then intervals.py.

Pure functions of arrays: no store, no files, no clock. scipy is imported at the first call that needs it, statsmodels only where
scipy has no equal. Every function's docstring names its source.
"""

from slipway.evals.stats.agreement import cohen_kappa, fleiss_kappa
from slipway.evals.stats.checks import pair_by_example
from slipway.evals.stats.corrected import corrected_mean
from slipway.evals.stats.intervals import interval, percentile
from slipway.evals.stats.ladder import take_look
from slipway.evals.stats.many import compare_many, holm
from slipway.evals.stats.mustpass import must_pass
from slipway.evals.stats.noise import noise_floor
from slipway.evals.stats.paired import compare_paired
from slipway.evals.stats.power import needed_pairs, needed_per_arm, power_paired, smallest_effect
from slipway.evals.stats.preference import bradley_terry
from slipway.evals.stats.results import (
    Agreement,
    Comparison,
    Comparisons,
    CorrectedMean,
    Interval,
    Look,
    MustPass,
    NoiseFloor,
    Pairs,
    Ranking,
    Verdict,
)
from slipway.evals.stats.sequential import compare_anytime
from slipway.evals.stats.unpaired import compare_runs, compare_unpaired

__all__ = [
    "Agreement",
    "Comparison",
    "Comparisons",
    "CorrectedMean",
    "Interval",
    "Look",
    "MustPass",
    "NoiseFloor",
    "Pairs",
    "Ranking",
    "Verdict",
    "bradley_terry",
    "cohen_kappa",
    "compare_anytime",
    "compare_many",
    "compare_paired",
    "compare_runs",
    "compare_unpaired",
    "corrected_mean",
    "fleiss_kappa",
    "holm",
    "interval",
    "must_pass",
    "needed_pairs",
    "needed_per_arm",
    "noise_floor",
    "pair_by_example",
    "percentile",
    "power_paired",
    "smallest_effect",
    "take_look",
]
