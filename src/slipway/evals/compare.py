"""Compare two runs example by example: better, worse, not worse than the margin, or cannot tell: collect N more.

    verdict = compare(run["base"], run["new"], by="lang")     # of the second against the first
    print(verdict)

The methods, with their sources, are in `slipway.evals.stats`; here runs, files, metrics and slices become pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data import Verdict, new_id, text
from slipway.errors import CannotTell, NotFound, NothingRan, UsageError
from slipway.evals.html import Shown
from slipway.evals.results import pair_of, run_of
from slipway.evals.sides import TIMES, Side, file_side, run_side

if TYPE_CHECKING:
    from slipway.evals.stats import Comparison

ALL = ""
"""The name of the comparison over every example, beside those of slices."""


@dataclass(frozen=True)
class RunVerdict(Shown):
    """What a comparison of B against A concludes. ``main`` is the comparison over all examples on the first metric.

    ``metrics`` holds the comparison on each metric; ``slices`` that of each value of ``by``. Both kinds are corrected for
    their number (Holm) when there are several. Attributes of ``main`` (``verdict``, ``delta`` ...) are this object's.
    """

    a: str
    b: str
    metric: str
    main: Comparison
    metrics: Mapping[str, Comparison]
    slices: Mapping[str, Comparison]
    by: str = ""
    run_a: str = ""
    run_b: str = ""
    notes: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.main, name)

    @property
    def exit_code(self) -> int:
        """0 when the evidence decides (whichever way), 4 when it does not."""
        return 4 if self.main.verdict == "cannot_tell" else 0

    @property
    def reading(self) -> str:
        """The verdict in one sentence."""
        return sentence(self.a, self.b, self.metric, self.main)

    def check(self) -> RunVerdict:
        """This verdict. Raises `CannotTell` when there is none."""
        if self.main.verdict == "cannot_tell":
            raise CannotTell(self.reading)
        return self

    def to_dict(self) -> dict[str, Any]:
        """As JSON types: ``verdict, delta, ci_low, ci_high, p_value, method, n, mde, needed_n`` and more."""
        made = {**self.main.to_dict(), "metric": self.metric, "a": self.a, "b": self.b, "reading": self.reading}
        made["run_a"], made["run_b"] = self.run_a or None, self.run_b or None
        made["notes"] = [*self.main.notes, *self.notes]
        if len(self.metrics) > 1:
            made["metrics"] = {name: one.to_dict() for name, one in self.metrics.items()}
        if self.by:
            made["by"] = self.by
            made["slices"] = {name: one.to_dict() for name, one in self.slices.items()}
        return made

    def __str__(self) -> str:
        lines = [self.reading]
        if len(self.metrics) > 1:
            lines += [f"  {name}: {one}" for name, one in self.metrics.items()]
        lines += [f"  {self.by}={name}: {one}" for name, one in self.slices.items()]
        lines += [f"  note: {note}" for note in (*self.main.notes, *self.notes)]
        return "\n".join(lines)

    def rows(self) -> list[list[str]]:
        """The table: what, verdict, A, B, difference with interval, p, n, n needed."""
        named = [(self.metric, self.main)]
        named += [(name, one) for name, one in self.metrics.items() if name != self.metric]
        named += [(f"{self.by}={name}", one) for name, one in self.slices.items()]
        return [[name, *_cells(one)] for name, one in named]

    def __rich__(self) -> Any:
        from slipway.evals.compare_draw import drawing

        return drawing(self.to_dict())


def compare(
    a: Any,
    b: Any,
    *,
    metric: str | Sequence[str] | None = None,
    by: str | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
    sequential: bool = False,
    store: Any = None,
    record: bool = True,
    clock: Callable[[], int] = time.time_ns,
) -> RunVerdict:
    """The verdict on ``b`` against ``a``: runs, run ids (with ``store``), or paths of JSONL files of
    ``{"example_id", "score", "repeat"?, "cluster"?}``.

    ``metric`` is the suite's, else the first score, unless named; several are corrected for their number. ``by`` adds a
    verdict for each value of a slice. ``margin`` (in units of the score) makes "not worse" a possible answer. With
    ``sequential=True`` the verdict stays valid however often a growing run is looked at. Verdicts are kept in the store, unless
    it may only be read.

    Raises `NotFound` for a metric or slice that is not there, `UsageError` when the two were scored by different versions
    of a scorer or are one run, `NothingRan` when one of them has no scored example.
    """
    if sequential and by:
        raise UsageError("a sequential look takes no slices", mend="leave by out until the run has ended")
    measured = not TIMES.keys().isdisjoint([metric] if isinstance(metric, str) else metric or ())
    if not _is_file(a) and not _is_file(b):
        a, b = pair_of(a, b, store)
    side_a, side_b = _side(a, store, measured), _side(b, store, measured)
    if side_a.run_id and side_a.run_id == side_b.run_id:
        raise UsageError(f"both are run {side_a.run_id[:12]}", mend="name two runs")
    names = _metrics(metric, side_a, side_b)
    _check_scored(side_a, side_b, names)
    notes = _check(side_a, side_b, names, sequential) + noise_notes(side_a, side_b, names[0])
    main, metrics = _by_metric(side_a, side_b, names, margin, confidence, sequential)
    slices = _by_slice(side_a, side_b, names[0], by, margin, confidence) if by else {}
    label_a, label_b = _labels(side_a, side_b)
    verdict = RunVerdict(
        a=label_a,
        b=label_b,
        metric=names[0],
        main=main,
        metrics=metrics,
        slices=slices,
        by=by or "",
        run_a=side_a.run_id,
        run_b=side_b.run_id,
        notes=notes,
    )
    kept_in = None if getattr(side_b.store, "read_only", "") else side_b.store
    if record and kept_in is not None and side_a.run_id and side_b.run_id:
        kept_in.write(_records(verdict, side_b.project, clock()))
    return verdict


def _is_file(thing: Any) -> bool:
    return isinstance(thing, Path) or (isinstance(thing, str) and (thing.endswith(".jsonl") or Path(thing).is_file()))


def _side(thing: Any, store: Any, measured: bool) -> Side:
    return file_side(Path(thing)) if _is_file(thing) else run_side(run_of(thing, store), measured=measured)


def _metrics(metric: str | Sequence[str] | None, a: Side, b: Side) -> list[str]:
    if metric is None:
        return [b.metric if b.has(b.metric) and a.has(b.metric) else a.metric]
    named = [metric] if isinstance(metric, str) else list(metric)
    if not named:
        raise UsageError("metric is empty", mend="leave it out, or name at least one")
    return named


def _check_scored(a: Side, b: Side, names: Sequence[str]) -> None:
    """Raise `NothingRan` when every sample of a side failed: its scores are not lacking, they were never made."""
    for name, side in (("A", a), ("B", b)):
        if set(names) <= TIMES.keys() or any(side.scored(one) for one in names):
            continue
        if not side.columns.metrics or all(side.has(one) for one in names):
            seen = f"see its errors: slipway runs show {side.run_id[:12]}" if side.run_id else "give it scores"
            raise NothingRan(f"run {name} has no scored example", mend=seen)


def _check(a: Side, b: Side, names: Sequence[str], sequential: bool) -> tuple[str, ...]:
    notes = []
    for name in names:
        old, new = a.version(name), b.version(name)
        if old and new and old != new:
            raise UsageError(
                f"{name!r} was scored by version {old} in {a.label} and by {new} in {b.label}",
                mend="evaluate again: recorded outputs are only scored anew, not computed",
            )
    if a.seed_differs(b):
        notes.append("the two runs have different seeds")
    for side in (a, b):
        if side.status == "running" and not sequential:
            notes.append(f"{side.label} is still running: look with sequential=True if you look more than once")
    return tuple(notes)


def noise_notes(a: Side, b: Side, name: str) -> tuple[str, ...]:
    """What the repeats of either run say of chance alone (A/A), where there are repeats."""
    notes = []
    for side in (a, b):
        found = side.noise.get(name)
        if found:
            notes.append(
                f"A/A of {side.label}: two runs of it differ by up to {found['delta_noise']:.3g} by chance alone "
                f"({found['repeats']:.3g} repeats of {found['n']} examples, {found['flip_rate']:.3g} of pairs differ)"
            )
    return tuple(notes)


def _by_metric(
    a: Side, b: Side, names: Sequence[str], margin: float | None, confidence: float, sequential: bool
) -> tuple[Comparison, dict[str, Comparison]]:
    import slipway.evals.stats as stats

    higher = {name: a.higher_is_better(name) for name in names}
    if len(names) == 1:
        name = names[0]
        ids_a, scores_a, clusters_a = a.scores(name, other=b)
        ids_b, scores_b, clusters_b = b.scores(name, other=a)
        options: dict[str, Any] = {"margin": margin, "confidence": confidence, "higher_is_better": higher[name]}
        if sequential:
            pairs = stats.pair_by_example(
                ids_a, scores_a, ids_b, scores_b, clusters_a=clusters_a, clusters_b=clusters_b
            )
            one = stats.compare_anytime(pairs.a, pairs.b, clusters=pairs.clusters, **options)
        else:
            one = stats.compare_runs(
                ids_a, scores_a, ids_b, scores_b, clusters_a=clusters_a, clusters_b=clusters_b, **options
            )
        return one, {name: one}
    if sequential:
        raise UsageError("a sequential look takes one metric", mend="name one with metric=")
    families = {name: pairs_of(a, b, name) for name in names}
    many = stats.compare_many(families, margin=margin, confidence=confidence, higher_is_better=higher)
    return many[names[0]], dict(many.results)


def _by_slice(a: Side, b: Side, name: str, by: str, margin: float | None, confidence: float) -> dict[str, Comparison]:
    import slipway.evals.stats as stats

    values = sorted(set(a.slice_values(by)) & set(b.slice_values(by)))
    if not values:
        known = sorted({*a.slices, *b.slices})
        if by not in known:
            raise NotFound.among("slice", by, known)
        raise UsageError(
            f"the two runs share no value of slice {by!r}", mend="leave by out, or compare runs on one dataset"
        )
    families = {value: pairs_of(a, b, name, by, value) for value in values}
    families = {value: pairs for value, pairs in families.items() if pairs.n > 1}
    if not families:
        raise UsageError(
            f"no value of slice {by!r} has two examples that both runs scored",
            mend="leave by out, or run more examples",
        )
    many = stats.compare_many(families, margin=margin, confidence=confidence, higher_is_better=a.higher_is_better(name))
    return dict(many.results)


def pairs_of(a: Side, b: Side, name: str, by: str | None = None, value: str | None = None) -> Any:
    """The examples that both sides scored on a metric (in one slice), paired."""
    import slipway.evals.stats as stats

    ids_a, scores_a, clusters_a = a.scores(name, other=b, by=by, value=value)
    ids_b, scores_b, clusters_b = b.scores(name, other=a, by=by, value=value)
    return stats.pair_by_example(ids_a, scores_a, ids_b, scores_b, clusters_a=clusters_a, clusters_b=clusters_b)


def _labels(a: Side, b: Side) -> tuple[str, str]:
    if a.label != b.label:
        return a.label, b.label
    return f"{a.label} ({a.run_id[:8] or 'A'})", f"{b.label} ({b.run_id[:8] or 'B'})"


def _records(verdict: RunVerdict, project: str, now: int) -> list[Verdict]:
    def record(metric: str, one: Comparison, part: str) -> Verdict:
        return Verdict(
            id=new_id(),
            run_a=verdict.run_a,
            run_b=verdict.run_b,
            metric=metric,
            verdict=one.verdict,
            created_ns=now,
            slice=part,
            project=project,
            result=one.to_dict(),
        )

    made = [record(name, one, ALL) for name, one in verdict.metrics.items()]
    return made + [record(verdict.metric, one, f"{verdict.by}={name}") for name, one in verdict.slices.items()]


def sentence(a: str, b: str, metric: str, one: Comparison) -> str:
    """``new is better than base on exact: 0.790 against 0.750, +0.040 [+0.010, +0.070] (p=0.004, 800 examples)``"""
    p = one.p_value if one.p_adjusted is None else one.p_adjusted
    rests = f"{one.n:,} examples{'' if one.paired else ' each'}"
    if one.n_clusters < one.n:
        rests += f" in {one.n_clusters:,} clusters"
    means = f"{text.score(one.mean_b)} against {text.score(one.mean_a)}"
    numbers = f"{means}, {difference(one)} (p={p:.2g}, {rests})"
    said = {
        "better": f"{b} is better than {a} on {metric}",
        "worse": f"{b} is worse than {a} on {metric}",
        "not_worse": f"{b} is not worse than {a} on {metric} by {one.margin if one.margin is not None else 0:g} or more",
        "cannot_tell": f"cannot tell {b} from {a} on {metric}",
    }[one.verdict]
    made = f"{said}: {numbers}"
    if one.verdict == "cannot_tell":
        if one.mde is not None:
            made += f"; {one.n:,} examples show differences from {one.mde:.2g} on"
        if one.more and one.needed_n is not None:
            made += f"; {text.many(one.needed_n)} in all would show one of this size four times in five"
    return made + "."


def difference(one: Comparison) -> str:
    """``+0.040 [+0.010, +0.070]``: B minus A."""
    return text.score(one.delta, one.ci_low, one.ci_high, signed=True)


def _cells(one: Comparison) -> list[str]:
    p = one.p_value if one.p_adjusted is None else one.p_adjusted
    return [
        one.verdict.replace("_", " "),
        text.score(one.mean_a),
        text.score(one.mean_b),
        difference(one),
        f"{p:.2g}",
        f"{one.n:,}",
        "" if one.needed_n is None else text.many(one.needed_n),
    ]


__all__ = ["RunVerdict", "compare", "difference", "pairs_of", "sentence"]
