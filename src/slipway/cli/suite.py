"""``slipway suite``: the suites of slipway.toml; sealing a held-out one, looking at it, its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slipway.cli.dataset import with_columns
from slipway.cli.invocation import Invocation
from slipway.cli.refs import completes, short
from slipway.cli.verbs import family

if TYPE_CHECKING:
    from rich.console import Console


@family("suite")
def command() -> None:
    """List suites; seal a held-out one, look at it, read its ledger."""


@command.command("ls", short_help="List the suites of slipway.toml.")
@click.pass_obj
def ls(call: Invocation) -> None:
    """List the suites of slipway.toml: tier, dataset, task, scorers, rules of the gate."""
    found = [
        {
            "name": name,
            "tier": suite.tier,
            "dataset": suite.dataset,
            "task": suite.task,
            "scorers": list(suite.scorers),
            "repeats": suite.repeats,
            "looks": suite.looks,
            "gate": {
                key: value
                for key in suite.gate.__struct_fields__
                if (value := getattr(suite.gate, key)) not in (None, "")
            },
        }
        for name, suite in call.config.suites.items()
    ]
    call.emit(found, lambda out: _list(out, found))


def _list(out: Console, found: list[dict[str, Any]]) -> None:
    from slipway.cli.draw import rows, table, whole

    if not found:
        out.print("slipway.toml has no suite. An example to start from: slipway init FOLDER")
        return
    made = table(whole("SUITE"), whole("TIER"), "DATASET", "TASK", "SCORERS", "GATE")
    lines = [
        (s["name"], s["tier"], s["dataset"], s["task"], ", ".join(map(str, s["scorers"])), _rules(s)) for s in found
    ]
    out.print(rows(made, lines))


def _rules(suite: dict[str, Any]) -> str:
    if suite["tier"] == "held-out":
        return "none: slipway suite look"
    gate = suite["gate"]
    said = ["every example"] if suite["tier"] == "must-pass" else []
    if "at_least" in gate:
        said.append(f"at least {gate['at_least']:g}" + (" (estimate)" if gate["on"] == "estimate" else ""))
    if gate["not_worse"] and suite["tier"] != "must-pass":
        said.append(f"not worse by {gate['margin']:g}")
    if "p95_latency_ms" in gate:
        said.append(f"p95 {gate['p95_latency_ms']:g} ms")
    if "max_cost_usd" in gate:
        said.append(f"${gate['max_cost_usd']:g}")
    return ", ".join(said)


@command.command("seal", short_help="Seal a file's rows as a held-out suite.")
@click.argument("source", type=click.Path(exists=True), help="The file or folder with the rows.")
@click.option("--name", required=True, metavar="NAME", help="The suite's name, as in slipway.toml.")
@click.option(
    "--looks", required=True, metavar="N", type=click.IntRange(1), help="How often it may be looked at, in all."
)
@with_columns
@click.pass_obj
def seal(call: Invocation, /, source: str, name: str, looks: int, **columns: Any) -> None:
    """Keep rows encrypted as a held-out suite with a budget of looks. Nothing shows its rows again.

    The key is made in your configuration folder unless SLIPWAY_SEAL_KEY gives it. Move the file away afterwards.
    """
    from slipway.cli.dataset import read
    from slipway.evals.sealed import seal as seal_rows

    version = seal_rows(
        read(call, source, name, columns), suite=name, looks=looks, store=call.store, project=call.project
    )
    payload = {"suite": name, "looks": looks, "examples": version.size, "version": version.id}

    def render(out: Console) -> None:
        out.print(f"sealed {version.size:,} examples as {name}, {looks} looks")
        out.print(f"Now move {source} away from whoever builds variants.", markup=False)
        out.print(f'A look: slipway suite look {name} --variant VARIANT --why "..."', style="dim")

    call.emit(payload, render)


@command.command("look", short_help="Spend a look on a variant.")
@click.argument("suite", shell_complete=completes("sealed"), help="A sealed suite.")
@click.option("--variant", required=True, metavar="NAME", shell_complete=completes("variant"), help="The variant.")
@click.option("--why", required=True, metavar="TEXT", help="The reason, kept in the ledger.")
@click.option("--dry-run", is_flag=True, help="Run nothing: say what it takes, and how many looks are left.")
@click.pass_obj
def look(call: Invocation, suite: str, variant: str, why: str, dry_run: bool) -> int:
    """Run a held-out suite for a variant and spend one look on it.

    It tells whether the variant is better than the best so far, at a level that the whole budget pays for, and the best's
    score: nothing of single examples. The same variant again spends nothing.
    """
    from slipway.cli.eval import run_suite
    from slipway.evals.runs_draw import told
    from slipway.evals.sealed import ledger as read_ledger

    if dry_run:
        book = read_ledger(call.store, suite).to_dict()
        call.emit(book, lambda out: _ledger(out, book))
        return 0
    found = run_suite(call, suite, [variant], why=why)
    run = found.only.record
    call.emit(
        {"run": run.id, "variant": variant, "look": run.summary.get("look")},
        lambda out: out.print(f"{variant}: {told(run.summary['look']) if 'look' in run.summary else run.status}"),
    )
    return int(found.exit_code)


@command.command("ledger", short_help="Every look at a sealed suite.")
@click.argument("suite", shell_complete=completes("sealed"), help="A sealed suite.")
@click.pass_obj
def ledger(call: Invocation, suite: str) -> None:
    """Every look at a sealed suite: who, when, at which variant, why, what was told; and how many are left."""
    from slipway.evals.sealed import ledger as read_ledger

    found = read_ledger(call.store, suite)
    call.emit(found.to_dict(), lambda out: _ledger(out, found.to_dict()))


def _ledger(out: Console, book: dict[str, Any]) -> None:
    from slipway.cli.draw import cell, right, rows, table, whole
    from slipway.data.text import moment, score

    state = "locked" if book["locked"] else f"{book['left']} left"
    out.print(cell(f"{book['suite']}: {book['used']} of {book['budget']} looks spent, {state}", "bold"))
    if not book["looks"]:
        return
    out.print()
    made = table(right("LOOK"), whole("WHEN"), "WHO", "VARIANT", "TOLD", whole("SHOWN"), "WHY")
    lines = []
    for look in book["looks"]:
        told = "first" if look["number"] == 1 else "better" if look["better"] else "not better"
        shown = score(look["shown"], look["low"], look["high"])
        name = look["variant"] or short(look["variant_id"])
        lines.append((look["number"], moment(look["when_ns"]), look["who"], name, told, shown, look["why"]))
    out.print(rows(made, lines))
