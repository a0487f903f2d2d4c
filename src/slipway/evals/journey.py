"""The journey: every variant that was tried, what changed, what it did to the score, failures included.

    print(journey(store))                        # the tree, in a terminal
    Path("journey.md").write_text(journey(store).to_markdown())

Each variant is compared with the one it was made from, example by example; verdicts are corrected for how many variants there
are (Holm), because the best of twenty worthless ones wins by chance in four of ten journeys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway import config as settings
from slipway.data import Environment, EvalRun, Variant, canonical_json
from slipway.errors import NotFound, NothingRan, SlipwayError
from slipway.evals.process import as_it_is
from slipway.evals.results import Run
from slipway.evals.rules import RERUN
from slipway.store.protocol import Store

if TYPE_CHECKING:
    from slipway.evals.sides import Side
    from slipway.evals.stats import Comparison


@dataclass
class Step:
    """One variant of the journey. ``run`` is its newest run that came to an end (or the newest of all); ``changed`` what its
    settings say against the parent's; ``verdict`` the comparison with the parent's run, and ``says`` why there is none."""

    name: str
    variant: Variant
    run: Run
    runs: int
    depth: int = 0
    last: bool = True
    parent: Step | None = None
    changed: tuple[str, ...] = ()
    verdict: Comparison | None = None
    says: str = ""
    gate: str = ""
    must_pass: str = ""
    held_out: str = ""
    objectives: tuple[str, ...] = ()
    commit: str = ""
    metric: str = ""
    children: list[Step] = field(default_factory=list)

    @property
    def score(self) -> Mapping[str, Any]:
        """The main score: estimate, low, high, n."""
        return self.run.scores.get(self.metric or self.run.metric, {})  # type: ignore[no-any-return]

    @property
    def failed(self) -> int:
        """Samples without an answer."""
        summary = self.run.summary
        return int(summary.get("failed", 0)) + int(summary.get("infrastructure_failures", 0))

    def milliseconds(self, which: str) -> float | None:
        """p50 or p95."""
        found = (self.run.summary.get("latency_ms") or {}).get(which)
        return None if found is None else float(found["estimate"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        record = self.run.record
        return {
            "variant": self.name,
            "variant_id": self.variant.id,
            "parent": self.parent.name if self.parent else None,
            "note": self.variant.note,
            "changed": list(self.changed),
            "config": dict(self.variant.config),
            "run": record.id,
            "runs": self.runs,
            "status": record.status,
            "metric": self.metric or self.run.metric,
            "score": dict(self.score),
            "p50_ms": self.milliseconds("p50"),
            "p95_ms": self.milliseconds("p95"),
            "cost_usd": (record.summary.get("cost_usd") or {}).get("total"),
            "failed": self.failed,
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "says": self.says,
            "gate": self.gate,
            "must_pass": self.must_pass,
            "held_out": self.held_out,
            "objectives": list(self.objectives),
            "commit": self.commit,
            "depth": self.depth,
        }


@dataclass(frozen=True)
class Journey:
    """``roots`` are the variants without a parent; iterating goes through the tree, parents first."""

    experiment: str
    project: str
    metric: str
    roots: tuple[Step, ...]
    dataset_id: str = ""

    def __iter__(self) -> Iterator[Step]:
        waiting = list(reversed(self.roots))
        while waiting:
            step = waiting.pop()
            yield step
            waiting.extend(reversed(step.children))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, variant: str) -> Step:
        steps = {step.name: step for step in self}
        if variant not in steps:
            raise NotFound.among("variant in this journey", variant, steps)
        return steps[variant]

    @property
    def best(self) -> Step:
        """The finished variant with the best estimate of the score; not thereby shown to be better than the others."""
        scored = [step for step in self if step.score.get("estimate") is not None]
        if not scored:
            return next(iter(self))
        lower = scored[0].score.get("better") == "lower"
        return (min if lower else max)(scored, key=lambda step: step.score["estimate"])

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "experiment": self.experiment,
            "project": self.project,
            "metric": self.metric,
            "dataset": self.dataset_id,
            "best": self.best.name,
            "variants": [step.to_dict() for step in self],
        }

    def to_markdown(self) -> str:
        """The report that a colleague can pick up from."""
        from slipway.evals.journey_report import journey_markdown

        return journey_markdown(self)

    def __str__(self) -> str:
        from shutil import get_terminal_size

        from slipway.evals.journey_draw import journey_text

        return journey_text(self, get_terminal_size((100, 24)).columns)

    def __rich__(self) -> Any:
        from slipway.evals.journey_draw import Drawing

        return Drawing(self)

    def _repr_html_(self) -> str:
        from slipway.evals.journey_report import journey_html

        return journey_html(self)


def journey(
    store: Any = None,
    *,
    experiment: str | None = None,
    suite: str | None = None,
    project: str | None = None,
    metric: str | None = None,
) -> Journey:
    """The journey of an experiment: by default, of the project's experiment with the most variants.

    ``store`` is a store or its URL (that of ``slipway.toml``), ``suite`` narrows it to a suite's runs, ``metric`` names the score
    to compare and to show. Raises `NothingRan` when there is no run, `NotFound` for an unknown experiment or score.
    """
    config = settings.load()
    if store is None or isinstance(store, str):
        from slipway.store import open_store

        store = open_store(store or config.store_url)
    project = project or config.project
    every = [as_it_is(run) for run in store.find(EvalRun, {"project": project}) if not run.experiment.endswith(RERUN)]
    if not every:
        raise NothingRan(f"project {project!r} has no eval run", mend="make one: slipway eval SUITE")
    name = _experiment(every, experiment, suite)
    runs = [run for run in every if run.experiment == name]
    steps = _steps(store, runs)
    if metric is not None:
        _choose(metric, steps.values())
    roots = _tree(list(steps.values()))
    found = Journey(name, project, metric or _metric(steps.values()), tuple(roots), runs[-1].dataset_id)
    _verdicts(found, metric)
    for step in found:
        _judge(step, every, store)
    return found


def _experiment(runs: Sequence[EvalRun], wanted: str | None, suite: str | None) -> str:
    kept = [run for run in runs if suite is None or run.suite == suite]
    if not kept:
        raise NotFound.among("suite with runs", str(suite), {run.suite for run in runs if run.suite})
    if wanted is not None:
        names = {run.experiment for run in kept}
        if wanted not in names:
            raise NotFound.among("experiment", wanted, names)
        return wanted
    variants: dict[str, set[str]] = {}
    for run in kept:
        variants.setdefault(run.experiment, set()).add(run.variant_id)
    usual = {run.experiment for run in kept if run.tier not in ("must-pass", "held-out")} or set(variants)
    # Of several with as many variants, the one that ran last.
    newest = {run.experiment: number for number, run in enumerate(kept)}
    return max(usual, key=lambda name: (len(variants[name]), newest[name]))


def _steps(store: Store, runs: Sequence[EvalRun]) -> dict[str, Step]:
    """Variant id -> its step, in the order in which the variants first ran."""
    by_variant: dict[str, list[EvalRun]] = {}
    for run in runs:
        by_variant.setdefault(run.variant_id, []).append(run)
    newest_of_name: dict[str, str] = {}
    for identity, own in by_variant.items():
        newest_of_name[own[0].variant] = identity
    steps = {}
    for identity, own in by_variant.items():
        ended = [run for run in own if run.status in ("finished", "timed_out")]
        run = (ended or own)[-1]
        variant = store.get(Variant, identity) or Variant(run.variant, id=identity)
        # A name used again for other settings: the older ones keep their place under a name of their own.
        current = newest_of_name[run.variant] == identity
        name = run.variant if current else f"{run.variant} ({identity[:6]})"
        steps[identity] = Step(name, variant, Run(run, store), len(own), commit=_commit(store, run))
    return steps


def _commit(store: Store, run: EvalRun) -> str:
    found = store.get(Environment, run.environment_id) if run.environment_id else None
    if found is None or not found.commit:
        return ""
    return found.commit[:12] + (" with uncommitted changes" if found.dirty else "")


def _tree(steps: list[Step]) -> list[Step]:
    by_name = {step.name: step for step in steps}
    roots = []
    for step in steps:
        parent = by_name.get(step.variant.parent or "")
        if parent is None or parent is step or _above(parent, step, by_name):
            roots.append(step)
        else:
            step.parent = parent
            parent.children.append(step)
            step.changed = changes(parent.variant, step.variant)
    for root in roots:
        _place(root, 0)
    return roots


def _above(step: Step, other: Step, by_name: Mapping[str, Step]) -> bool:
    """Whether ``other`` is among the ancestors of ``step``: parents in a circle make no tree."""
    seen: set[int] = set()
    current: Step | None = step
    while current is not None and id(current) not in seen:
        if current is other:
            return True
        seen.add(id(current))
        current = by_name.get(current.variant.parent or "")
    return False


def _place(step: Step, depth: int) -> None:
    step.depth = depth
    for child in step.children:
        child.last = child is step.children[-1]
        _place(child, depth + 1)


def changes(old: Variant, new: Variant) -> tuple[str, ...]:
    """``model: a -> b``, for each setting that differs."""
    made = []
    for key in sorted({*old.config, *new.config}):
        before, after = (_short(one.config[key]) if key in one.config else None for one in (old, new))
        if before == after:
            continue
        if before is None:
            made.append(f"{key}: {after}")
        elif after is None:
            made.append(f"{key} removed (was {before})")
        else:
            made.append(f"{key}: {before} -> {after}")
    return tuple(made)


def _short(value: Any, size: int = 40) -> str:
    text = value if isinstance(value, str) else canonical_json(value).decode()
    text = " ".join(text.split())
    return text if len(text) <= size else text[: size - 3] + "..."


def _metric(steps: Any) -> str:
    return next((step.run.metric for step in steps if step.run.metric), "")


def _choose(metric: str, steps: Iterable[Step]) -> None:
    """Make every step show that score. Raises `NotFound` when no run has it."""
    from slipway.evals.sides import TIMES

    known = {name for step in steps for name in step.run.scores}
    if metric not in known and metric not in TIMES:
        raise NotFound.among("score", metric, known)
    for step in steps:
        step.metric = metric


def _verdicts(found: Journey, metric: str | None) -> None:
    """Compare each variant with its parent; all comparisons of the journey are one family."""
    import slipway.evals.stats as stats
    from slipway.evals.compare import pairs_of
    from slipway.evals.sides import TIMES, run_side

    sides: dict[str, Side] = {}
    family: dict[str, Any] = {}
    margin = None
    higher = True
    for step in found:
        if step.parent is None:
            continue
        try:
            for one in (step.parent, step):
                if one.run.id not in sides:
                    sides[one.run.id] = run_side(one.run, measured=metric in TIMES)
            a, b = sides[step.parent.run.id], sides[step.run.id]
            name = metric or found.metric
            pairs = pairs_of(a, b, name)
            if pairs.n < 2:
                step.says = "no example that both answered"
                continue
            family[step.variant.id] = pairs
            higher = a.higher_is_better(name)
            margin = margin or step.run.record.config.get("gate", {}).get("margin")
        except SlipwayError as error:
            step.says = str(error)
    if not family:
        return
    many = stats.compare_many(family, margin=margin or None, higher_is_better=higher)
    for step in found:
        step.verdict = many.results.get(step.variant.id)


def _judge(step: Step, every: Sequence[EvalRun], store: Store) -> None:
    """What the variant's own gate says, the must-pass suites', and the looks at held-out ones."""
    from slipway.evals.gate import gate
    from slipway.evals.rules import objectives

    record = step.run.record
    step.objectives = objectives(step.run)
    if any(
        record.config.get("gate", {}).get(key) is not None for key in ("at-least", "p95-latency-ms", "max-cost-usd")
    ):
        step.gate = gate(step.run).word
    newest: dict[str, EvalRun] = {}
    for run in every:
        if run.variant_id == step.variant.id and run.tier in ("must-pass", "held-out"):
            newest[run.experiment] = run
    words = [gate(Run(run, store)).word for run in newest.values() if run.tier == "must-pass"]
    step.must_pass = next((word for word in words if word != "passed"), "passed") if words else ""
    step.held_out = "; ".join(str(run.summary.get("says", "")) for run in newest.values() if run.tier == "held-out")
