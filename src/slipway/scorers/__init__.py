"""Scorers: say how good an output is; one file each. Start in base.py.

from slipway.scorers import resolve
exact = resolve("exact")
"""

from slipway.scorers.base import Outcome, Repeats, Scorer, as_scores, is_scorer_error, score_all, text_of
from slipway.scorers.spec import ScorerSpec, resolve, resolve_all

__all__ = [
    "Outcome",
    "Repeats",
    "Scorer",
    "ScorerSpec",
    "as_scores",
    "is_scorer_error",
    "resolve",
    "resolve_all",
    "score_all",
    "text_of",
]
