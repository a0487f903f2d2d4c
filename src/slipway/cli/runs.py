"""``slipway runs``: list eval runs; show one with its scores, slices and failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, find_run, short
from slipway.cli.verbs import family

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.data import EvalRun, Sample


@family("runs")
def command() -> None:
    """List eval runs; show one with its scores, slices and failures."""


@command.command("ls", short_help="List the newest runs.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True, help="How many to list.")
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="Only runs of this suite.")
@click.option("--variant", metavar="NAME", shell_complete=completes("variant"), help="Only runs of this variant.")
@click.pass_obj
def ls(call: Invocation, limit: int, suite: str | None, variant: str | None) -> None:
    """List the newest eval runs: id, when, suite, variant, score with its interval, status."""
    from slipway.data import EvalRun
    from slipway.evals.process import as_it_is

    where = {"project": call.project} | ({"suite": suite} if suite else {}) | ({"variant": variant} if variant else {})
    found = [as_it_is(run) for run in call.store.find(EvalRun, where, newest_first=True, limit=limit)]
    call.emit(found, lambda out: _list(out, found))


def _list(out: Console, found: list[EvalRun]) -> None:
    from slipway.cli.draw import cell, rows, table, whole
    from slipway.data.text import moment
    from slipway.evals.runs_draw import score_column

    if not found:
        out.print("No eval run. Make one: slipway eval SUITE")
        return
    title, *scores = score_column(found)
    ended = all(run.status == "finished" for run in found)
    made = table(whole("RUN"), whole("STARTED"), "SUITE", "VARIANT", title, *([] if ended else ["STATUS"]))
    lines = [
        (short(r.id), moment(r.started_ns, brief=True), r.suite or r.experiment, r.variant, score, cell(r.status))
        for r, score in zip(found, scores, strict=True)
    ]
    out.print(rows(made, [line[:-1] if ended else line for line in lines]))


@command.command("show", short_help="Show one run.")
@click.argument("run", shell_complete=completes("run"), help="An id, its first digits, a variant's name or @latest.")
@click.option("--suite", metavar="NAME", shell_complete=completes("suite"), help="Of a variant: its run of this suite.")
@click.option(
    "--failures", metavar="N", type=click.IntRange(0), default=10, show_default=True, help="Wrong answers to show."
)
@click.pass_obj
def show(call: Invocation, run: str, suite: str | None, failures: int) -> None:
    """Show one run: scores with intervals, slices, latency, cost, where it came from, and answers that were wrong."""
    from slipway.evals.process import as_it_is

    found = as_it_is(find_run(call.store, run, project=call.project, suite=suite))
    wrong = _wrong(call, found, failures) if found.tier != "held-out" and failures else []
    call.emit({"run": found, "wrong": wrong}, lambda out: _show(out, found, wrong))


def _wrong(call: Invocation, run: EvalRun, most: int) -> list[dict[str, Any]]:
    from slipway.data import Sample
    from slipway.evals.datasets import load_version

    metric = run.summary.get("metric", "")
    found: list[Sample] = []
    shown = set()  # the same wrong answer to the same example in several repeats is one
    for sample in call.store.find(Sample, {"run_id": run.id}):
        answer = (sample.example_id, str(sample.output), sample.error)
        if answer not in shown and (sample.status != "ok" or _is_wrong(sample, metric)):
            shown.add(answer)
            found.append(sample)
            if len(found) == most:
                break
    if not found:
        return []
    examples = load_version(call.store, run.dataset_id).by_id
    return [
        {
            "example_id": sample.example_id,
            "repeat": sample.repeat,
            "input": examples[sample.example_id].input if sample.example_id in examples else None,
            "expected": examples[sample.example_id].expected if sample.example_id in examples else None,
            "output": sample.output,
            "why": _why(sample),
            "trace_id": sample.trace_id,
        }
        for sample in found
    ]


def _is_wrong(sample: Sample, metric: str) -> bool:
    return any(
        score.name == metric and score.better == "higher" and score.value is not None and score.value < 0.5
        for score in sample.scores
    )


def _show(out: Console, run: EvalRun, wrong: list[dict[str, Any]]) -> None:
    from slipway.cli.draw import cell, rows, table, whole
    from slipway.data.text import moment, shorten

    out.print(cell(f"run {run.id}", "bold"))
    facts = {
        "variant": run.variant,
        "suite": f"{run.suite or run.experiment} ({run.tier})",
        "started": moment(run.started_ns),
        "status": run.status,
        "dataset": short(run.dataset_id),
    }
    for name, value in facts.items():
        out.print(cell(f"  {name:<9} {value}"))
    _scores(out, run.summary)
    for name, values in run.summary.get("slices", {}).items():
        _slice(out, name, values, run.summary.get("metric", ""))
    if wrong:
        out.print()
        reasons = any(item["why"] for item in wrong)
        made = table(whole("WRONG"), "INPUT", "EXPECTED", "OUTPUT", *(["WHY"] if reasons else []))
        keys = ("input", "expected", "output", *(("why",) if reasons else ()))
        out.print(rows(made, [[item["example_id"], *(shorten(item[key], 60) for key in keys)] for item in wrong]))
        traced = next((item["trace_id"] for item in wrong if item["trace_id"]), None)
        if traced:
            out.print(f"\nHow one of them came about: slipway trace show {short(traced)}", style="dim")


def _why(sample: Sample) -> str:
    return sample.error or next((score.explanation for score in sample.scores if score.explanation), "")


def _scores(out: Console, summary: Any) -> None:
    from slipway.cli.draw import cell, right, rows, table
    from slipway.data.text import duration
    from slipway.evals.runs_draw import cost
    from slipway.evals.summary import figures, size_line

    scores = summary.get("scores", {})
    lines = [(name, figures(s), size_line(s, short=True), s["method"]) for name, s in scores.items()]
    if lines:
        out.print()
        out.print(rows(table("SCORE", "95 % INTERVAL", right("EXAMPLES"), "METHOD"), lines))
    if any(s["n"] > s.get("examples", s["n"]) for s in scores.values()):
        out.print("An example's repeats count as one: intervals are clustered by example.", style="dim")
    for name, floor in (summary.get("noise") or {}).items():
        by_chance = f"two runs of this variant differ by up to {floor['delta_noise']:.3g} by chance alone"
        out.print(cell(f"A/A on {name}: {by_chance}; {floor['flip_rate']:.0%} of pairs of repeats differ", "dim"))
    latency = summary.get("latency_ms") or {}
    said = [f"{name} {duration(latency[name]['estimate'])}" for name in ("p50", "p95") if name in latency]
    said += [f"cost {cost(summary)}"] if cost(summary) != "-" else []
    said += [f"{summary[key]:,} {key.replace('_', ' ')}" for key in _COUNTS if summary.get(key)]
    if said:
        out.print("\n" + ", ".join(said))


_COUNTS = ("failed", "timeouts", "infrastructure_failures", "cached")


def _slice(out: Console, name: str, values: Any, metric: str) -> None:
    from slipway.cli.draw import right, rows, table
    from slipway.evals.summary import figures, size_line

    lines = [
        (value, figures(scores[metric]), size_line(scores[metric], short=True))
        for value, scores in values.items()
        if metric in scores
    ]
    if lines:
        out.print()
        out.print(rows(table(name.upper(), f"{metric.upper()}", right("EXAMPLES")), lines))
