"""Objectives: how far from shippable a variant is, and whether it pays.

Every statement carries its doubt. A target is *met* when the whole interval is on the right side of it, *missed* when the whole
interval is on the wrong side, and otherwise the run *cannot tell*. The value of a call is what a right answer earns, less
what a wrong one costs, less the waiting and the model's price *of the same call*: slow calls may be the wrong ones, so the
interval is taken over values of single calls, clustered as the run's scores are, and never put together from three means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from slipway.config import Objectives
from slipway.data import text
from slipway.evals.columns import Columns
from slipway.evals.stats.results import Interval

if TYPE_CHECKING:
    import numpy as np

MET, MISSED, CANNOT_TELL = "met", "missed", "cannot_tell"


@dataclass(frozen=True, slots=True)
class Target:
    """One target. ``distance`` is estimate minus target for accuracy and target minus estimate for latency and cost: below
    zero it is missed by that much; ``low``/``high`` are the ends of its interval (None: the data have no such end).
    ``needed_n`` is about how many examples in all would tell, when this run cannot."""

    name: str
    unit: str
    target: float
    estimate: float | None
    status: str
    distance: float | None = None
    low: float | None = None
    high: float | None = None
    needed_n: int | None = None
    note: str = ""

    def __str__(self) -> str:
        """``accuracy 0.750 [0.705, 0.790], target 0.9: missed by 0.15``."""
        wanted = f"target {_amount(self.target, self.unit)}"
        if self.estimate is None or self.distance is None:
            return f"{self.name} {self.note or 'not measured'}, {wanted}"
        said = f"{self.name} {self._measured()}, {wanted}"
        if self.status == CANNOT_TELL:
            enough = f", {text.many(self.needed_n)} examples in all would" if self.needed_n else ""
            return f"{said}: cannot tell{enough}"
        return f"{said}: met" if self.status == MET else f"{said}: missed by {_amount(abs(self.distance), self.unit)}"

    def _measured(self) -> str:
        """The estimate with its interval: what the target and the distances' ends say of it."""
        assert self.estimate is not None
        sign = 1 if self.unit == "" else -1
        ends = [None if end is None else self.target + sign * end for end in (self.low, self.high)][::sign]
        if self.unit == "$":
            return _dollars(self.estimate, *ends)
        return f"{text.score(self.estimate, *ends)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Assessment:
    """``shippable`` is met (every target), missed (any) or cannot_tell, "" without targets. ``value`` is US dollars for each
    call, ``per_day`` for each day; ``pays`` is yes, no or cannot_tell, "" when no earnings are set. ``break_even`` is the
    accuracy at which a call is worth nothing, at the latency and price measured; above 1 nothing pays."""

    metric: str
    targets: tuple[Target, ...] = ()
    shippable: str = ""
    value: Interval | None = None
    per_day: Interval | None = None
    pays: str = ""
    break_even: Interval | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON types."""
        made = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, item in made.items():
            if isinstance(item, Interval):
                made[name] = item.to_dict()
        made["targets"] = [{field.name: getattr(t, field.name) for field in fields(t)} for t in self.targets]
        made["notes"] = list(self.notes)
        return made

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Assessment:
        """The assessment that `to_dict` wrote."""
        return cls(
            metric=str(raw.get("metric", "")),
            targets=tuple(Target(**target) for target in raw.get("targets", ())),
            shippable=str(raw.get("shippable", "")),
            value=_interval(raw.get("value")),
            per_day=_interval(raw.get("per_day")),
            pays=str(raw.get("pays", "")),
            break_even=_interval(raw.get("break_even")),
            notes=tuple(raw.get("notes", ())),
        )

    def line(self) -> str:
        """``not shippable: accuracy 0.750 [0.705, 0.790], target 0.9: missed by 0.15; pays: $0.02 [$0.01, $0.03] a call``."""
        open_targets = ", ".join(
            str(target) for target in self.targets if target.status != MET or self.shippable == MET
        )
        parts = [f"{_SHIPS[self.shippable]}: {open_targets}"] if self.shippable else []
        return "; ".join([*parts, *filter(None, [self._worth()])]) or "no objective is set"

    def table(self) -> str:
        """Whether it may ship, a line for each target, then the money."""
        rows = []
        if self.shippable:
            names = " and ".join(target.name for target in self.targets if target.status == self.shippable)
            why = {MET: "every target is met", MISSED: f"{names} missed"}.get(self.shippable, f"{names} undecided")
            rows = [f"{_SHIPS[self.shippable]}, {why}"]
        below = [*map(str, self.targets), *filter(None, [self._worth()]), *(f"note: {note}" for note in self.notes)]
        return "\n".join(rows + [f"  {line}" if rows else line for line in below])

    def _worth(self) -> str:
        if self.value is None:
            return ""
        head = {"yes": "pays", "no": "does not pay"}.get(self.pays, "cannot tell if it pays")
        value, unit = self.value, "a call"
        if max(abs(value.estimate), abs(value.low), abs(value.high)) < 0.01:
            value, unit = _times(value, 1000), "for 1,000 calls"
        said = f"{head}: {_dollars(value.estimate, value.low, value.high)} {unit}"
        if self.per_day is not None:
            said += f", {_dollars(self.per_day.estimate, self.per_day.low, self.per_day.high)} a day"
        if self.break_even is not None:
            even = self.break_even.estimate
            said += f"; breaks even at {self.metric} {even:.3f}" if even <= 1 else "; no accuracy would pay"
        return said


_SHIPS = {MET: "shippable", MISSED: "not shippable", CANNOT_TELL: "cannot tell if shippable"}


def objectives_set(objectives: Objectives) -> bool:
    """Whether anything is asked for: without, there is nothing to say."""
    wanted = (objectives.accuracy, objectives.p95_latency_ms, objectives.cost_per_call_usd)
    return any(value is not None for value in wanted) or _earns(objectives)


def assess(
    objectives: Objectives, summary: Mapping[str, Any], columns: Columns | None = None, *, model: str | None = None
) -> Assessment:
    """What a run means for ``objectives``. ``summary`` is the run's; ``columns`` its samples, from which the value of a call
    is computed (without them it is not); ``model`` the run's model, "" when it called none and thus cost nothing."""
    metric = objectives.metric or str(summary.get("metric", ""))
    targets = tuple(
        target
        for target in (
            _accuracy(objectives, summary, metric),
            _latency(objectives, summary),
            _cost(objectives, summary, free=model == ""),
        )
        if target is not None
    )
    made = Assessment(metric=metric, targets=targets, shippable=_all(targets))
    if _earns(objectives) and columns is not None:
        made = _with_value(made, objectives, columns, free=model == "")
    return made


def _earns(objectives: Objectives) -> bool:
    return objectives.right_earns_usd is not None or objectives.wrong_costs_usd is not None


def _all(targets: tuple[Target, ...]) -> str:
    found = {target.status for target in targets}
    return MISSED if MISSED in found else CANNOT_TELL if CANNOT_TELL in found else MET if found else ""


def _accuracy(objectives: Objectives, summary: Mapping[str, Any], metric: str) -> Target | None:
    if objectives.accuracy is None:
        return None
    return _above(metric or "accuracy", "", objectives.accuracy, summary.get("scores", {}).get(metric))


def _latency(objectives: Objectives, summary: Mapping[str, Any]) -> Target | None:
    if objectives.p95_latency_ms is None:
        return None
    found = (summary.get("latency_ms") or {}).get("p95")
    return _below("p95 latency", "ms", objectives.p95_latency_ms, found)


def _cost(objectives: Objectives, summary: Mapping[str, Any], *, free: bool) -> Target | None:
    if objectives.cost_per_call_usd is None:
        return None
    cost = summary.get("cost_usd") or {}
    name, wanted = "cost of a call", objectives.cost_per_call_usd
    if cost.get("unknown") and free and not cost.get("per_sample"):
        return Target(name, "$", wanted, 0.0, MET, wanted, wanted, wanted, note="no model was called")
    target = _below(name, "$", wanted, cost.get("per_sample"))
    if cost.get("unknown"):
        note = f"the price of {cost['unknown']:,} calls is not known"
        known = target.estimate is not None
        return replace(target, status=CANNOT_TELL, note=note, estimate=None if not known else target.estimate)
    return target


def _above(name: str, unit: str, wanted: float, found: Mapping[str, Any] | None) -> Target:
    if found is None or found.get("estimate") is None:
        return Target(name, unit, wanted, None, CANNOT_TELL, note="not measured")
    middle, low, high = found["estimate"], found.get("low"), found.get("high")
    status = MET if low is not None and low >= wanted else MISSED if high is not None and high < wanted else CANNOT_TELL
    ends = [None if end is None else end - wanted for end in (low, high)]
    size = found.get("examples") or found.get("n")
    return _target(name, unit, wanted, middle, status, middle - wanted, ends, size)


def _below(name: str, unit: str, wanted: float, found: Mapping[str, Any] | None) -> Target:
    if found is None or found.get("estimate") is None:
        return Target(name, unit, wanted, None, CANNOT_TELL, note="not measured")
    middle, low, high = found["estimate"], found.get("low"), found.get("high")
    status = MET if high is not None and high <= wanted else MISSED if low is not None and low > wanted else CANNOT_TELL
    ends = [None if end is None else wanted - end for end in (high, low)]
    return _target(name, unit, wanted, middle, status, wanted - middle, ends, found.get("n"))


def _target(
    name: str, unit: str, wanted: float, middle: float, status: str, by: float, ends: list[float | None], n: int | None
) -> Target:
    low, high = ends
    needed = None
    if status == CANNOT_TELL and n and by:
        # An interval shrinks with the square root of n: this is where the end nearer to the target would just clear it.
        toward = low if by > 0 else high
        if toward is not None:
            needed = math.ceil(n * ((by - toward) / by) ** 2)
    return Target(name, unit, wanted, middle, status, by, low, high, needed)


def _with_value(made: Assessment, objectives: Objectives, columns: Columns, *, free: bool) -> Assessment:
    import numpy as np

    if made.metric not in columns.metrics:
        return replace(made, notes=(*made.notes, f"no score {made.metric!r} on single calls, so no value of a call"))
    score = np.frombuffer(columns.metrics[made.metric].values, dtype=float)
    use = ~np.isnan(score)
    score = score[use]
    if not len(score):
        return replace(made, notes=(*made.notes, "no call was scored"))
    if score.min() < 0 or score.max() > 1:
        note = f"{made.metric} goes beyond 0 to 1, so it cannot be read as the share of right answers"
        return replace(made, notes=(*made.notes, note))
    burden, notes = _burden(objectives, columns, use, free=free)
    earns, costs = objectives.right_earns_usd or 0.0, objectives.wrong_costs_usd or 0.0
    units = columns.units()
    labels = None if units is None else np.asarray(units, dtype=object)[use]
    best, worst = max(earns, -costs) - float(burden.min()), min(earns, -costs) - float(burden.max())
    value = _between(score * earns - (1 - score) * costs - burden, worst, best, labels)
    day = objectives.calls_per_day
    pays = "yes" if value.low > 0 else "no" if value.high <= 0 else CANNOT_TELL
    even = None
    if earns + costs > 0:
        load = _mean(burden, labels)
        even = replace(
            load, **{end: (costs + getattr(load, end)) / (earns + costs) for end in ("estimate", "low", "high")}
        )
    return replace(
        made,
        value=value,
        per_day=None if day is None else _times(value, day),
        pays=pays,
        break_even=even,
        notes=(*made.notes, *notes),
    )


def _burden(
    objectives: Objectives, columns: Columns, use: np.ndarray, *, free: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """US dollars that each call costs whether right or wrong: the waiting and the model."""
    import numpy as np

    waiting = np.frombuffer(columns.latency_ms, dtype=float)[use] / 1000 * objectives.second_costs_usd
    price = np.frombuffer(columns.cost_usd, dtype=float)[use]
    unknown = int(np.isnan(price).sum())
    notes = (
        ()
        if free or not unknown
        else (f"the price of {unknown:,} of {len(price):,} calls is not known and not in the value",)
    )
    return waiting + np.nan_to_num(price), notes


def _between(values: np.ndarray, worst: float, best: float, labels: np.ndarray | None) -> Interval:
    """The mean of values that could have been anything from ``worst`` to ``best``.

    Scaled to 0..1, so that a run in which nearly every call was right gets the interval of a share near 1 (one wrong
    call in a thousand may cost more than all others earn) and not one from a spread that was hardly seen.
    """
    if best <= worst:
        return _mean(values, labels)
    import numpy as np

    import slipway.evals.stats as stats

    span = best - worst
    found = stats.interval(np.clip((values - worst) / span, 0.0, 1.0), clusters=labels)
    return replace(found, **{end: worst + getattr(found, end) * span for end in ("estimate", "low", "high")})


def _mean(values: np.ndarray, labels: np.ndarray | None) -> Interval:
    import slipway.evals.stats as stats

    if float(values.max() - values.min()) > 0:
        return stats.interval(values, clusters=labels)
    same = float(values[0])  # no waiting and no price: nothing to be unsure of
    return Interval(same, same, same, len(values), len(values) if labels is None else len(set(labels)), "constant")


def _times(interval: Interval, factor: float) -> Interval:
    return replace(interval, **{end: getattr(interval, end) * factor for end in ("estimate", "low", "high")})


def _interval(raw: Mapping[str, Any] | None) -> Interval | None:
    if raw is None:
        return None
    low, high = raw.get("low"), raw.get("high")
    ends = {"low": -math.inf if low is None else low, "high": math.inf if high is None else high}
    return Interval(**{**raw, **ends})


def _amount(value: float, unit: str) -> str:
    if unit == "$":
        return f"${value:,.0f}" if abs(value) >= 1000 else f"${value:.3g}"
    return f"{value:,.0f} ms" if unit == "ms" and abs(value) >= 100 else f"{value:.3g} {unit}".rstrip()


def _dollars(value: float, low: float | None, high: float | None) -> str:
    """``-$1.13 [-$1.26, -$0.94]``."""
    ends = [end if end is not None and math.isfinite(end) else None for end in (low, high)]
    places = text.decimals([value, *(end for end in ends if end is not None)], least=2)
    shown = [
        "?" if one is None else f"{'-' if one < 0 and round(one, places) else ''}${abs(one):,.{places}f}"
        for one in (value, *ends)
    ]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"
