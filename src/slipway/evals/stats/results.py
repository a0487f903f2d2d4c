"""What the statistics return: frozen records with the number, its doubt, and how both were found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from slipway.data import text

Verdict = Literal["better", "worse", "not_worse", "cannot_tell"]


def _plain(value: Any) -> Any:
    """JSON's idea of ``value``: an end that does not exist (infinite, not a number) is null."""
    if isinstance(value, _Record):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class _Record:
    """Gives every record its JSON form."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON types; infinite ends and unknown numbers are None."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Interval(_Record):
    """An estimate and the interval around it, in the unit of the values.

    ``n`` values in ``n_clusters`` independent groups (n where every value stands alone). An end is infinite where
    the data say nothing about it (the 95th percentile of ten values has no upper end).
    """

    estimate: float
    low: float
    high: float
    n: int
    n_clusters: int
    method: str
    confidence: float = 0.95

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        return f"{text.score(self.estimate, self.low, self.high)} (n={self.n:,})"


@dataclass(frozen=True, slots=True)
class Comparison(_Record):
    """What is known about B against A on one metric.

    ``delta`` is B minus A in the unit of the scores (0.04 = four points), ``ci_low``/``ci_high`` its interval at
    ``confidence``; ``p_value`` is two-sided, for no difference, and at most 1 - confidence exactly when the interval
    leaves 0 out.

    ``n`` counts pairs, or with ``paired=False`` the smaller arm; ``n_clusters`` the independent groups they came in.
    ``discordant`` is the number of pairs with different 0/1 scores (None for other scores).

    ``power`` is the chance that a comparison of this size decides better or worse, if the effect and discordance seen
    are the true ones. ``mde`` is the smallest effect this size could have seen with 80 % power at the discordance (or
    spread) seen. ``needed_n`` is how many pairs in all (per arm when unpaired) give 80 % power at what was seen; None when
    no effect was seen. ``needed_n_power`` is the power at ``needed_n``, which for few, one-sided discordant pairs is above 80 %.

    With a ``margin``: ``p_not_worse`` is one-sided, for "B is worse than A by the margin or more"; ``equivalent`` says
    whether both one-sided tests (TOST) put the difference inside plus or minus the margin; ``needed_n_margin`` how many
    pairs give 80 % power to show "not worse", None when what was seen is worse than the margin.

    In a family of several comparisons ``family`` is their number, ``p_adjusted`` the Holm-adjusted p, by which the
    verdict is given, and the interval is simultaneous. ``notes`` are sentences a reader of the verdict should see.
    """

    verdict: Verdict
    delta: float
    ci_low: float
    ci_high: float
    p_value: float
    method: str
    n: int
    n_clusters: int
    mean_a: float
    mean_b: float
    confidence: float = 0.95
    paired: bool = True
    higher_is_better: bool = True
    discordant: int | None = None
    power: float | None = None
    mde: float | None = None
    needed_n: int | None = None
    needed_n_power: float | None = None
    margin: float | None = None
    p_not_worse: float | None = None
    equivalent: bool | None = None
    needed_n_margin: int | None = None
    family: int = 1
    p_adjusted: float | None = None
    e_value: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def more(self) -> int | None:
        """How many more pairs (per arm when unpaired) it takes; 0 when there are enough, None when unknown."""
        return None if self.needed_n is None else max(0, self.needed_n - self.n)

    def __str__(self) -> str:
        """``cannot tell: +0.040 [-0.010, +0.090] (p=0.119, 200 examples); 979 examples in all would tell``"""
        what = {"cannot_tell": "cannot tell", "not_worse": f"not worse than {self.margin:g}" if self.margin else ""}
        ends = text.score(self.delta, self.ci_low, self.ci_high, signed=True)
        p = self.p_value if self.p_adjusted is None else self.p_adjusted
        said = f"{what.get(self.verdict, self.verdict)}: {ends} (p={p:.3g}, {self.n:,} examples)"
        if self.verdict == "cannot_tell" and self.needed_n is not None and self.needed_n > self.n:
            unit = "examples in all" if self.paired else "examples for each"
            said += f"; {text.many(self.needed_n)} {unit} would tell"
        elif self.verdict == "cannot_tell" and self.mde is not None:
            said += f"; this size sees effects from {self.mde:.3g}"
        return said


@dataclass(frozen=True, slots=True)
class Comparisons(_Record):
    """A family of comparisons, judged together: the chance of any false verdict among them stays at 1 - confidence.

    ``best`` names the comparison with the largest effect among those found better, or is None.
    """

    results: Mapping[str, Comparison]
    confidence: float
    best: str | None
    method: str = "Holm"

    def __getitem__(self, name: str) -> Comparison:
        return self.results[name]


@dataclass(frozen=True, slots=True)
class NoiseFloor(_Record):
    """How far apart two runs of the same variant fall.

    ``delta_noise`` is the difference between two runs' means (one repeat each, ``n`` examples) that is exceeded with
    probability 1 - confidence though nothing changed; ``within_sd`` the spread over repeats of one example,
    ``between_sd`` over examples; ``flip_rate`` the chance that two repeats of an example give different scores, with
    ``flip_low``/``flip_high``; ``icc`` the share of variance that belongs to the example.
    """

    delta_noise: float
    within_sd: float
    between_sd: float
    icc: float
    flip_rate: float
    flip_low: float
    flip_high: float
    n: int
    repeats: float
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Look(_Record):
    """All that one look at a sealed suite tells.

    ``better``: the candidate is better than the best so far at the level the budget pays for. ``shown`` is the best's
    score: the candidate's, rounded, after a better look; otherwise unchanged. ``locked``: no look is left.
    """

    better: bool
    shown: float
    looks_used: int
    looks_left: int
    locked: bool
    alpha: float
    method: str


@dataclass(frozen=True, slots=True)
class CorrectedMean(_Record):
    """A judge's mean corrected by people's labels, beside what each alone would say.

    ``weight`` is how far the judge was trusted: 0 ignores it, 1 is plain prediction-powered inference.
    """

    estimate: float
    low: float
    high: float
    n_labels: int
    n_judged: int
    weight: float
    judge_alone: float
    labels_alone: Interval
    method: str
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Ranking(_Record):
    """Strengths of players from paired votes: ``strength`` in log-odds with mean 0, with interval ends; ``order`` best first."""

    order: tuple[str, ...]
    strength: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    votes: int
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class Agreement(_Record):
    """Agreement beyond chance: 1 is perfect, 0 what chance gives. ``observed`` is the plain share of agreement."""

    kappa: float
    low: float
    high: float
    observed: float
    n: int
    raters: int
    method: str
    confidence: float = 0.95


@dataclass(frozen=True, slots=True)
class MustPass(_Record):
    """``status``: green (all passed at once), flaky (every failure passed all its confirming reruns), red (anything else).

    Only green opens a gate. ``failed`` and ``flaky`` name examples, in the order given; ``needs_rerun`` those whose
    failure could still turn out flaky if they passed the confirming reruns they have not had.
    """

    status: Literal["green", "flaky", "red"]
    failed: tuple[str, ...]
    flaky: tuple[str, ...]
    needs_rerun: tuple[str, ...]
    n: int

    @property
    def passed(self) -> bool:
        """Whether the gate opens: green, and nothing else."""
        return self.status == "green"


@dataclass(frozen=True, slots=True)
class Pairs(_Record):
    """Scores of two runs matched by example, repeats averaged.

    ``a[i]`` and ``b[i]`` are the scores of ``ids[i]``; ``clusters`` the given cluster labels or None. ``only_a`` and
    ``only_b`` count examples that one run alone scored, ``unscored_a``/``unscored_b`` rows without a number (left out).
    ``repeats`` is the largest number of repeats of one example in either run.
    """

    ids: Any
    a: Any
    b: Any
    clusters: Any
    only_a: int
    only_b: int
    unscored_a: int
    unscored_b: int
    repeats: int

    @property
    def n(self) -> int:
        """How many examples both runs scored."""
        return len(self.ids)

    def to_dict(self) -> dict[str, Any]:
        """The counts; the scores themselves stay out."""
        names = ("n", "only_a", "only_b", "unscored_a", "unscored_b", "repeats")
        return {name: getattr(self, name) for name in names}
