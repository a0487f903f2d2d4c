"""Several comparisons at once: metrics, slices or variants, judged as a family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slipway.errors import NothingRan
from slipway.evals.stats.checks import as_confidence
from slipway.evals.stats.paired import compare_paired, decide
from slipway.evals.stats.results import Comparison, Comparisons, Pairs


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p-values, in the order given: at most alpha where the family-wise level alpha rejects.

    Source: Holm (1979), Scandinavian Journal of Statistics 6:65; statsmodels' multipletests.
    """
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(list(p_values), method="holm")[1]] if len(p_values) else []


def _judged(found: Comparison, adjusted: float, family: int, confidence: float) -> Comparison:
    """``found`` (computed at the family's share of alpha) with its verdict by the Holm-adjusted p."""
    low, high = found.ci_low, found.ci_high
    if adjusted <= 1 - confidence:
        # Holm rejects more than Bonferroni's intervals do; the simultaneous interval that fits it then ends at 0
        # (Strassburger and Bretz 2008, Statistics in Medicine 27:4914).
        low, high = (max(low, 0.0), high) if found.delta > 0 else (low, min(high, 0.0))
    found = replace(found, ci_low=low, ci_high=high, confidence=confidence, family=family, p_adjusted=adjusted)
    return replace(found, verdict=decide(found, adjusted))


def compare_many(
    pairs: Mapping[str, Pairs | tuple[Any, ...]],
    *,
    margin: float | None = None,
    confidence: float = 0.95,
    higher_is_better: bool | Mapping[str, bool] = True,
) -> Comparisons:
    """A family of paired comparisons (B against A): name -> Pairs, (a, b) or (a, b, clusters).

    Verdicts by Holm's adjusted p-values, intervals simultaneous (each at 1 - alpha/m), so the chance of any false
    "better" or "worse" among m is at most 1 - ``confidence``, and all intervals hold together with ``confidence``.
    ``power``, ``mde`` and ``needed_n`` are those of a comparison that must pass at alpha/m. To try many variants against
    one baseline is such a family: of 20 worthless ones, each tested alone, some one differs in about 0.4 of runs.
    """
    confidence = as_confidence(confidence)
    if not pairs:
        raise NothingRan("no comparison was given", mend="give at least one metric, slice or variant")
    share = 1 - (1 - confidence) / len(pairs)
    found: dict[str, Comparison] = {}
    for name, pair in pairs.items():
        a, b, *rest = (pair.a, pair.b, pair.clusters) if isinstance(pair, Pairs) else pair
        up = higher_is_better if isinstance(higher_is_better, bool) else higher_is_better.get(name, True)
        clusters = rest[0] if rest else None
        found[name] = compare_paired(a, b, clusters=clusters, margin=margin, confidence=share, higher_is_better=up)
    adjusted = holm([comparison.p_value for comparison in found.values()]) if len(found) > 1 else None
    results = {
        name: _judged(item, adjusted[i] if adjusted else item.p_value, len(found), confidence)
        for i, (name, item) in enumerate(found.items())
    }
    better = [name for name, item in results.items() if item.verdict == "better"]
    best = max(better, key=lambda name: abs(results[name].delta), default=None)
    return Comparisons(results=results, confidence=confidence, best=best)
