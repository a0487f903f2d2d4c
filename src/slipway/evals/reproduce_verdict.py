"""What a re-execution shows beside the recorded run: identical, statistically equal, or different because of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.data import EvalRun, Sample, Score, canonical_json
from slipway.evals.columns import FIELDS, Columns, gather
from slipway.evals.reproduce_packages import Packages
from slipway.evals.reproduce_tree import Tree

IDENTICAL, EQUAL, DIFFERENT = "identical", "statistically_equal", "different"
FACTORS = ("code", "packages", "data", "prompt", "model", "chance", "unrecorded")
# A clock decides these, so they say nothing about whether the same was computed.
_CLOCKED = frozenset({"latency"})
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Reason:
    """A thing that is not as it was: ``factor`` is one of `FACTORS`, ``detail`` says from what to what."""

    factor: str
    detail: str


@dataclass(frozen=True)
class Difference:
    """How two executions differ, sample by sample. ``examples`` are up to five (example, repeat) that do."""

    samples: int = 0
    outputs: int = 0
    scores: int = 0
    missing: int = 0
    examples: tuple[Key, ...] = ()

    @property
    def none(self) -> bool:
        """Whether nothing differs."""
        return not (self.outputs or self.scores or self.missing)


@dataclass(frozen=True)
class Judgement:
    """``verdict`` and by which ``method``; ``comparison`` is the paired one of the main score, when scores differ."""

    verdict: str
    method: str
    comparison: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Facts:
    """What decides outputs, of one execution. ``changed``: files that are not as recorded (known with ``here``)."""

    tree: Tree
    packages: Packages
    dataset_id: str
    run: EvalRun | None = None
    misses: int = 0
    failed: str = ""
    changed: tuple[str, ...] = ()


def difference(recorded: Mapping[Key, Sample], again: Mapping[Key, Sample]) -> Difference:
    """What differs in status, output, and every score that no clock decides."""
    outputs = scores = missing = 0
    found: list[Key] = []
    for key, old in recorded.items():
        new = again.get(key)
        if new is None:
            missing += 1
        else:
            other_output = _output(old) != _output(new)
            other_scores = _values(old) != _values(new)
            outputs += other_output
            scores += other_scores
            if not (other_output or other_scores):
                continue
        if len(found) < 5:
            found.append(key)
    return Difference(len(recorded), outputs, scores, missing, tuple(found))


def judge(
    recorded: Mapping[Key, Sample], again: Mapping[Key, Sample], differs: Difference, *, metric: str, margin: float
) -> Judgement:
    """Identical when nothing differs; else a comparison example by example of every score, Holm over them: different when any
    is better or worse, or when samples are missing."""
    if differs.none:
        return Judgement(IDENTICAL, "every output and every score is the same")
    if differs.missing == differs.samples:
        return Judgement(DIFFERENT, "no sample was computed again")
    if not differs.scores and not differs.missing:
        return Judgement(EQUAL, f"every score is the same; {differs.outputs} of {differs.samples} outputs are not")
    old, new = _columns(recorded.values()), _columns(again.values())
    compared = _compared(old, new, margin)
    main = compared.get(metric) or next(iter(compared.values()), None)
    if main is None:
        return Judgement(DIFFERENT, "there is no score to compare by")
    told = [name for name, one in compared.items() if one.verdict in ("better", "worse")]
    if told or differs.missing:
        lost = f"; {differs.missing} samples have no counterpart" if differs.missing else ""
        return Judgement(DIFFERENT, f"paired comparison ({main.method}): {main}{lost}", main.to_dict())
    if main.equivalent:
        return Judgement(EQUAL, f"TOST: the difference is within ±{margin:g} ({main.method}): {main}", main.to_dict())
    return Judgement(EQUAL, f"paired comparison ({main.method}) sees no difference: {main}", main.to_dict())


def reasons(recorded: EvalRun, facts: Facts, *, here: bool, live: bool) -> tuple[Reason, ...]:
    """What is not as it was when the run was recorded, by factor."""
    made = [*_code(recorded, facts, here=here)]
    for name, (before, now) in facts.packages.differ.items():
        made.append(Reason("packages", f"{name} {before} -> {now or 'not installed'}"))
    if facts.packages.problem:
        made.append(Reason("packages", facts.packages.problem))
    if facts.dataset_id != recorded.dataset_id:
        made.append(Reason("data", f"dataset {recorded.dataset_id[:12]} -> {facts.dataset_id[:12]}"))
    if facts.run is not None:
        made += _prompts(recorded, facts.run)
        made += _models(recorded, facts.run, live=live)
    if facts.misses:
        made.append(Reason("model", f"{facts.misses} requests have no recorded reply"))
    return tuple(made)


def _code(recorded: EvalRun, facts: Facts, *, here: bool) -> Iterable[Reason]:
    if facts.tree.problem and not here:
        yield Reason("code", facts.tree.problem)
    if facts.changed:
        more = f" and {len(facts.changed) - 5} more" if len(facts.changed) > 5 else ""
        yield Reason("code", f"changed since: {', '.join(facts.changed[:5])}{more}")
    if facts.failed:
        yield Reason("code", f"it does not run: {facts.failed}")
    if facts.run is None or _other_python(facts.packages):
        return
    before, now = recorded.config.get("code_hash"), facts.run.config.get("code_hash")
    if before and now and before != now:
        yield Reason("code", f"the task's code {before[:12]} -> {now[:12]}")
    versions = {one.get("name"): one.get("version") for one in facts.run.config.get("scorers", ())}
    for one in recorded.config.get("scorers", ()):
        now = versions.get(one.get("name"))
        if now != one.get("version"):
            yield Reason("code", f"scorer {one.get('name')} {one.get('version')} -> {now}")


def _other_python(packages: Packages) -> bool:
    """Each minor version of Python parses the same source into a tree of its own, so its hashes say nothing of the code."""
    before, now = packages.differ.get("python", ("", ""))
    return before.split(".")[:2] != (now or "").split(".")[:2]


def _prompts(recorded: EvalRun, run: EvalRun) -> Iterable[Reason]:
    before, now = (set(one.summary.get("prompts") or ()) for one in (recorded, run))
    if before and now and before != now:
        gone, come = sorted(before - now), sorted(now - before)
        yield Reason("prompt", f"{_short(gone)} -> {_short(come)}")


def _models(recorded: EvalRun, run: EvalRun, *, live: bool) -> Iterable[Reason]:
    before, now = (str(one.config.get("model_name") or "") for one in (recorded, run))
    if before != now:
        yield Reason("model", f"{before or 'none'} -> {now or 'none'}")
    seen, sees = (sorted(one.summary.get("models_seen") or ()) for one in (recorded, run))
    if live and before:
        changed = (
            f"it now answers as {', '.join(sees)}, then as {', '.join(seen)}" if seen != sees else "it was asked anew"
        )
        yield Reason("model", f"{before}: {changed}")


def _short(ids: list[str]) -> str:
    return ", ".join(one[:12] for one in ids) or "none"


def _output(sample: Sample) -> Any:
    # Where it went wrong may name another folder; what went wrong is the same.
    error = (sample.error or "").partition(" (")[0].partition(":")[0] if sample.status != "ok" else ""
    return sample.status, canonical_json(sample.output), error


def _values(sample: Sample) -> dict[str, float | None]:
    return {score.name: score.value for score in sample.scores if not _clocked(score)}


def _clocked(score: Score) -> bool:
    return score.scorer in _CLOCKED or score.name in _CLOCKED


def _columns(samples: Iterable[Sample]) -> Columns:
    return gather([getattr(sample, name) for name in FIELDS] for sample in samples)


def _compared(old: Columns, new: Columns, margin: float) -> dict[str, Any]:
    """A comparison for each score that both have."""
    import numpy as np

    import slipway.evals.stats as stats

    pairs: dict[str, Any] = {}
    better: dict[str, bool] = {}
    for name in [*old.metrics, *(old.groups.metrics if old.groups else ())]:
        if name in _CLOCKED or name not in {**new.metrics, **(new.groups.metrics if new.groups else {})}:
            continue
        sides = []
        for columns in (old.holder(name), new.holder(name)):
            values: Any = np.frombuffer(columns.metrics[name].values, dtype=float)
            clusters = columns.clusters if any(one is not None for one in columns.clusters) else None
            sides.append((columns.example_ids, values, clusters))
        (ids_a, a, clusters_a), (ids_b, b, clusters_b) = sides
        clustered = (
            {} if clusters_a is None or clusters_b is None else {"clusters_a": clusters_a, "clusters_b": clusters_b}
        )
        found = stats.pair_by_example(ids_a, a, ids_b, b, **clustered)
        if found.n:
            pairs[name] = found
            better[name] = old.metric(name).better != "lower"
    if not pairs:
        return {}
    return dict(stats.compare_many(pairs, margin=margin, higher_is_better=better).results)
