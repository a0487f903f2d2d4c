"""The gate: does a run open the way? One rule after another, an exit code, and the reasons.

    result = gate(run["new"], baseline=run["base"])
    print(result); sys.exit(result.exit_code)

A rule that the evidence does not decide is not passed: the gate then says so (exit code 4), not "yes".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from slipway import config as settings
from slipway.config import Gate
from slipway.errors import NotFound, SealedError, UsageError
from slipway.evals import rules
from slipway.evals.columns import Columns
from slipway.evals.html import Shown
from slipway.evals.results import Run, pair_of, run_of
from slipway.evals.rules import Rule
from slipway.evals.sides import TIMES
from slipway.evals.suites import find_suite

if TYPE_CHECKING:
    from slipway.evals.compare import RunVerdict

STOPPED = {"interrupted": 130, "capped": 6}


@dataclass(frozen=True)
class GateResult(Shown):
    """``passed`` only when every rule is. ``rules`` are in the order they were checked; ``verdict`` is the comparison with the
    baseline, if there was one; ``objectives`` says how far the variant is from shippable."""

    run: Run
    rules: tuple[Rule, ...]
    exit_code: int
    baseline: Run | None = None
    verdict: RunVerdict | None = None
    objectives: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the gate opens."""
        return self.exit_code == 0

    @property
    def word(self) -> str:
        """passed, blocked, cannot tell, nothing ran, failed, capped, interrupted."""
        words = {0: "passed", 1: "blocked", 4: "cannot tell", 5: "nothing ran", 6: "capped", 130: "interrupted"}
        return words.get(self.exit_code, "failed")

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        record = self.run.record
        return {
            "passed": self.passed,
            "exit_code": self.exit_code,
            "result": self.word,
            "run": record.id,
            "variant": record.variant,
            "experiment": record.experiment,
            "suite": record.suite,
            "tier": record.tier,
            "baseline": self.baseline.id if self.baseline else None,
            "rules": [rule.to_dict() for rule in self.rules],
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "objectives": list(self.objectives),
        }

    def __str__(self) -> str:
        record = self.run.record
        lines = [f"gate {self.word}: {record.variant} on {record.suite or record.experiment}"]
        lines += [f"  {rule}" for rule in self.rules]
        lines += [f"  {line}" for line in self.objectives]
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """A summary for a pull request."""
        from slipway.evals.reports import gate_markdown

        return gate_markdown(self)

    def to_junit(self) -> str:
        """JUnit XML: a test case for each rule, and for each must-pass example that failed."""
        from slipway.evals.junit import gate_junit

        return gate_junit(self)


@dataclass(frozen=True)
class Evidence:
    """What the rules look at."""

    run: Run
    settings: Gate
    tier: str
    metric: str
    baseline: Run | None = None
    share: float | None = None

    @cached_property
    def columns(self) -> Columns:
        """The run's samples."""
        return self.run.columns()

    def timed(self, metric: str) -> bool:
        """Whether ``metric`` is a measurement (latency, cost) by which the run is compared with the baseline."""
        return self.baseline is not None and metric in TIMES and metric not in self.run.scores


def gate(
    run: Any,
    *,
    baseline: Any = None,
    suite: Any = None,
    metric: str | None = None,
    must_pass: float | bool | None = None,
    at_least: float | None = None,
    margin: float | None = None,
    p95_latency_ms: float | None = None,
    max_cost_usd: float | None = None,
    on: str | None = None,
    store: Any = None,
    config: settings.Config | None = None,
) -> GateResult:
    """Check ``run`` against the rules of its suite, changed by what is given here.

    ``run`` and ``baseline`` are runs, run ids or variants' names (with ``store``); a name that ran on several suites is refused
    unless ``suite`` or the other run says which of them is meant. ``must_pass=1.0`` (or True) wants every example right;
    ``at_least`` bounds the lower end of the metric's interval (``on="estimate"``: the estimate); with a ``baseline`` the run
    must not be worse than it by ``margin``; ``p95_latency_ms`` and ``max_cost_usd`` (of one sample, on average) bound from above.

    No gate opens on nothing: some sample must have the score, and its scorer must not have failed. Without any rule for the
    score the gate opens when the task failed on no sample; with one, a sample it failed on counts 0.

    ``exit_code``: 0 passed, 1 blocked, 3 infrastructure, model or scorer error, 4 cannot tell, 5 nothing ran, 6 the cost cap
    ended the run, 130 interrupted. Raises `NotFound` for a score that the run does not have.
    """
    if baseline is None:
        subject, against = run_of(run, store, suite=getattr(suite, "name", suite) or ""), None
    else:
        against, subject = pair_of(baseline, run, store)
    if against is not None and against.id == subject.id:
        raise UsageError(f"run {subject.id[:12]} is its own baseline", mend="name another run as the baseline")
    if subject.record.config.get("sealed"):
        raise SealedError(
            "a held-out suite opens no gate by its samples",
            mend="take a look: slipway suite look SUITE --variant NAME --why TEXT",
        )
    changes = {
        "metric": metric,
        "at_least": at_least,
        "margin": margin,
        "p95_latency_ms": p95_latency_ms,
        "max_cost_usd": max_cost_usd,
        "on": on,
    }
    chosen = _settings(subject, suite, config)
    chosen = msgspec.structs.replace(chosen, **{key: value for key, value in changes.items() if value is not None})
    tier = "must-pass" if must_pass is True or must_pass == 1.0 else subject.record.tier
    share = float(must_pass) if must_pass not in (None, True, False, 1.0) else None
    evidence = Evidence(subject, chosen, tier, chosen.metric or subject.metric, against, share)
    _known_metric(evidence)
    return _decide(evidence)


def _known_metric(evidence: Evidence) -> None:
    """Raise `NotFound` for a score that the run does not have, where it has others."""
    found = evidence.run.scores
    named = evidence.settings.metric
    if not named or named in found or evidence.timed(named):
        return
    if any(score.get("estimate") is not None for score in found.values()):
        raise NotFound.among("score", named, found)


CHECKS: tuple[Callable[[Evidence], Rule | None], ...] = (
    rules.ran,
    rules.infrastructure,
    rules.scored,
    rules.task_failures,
    rules.every_example,
    rules.share,
    rules.lower_bound,
    rules.not_worse,
    rules.latency,
    rules.cost,
)


def _decide(evidence: Evidence) -> GateResult:
    checked = []
    for check in CHECKS:
        rule = check(evidence)
        if rule is not None:
            checked.append(rule)
            if rule.name in ("ran", "scored") and rule.status != "passed":
                break
    states = {rule.status for rule in checked}
    code = 0
    if "error" in states:
        code = 3
    if "cannot_tell" in states:
        code = 4
    if states & {"failed", "flaky"}:
        code = 1
    first = checked[0]
    if first.status != "passed":
        code = STOPPED.get(evidence.run.status, 5 if first.status == "nothing" else 3)
    elif "error" in states and code != 1:
        code = 3
    verdict = next((rule.verdict for rule in checked if rule.verdict is not None), None)
    return GateResult(
        run=evidence.run,
        rules=tuple(checked),
        exit_code=code,
        baseline=evidence.baseline,
        verdict=verdict,
        objectives=rules.objectives(evidence.run),
    )


def _settings(run: Run, suite: Any, config: settings.Config | None) -> Gate:
    if suite is not None:
        found = find_suite(suite, config)
        return found.gate if found else Gate()
    recorded = run.record.config.get("gate") or {}
    return msgspec.convert(recorded, Gate, strict=False) if recorded else Gate()


__all__ = ["Evidence", "Gate", "GateResult", "Rule", "gate"]
