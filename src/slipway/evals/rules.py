"""The gate's rules: each a function of the evidence, giving a `Rule`, or None where it does not apply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.data import EvalRun, Sample, text
from slipway.errors import NotFound
from slipway.evals.columns import ALL_REPEATS, OK, TASK_FAILED, WORLD_FAILED, Columns
from slipway.evals.summary import score_line

if TYPE_CHECKING:
    from slipway.evals.compare import RunVerdict
    from slipway.evals.gate import Evidence
    from slipway.evals.results import Run

LOST_SHARE = 0.05
"""More samples than this lost to the infrastructure, and what is left need not stand for the whole."""

RERUN = " (confirming reruns)"
"""What is added to an experiment's name for runs of its failed must-pass examples."""

SHOWN = 20


@dataclass(frozen=True)
class Rule:
    """``status``: passed, failed, flaky, cannot_tell, error, nothing. ``says`` is the reason in one sentence; ``examples``
    the ids that decided it."""

    name: str
    status: str
    says: str
    examples: tuple[str, ...] = ()
    verdict: RunVerdict | None = None

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.status == "passed"

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"name": self.name, "status": self.status, "says": self.says, "examples": list(self.examples)}

    def __str__(self) -> str:
        return f"{self.status.replace('_', ' '):12} {self.name}: {self.says}"


def ran(evidence: Evidence) -> Rule:
    """The run has samples and came to an end of its own, or of its time budget."""
    run = evidence.run
    summary, status = run.summary, run.status
    samples = summary.get("samples", len(evidence.columns))
    if status in ("running", "interrupted", "capped"):
        reason = summary.get("reason") or "it did not come to its end"
        return Rule("ran", "error", f"{status} after {samples} of {run.record.planned} samples: {reason}")
    if not samples:
        return Rule("ran", "nothing", "no sample was evaluated")
    if status == "failed":
        return Rule("ran", "error", summary.get("reason") or "the run failed")
    left = run.record.planned - samples
    more = f"; time was up before the other {left}" if left > 0 else ""
    return Rule("ran", "passed", f"{samples} of {run.record.planned} samples{more}")


def infrastructure(evidence: Evidence) -> Rule | None:
    """Not too many samples were lost to failures that are not the task's."""
    columns = evidence.columns
    lost = sum(1 for status in columns.status if status == WORLD_FAILED)
    if not lost:
        return None
    says = f"{lost} of {len(columns)} samples were lost to model or infrastructure failures"
    if lost > LOST_SHARE * len(columns) or evidence.tier == "must-pass":
        return Rule("infrastructure", "error", f"{says}; run again (what succeeded is not repeated)")
    return Rule("infrastructure", "passed", f"{says}, at most {LOST_SHARE:.0%} may be")


def scored(evidence: Evidence) -> Rule | None:
    """Samples have the score, and its scorer did not fail on many: a gate that opens on nothing guards nothing."""
    columns, name = evidence.columns, evidence.metric
    known = [*columns.metrics, *(columns.groups.metrics if columns.groups else ())]
    if evidence.timed(name):
        return None
    holder = columns.holder(name)
    metric = holder.metrics.get(name)
    answered = sum(status == OK for status in holder.status)
    lacking = answered if metric is None else len(unscored(columns, name))
    failures = holder.scorer_failures if metric is None else {}
    if metric is not None and metric.scorer in holder.scorer_failures:
        failures = {metric.scorer: holder.scorer_failures[metric.scorer]}
    why = "; ".join(f"{scorer!r} on {count}: {said}" for scorer, (count, said) in failures.items())
    if answered and lacking == answered:
        if failures:
            return Rule("scored", "error", f"{lacking} of {len(holder)} samples were not scored; {why}")
        what = f"the score {name!r}" if known and name else "a score"
        return Rule("scored", "cannot_tell", f"no sample has {what}")
    failed = sum(count for count, _ in failures.values())
    if not failed or evidence.tier == "must-pass":  # must-pass names the examples
        return None
    status = "error" if failed > LOST_SHARE * len(holder) else "passed"
    return Rule(
        "scorer", status, f"{failed} of {len(holder)} samples were not scored, at most {LOST_SHARE:.0%} may be; {why}"
    )


def task_failures(evidence: Evidence) -> Rule | None:
    """Where no rule is for the score, in which a failure counts 0, the task may fail on no sample."""
    set_ = evidence.settings
    compared = evidence.baseline is not None and set_.not_worse
    if evidence.tier == "must-pass" or evidence.share is not None or set_.at_least is not None or compared:
        return None
    columns = evidence.columns
    failed = [
        identity for identity, status in zip(columns.example_ids, columns.status, strict=True) if status == TASK_FAILED
    ]
    if not failed:
        return None
    says = (
        f"the task failed on {len(failed)} of {len(columns)} samples, and no rule says how many may be wrong (at-least)"
    )
    return Rule("task", "failed", says)


def every_example(evidence: Evidence) -> Rule | None:
    """Must-pass: every example right in every repeat. Failures that confirming reruns contradict are flaky, never green."""
    if evidence.tier != "must-pass":
        return None
    import slipway.evals.stats as stats

    passed = outcomes(evidence.columns, evidence.metric)
    lacking = tuple(dict.fromkeys(unscored(evidence.columns, evidence.metric)))
    if not passed and not lacking:
        return Rule("must-pass", "cannot_tell", f"no example has a score {evidence.metric!r}")
    repeats = _reruns(evidence)
    found = stats.must_pass(passed, reruns=repeats or None, confirmations=max(1, evidence.settings.reruns or 3))
    total = found.n
    if found.status == "red":
        names = ", ".join(found.failed[:SHOWN])
        return Rule("must-pass", "failed", f"{len(found.failed)} of {total} examples failed: {names}", found.failed)
    if found.status == "flaky":
        names = ", ".join(found.flaky[:SHOWN])
        says = f"{len(found.flaky)} of {total} examples failed once and passed every confirming rerun: {names}"
        return Rule("must-pass", "flaky", f"{says}; mend the flakiness, or accept it by name", found.flaky)
    if lacking:
        # Neither right nor wrong: nobody knows what the answers are worth.
        status = "error" if evidence.columns.holder(evidence.metric).scorer_failures else "cannot_tell"
        says = f"{len(lacking)} of {total + len(set(lacking) - set(passed))} examples were not scored"
        return Rule("must-pass", status, f"{says}: {', '.join(lacking[:SHOWN])}", lacking)
    missing = evidence.run.record.planned - len(evidence.columns)
    if missing > 0:
        return Rule("must-pass", "cannot_tell", f"all {total} that ran passed, and {missing} samples did not run")
    return Rule("must-pass", "passed", f"all {total} examples passed")


def share(evidence: Evidence) -> Rule | None:
    """`gate(run, must_pass=0.9)`: that share of the samples was right."""
    if evidence.share is None:
        return None
    score = evidence.run.scores.get(evidence.metric, {})
    if score.get("estimate") is None:
        return Rule("must-pass", "cannot_tell", f"there is no score {evidence.metric!r}")
    status = "passed" if score["estimate"] >= evidence.share else "failed"
    return Rule("must-pass", status, f"{evidence.metric} {score_line(score)}, wanted {evidence.share:g}")


def lower_bound(evidence: Evidence) -> Rule | None:
    """The metric's interval lies above ``at-least``."""
    wanted = evidence.settings.at_least
    if wanted is None:
        return None
    name = f"{evidence.metric} at least {wanted:g}"
    score = evidence.run.scores.get(evidence.metric)
    if score is None:
        raise NotFound.among("score", evidence.metric, evidence.run.scores)
    if score["estimate"] is None:
        return Rule(name, "cannot_tell", "no sample has the score")
    says = score_line(score)
    lower_is_better = score.get("better") == "lower"
    if evidence.settings.on == "estimate":
        return Rule(name, "passed" if score["estimate"] >= wanted else "failed", says)
    low, high = score["low"], score["high"]
    if low is None or high is None:
        return Rule(name, "cannot_tell", f"{says}: too few samples for an interval")
    if low >= wanted:
        return Rule(name, "passed", says)
    if high < wanted:
        return Rule(name, "failed", says)
    more = "" if lower_is_better else _more_for_bound(score, wanted)
    return Rule(name, "cannot_tell", f"{says}: the interval holds {wanted:g}{more}")


def _more_for_bound(score: Mapping[str, Any], wanted: float) -> str:
    gap = score["estimate"] - wanted
    if gap <= 0:
        return ", and the estimate is below it" if gap < 0 else ", and the estimate is just that"
    # The interval shrinks with the root of n.
    needed = math.ceil((score.get("examples") or score["n"]) * ((score["estimate"] - score["low"]) / gap) ** 2)
    return f"; {text.many(needed)} examples in all would decide if the estimate holds"


def not_worse(evidence: Evidence) -> Rule | None:
    """Compared example by example, the run is not worse than the baseline by the margin."""
    if evidence.baseline is None or not evidence.settings.not_worse:
        return None
    from slipway.evals.compare import compare

    verdict = compare(
        evidence.baseline, evidence.run, metric=evidence.metric or None, margin=evidence.settings.margin or None
    )
    status = {"better": "passed", "not_worse": "passed", "worse": "failed"}.get(verdict.main.verdict, "cannot_tell")
    return Rule(f"not worse than {evidence.baseline.variant}", status, verdict.reading, verdict=verdict)


def latency(evidence: Evidence) -> Rule | None:
    """The 95th percentile of latency is below its bound."""
    wanted = evidence.settings.p95_latency_ms
    if wanted is None:
        return None
    found = (evidence.run.summary.get("latency_ms") or {}).get("p95")
    return _above(f"p95 latency at most {wanted:g} ms", found, wanted, "ms", evidence.settings.on)


def cost(evidence: Evidence) -> Rule | None:
    """A sample costs no more than the bound, on average."""
    wanted = evidence.settings.max_cost_usd
    if wanted is None:
        return None
    name = f"cost at most ${wanted:g} a sample"
    costs = evidence.run.summary.get("cost_usd") or {}
    if costs.get("unknown"):
        return Rule(name, "cannot_tell", f"the price of {costs['unknown']} samples is not known")
    return _above(name, costs.get("per_sample"), wanted, "USD", evidence.settings.on)


def _above(name: str, found: Mapping[str, Any] | None, wanted: float, unit: str, on: str) -> Rule:
    if found is None:
        return Rule(name, "cannot_tell", "it was not measured")
    middle, low, high = found["estimate"], found["low"], found["high"]
    says = f"{text.score(middle, low, high)} {unit} ({found['n']:,} answers)"
    if high is None:
        says += ", too few for an upper end"
    if on == "estimate":
        return Rule(name, "passed" if middle <= wanted else "failed", says)
    if high is not None and high <= wanted:
        return Rule(name, "passed", says)
    if low is not None and low > wanted:
        return Rule(name, "failed", says)
    return Rule(name, "cannot_tell", says)


def objectives(run: Run) -> tuple[str, ...]:
    """How far the variant is from shippable, and whether it pays; nothing when no objective is set."""
    recorded = run.summary.get("objectives")
    if not recorded:
        return ()
    from slipway.evals.objectives import Assessment

    return tuple(Assessment.of(recorded).table().splitlines())


def outcomes(columns: Columns, metric: str) -> dict[str, list[bool]]:
    """Example id -> whether the score is 1, for each repeat. A sample lost to the infrastructure, or answered and not scored,
    is none."""
    found: dict[str, list[bool]] = {}
    for identity, value, status in _valued(columns, metric):
        if status == TASK_FAILED or (status == OK and not math.isnan(value)):
            found.setdefault(identity, []).append(value >= 1.0)  # NaN, for a failed task, is not a pass
    return found


def unscored(columns: Columns, metric: str) -> list[str]:
    """The example of each sample that was answered and has no score."""
    return [identity for identity, value, status in _valued(columns, metric) if status == OK and math.isnan(value)]


def _valued(columns: Columns, metric: str) -> Iterator[tuple[str, float, int]]:
    holder = columns.holder(metric)
    found = holder.metrics.get(metric)
    if found is not None:
        yield from zip(holder.example_ids, found.values, holder.status, strict=True)


def _reruns(evidence: Evidence) -> dict[str, list[bool]]:
    """Outcomes of the confirming reruns of this run's failures, by example."""
    record = evidence.run.record
    store = evidence.run.store
    found: dict[str, list[bool]] = {}
    for run in store.find(EvalRun, {"experiment": record.experiment + RERUN, "variant_id": record.variant_id}):
        if run.config.get("rerun_of") != record.id:
            continue
        for sample in store.find(Sample, {"run_id": run.id}):
            if sample.repeat != ALL_REPEATS:
                value = next((s.value for s in sample.scores if s.name == evidence.metric), None)
                found.setdefault(sample.example_id, []).append(value is not None and value >= 1.0)
    return found
