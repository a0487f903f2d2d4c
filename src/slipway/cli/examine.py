"""The checks behind ``slipway doctor``: each one is a function that returns what it found."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.data.text import size
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.cli.invocation import Invocation

NAMES = {
    "Environment": "environments",
    "DatasetVersion": "dataset versions",
    "Variant": "variants",
    "EvalRun": "eval runs",
    "Sample": "samples",
    "Verdict": "verdicts",
    "Look": "looks",
    "Prompt": "prompts",
    "Response": "responses",
    "Feedback": "feedback",
    "MetricPoint": "metric points",
    "Drop": "drop counts",
    "Project": "projects",
    "Member": "members",
    "ApiKey": "API keys",
    "KeyUse": "API keys in use",
}
LOW_DISK, NO_DISK = 1_000_000_000, 4_000_000  # SQLite's log alone grows to 4 MB before it is taken into the file


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``state``: ok, warn (works, but), broken (does not work). ``mend`` says what to do."""

    name: str
    state: str
    found: str
    mend: str = ""


@dataclass(slots=True)
class Findings:
    """Everything ``doctor`` found."""

    checks: list[Check] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    recorder: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    shipped: int = 0

    @property
    def broken(self) -> list[Check]:
        """What makes the exit code 3."""
        return [check for check in self.checks if check.state == "broken"]

    def payload(self) -> dict[str, Any]:
        """For ``--json``. ``spans.stored``, ``spans.dropped``, ``spool.pending`` are always there, under these names and as
        members of ``spans`` and ``spool``."""
        from slipway.track.drops import records_lost

        spans = {"stored": self.counts.get("Span", 0), "dropped": records_lost(self.drops)}
        spool = {"pending": self.recorder.get("spool.pending", 0), "shipped": self.shipped}
        return {
            "healthy": not self.broken,
            "spans": spans,
            "spool": spool,
            **{f"spans.{name}": count for name, count in spans.items()},
            **{f"spool.{name}": count for name, count in spool.items()},
            "drops": self.drops,
            "recorder": self.recorder,
            "store": self.store,
            "counts": self.counts,
            "problems": [
                {"name": c.name, "state": c.state, "problem": c.found, "mend": c.mend}
                for c in self.checks
                if c.state != "ok"
            ],
            "checks": self.checks,
        }


def examine(call: Invocation, *, deep: bool = False) -> Findings:
    """Run every check. Never raises a `SlipwayError`: what fails is a finding."""
    found = Findings()
    found.checks += [*_machine()]
    try:
        config = call.config
    except SlipwayError as error:
        found.checks.append(Check("settings", "broken", str(error.args[0]), error.mend or "correct slipway.toml"))
        return found
    found.checks.append(Check("settings", "ok", f"project {config.project}, folder {config.root}"))
    found.checks += _suites(config.suites, Path(config.root))
    folder = config.data_folder
    found.checks += [*_folder(folder)]
    _store(found, call, deep=deep)
    if config.endpoint:
        _server(found, call)
    _recorder(found, folder)
    for reason, count in sorted(found.drops.items()):
        table = "capture" if reason.startswith("capture:") else "trace"
        mend = f"see the [{table}] settings; what was dropped cannot be brought back"
        found.checks.append(Check(f"drops: {reason}", "warn", f"{count:,} dropped", mend))
    return found


def _machine() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok", f"{version} at {sys.executable}")
    lite = sqlite3.sqlite_version_info
    if lite < (3, 35, 0):
        yield Check("sqlite", "broken", f"{sqlite3.sqlite_version} is too old", "use a Python built with SQLite 3.35+")
    else:
        yield Check("sqlite", "ok", sqlite3.sqlite_version)
    git = shutil.which("git")
    if git is None:
        yield Check("git", "warn", "git is not installed: runs will not know their commit", "install git")
        return
    inside = subprocess.run([git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if inside.returncode == 0:
        yield Check("git", "ok", f"commit {inside.stdout.strip()}")
    else:
        yield Check(
            "git", "warn", "no commit here: a run cannot be reproduced from its code", "run: git init, then commit"
        )


def _suites(suites: Mapping[str, Any], root: Path) -> Iterator[Check]:
    for name, suite in suites.items():
        source = suite.dataset
        if suite.tier == "held-out":
            continue  # its rows are sealed in the store, or not there yet
        looks_like_file = "/" in source or source.endswith((".jsonl", ".json", ".csv", ".parquet"))
        if not source:
            yield Check(f"suite {name}", "warn", "names no dataset", f"add to [suites.{name}]: dataset = 'FILE'")
        elif looks_like_file and not (root / source).exists():
            yield Check(f"suite {name}", "broken", f"{root / source} is not there", "put it there or correct `dataset`")


def _folder(folder: Path) -> Iterator[Check]:
    if not folder.exists():
        yield Check("data folder", "ok", f"{folder} is not there yet; it is made when something is recorded")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Check("data folder", "broken", f"{folder} cannot be written", f"run: chmod u+rwx {folder}")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Check("data folder", "warn", f"{folder} can be read by others", f"run: chmod -R go= {folder}")
    else:
        yield Check("data folder", "ok", str(folder))
    open_to_others = [path for path in folder.rglob("*") if _readable_by_others(path)]
    if open_to_others and not stat.S_IMODE(folder.stat().st_mode) & 0o077:
        shown = ", ".join(str(path.relative_to(folder)) for path in open_to_others[:3])
        yield Check("modes", "warn", f"files that others may read: {shown}", f"run: chmod -R go= {folder}")
    free = shutil.disk_usage(folder).free
    state = "broken" if free < NO_DISK else "warn" if free < LOW_DISK else "ok"
    yield Check("disk", state, f"{size(free)} free", "" if state == "ok" else "make room, or move the folder: --data")


def _readable_by_others(path: Path) -> bool:
    try:
        return path.is_file() and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False  # it went away between the listing and the look


def _recorder(found: Findings, folder: Path) -> None:
    from slipway.track import status

    found.recorder = recorder = status(folder)
    for reason, count in recorder["drops"].items():
        found.drops[reason] = found.drops.get(reason, 0) + count
    for problem in recorder["problems"]:
        found.checks.append(
            Check("spool", "warn", problem, "the other records are read; move the file away to silence this")
        )
    if recorder["spool.pending"]:
        waiting = f"{recorder['spool.pending']:,} records wait to be stored ({size(recorder['spool.bytes'])})"
        found.checks.append(Check("spool", "ok", f"{waiting}; the next traced program stores them"))


def _store(found: Findings, call: Invocation, *, deep: bool) -> None:
    from slipway.track.delivery import waiting

    url = call.config.store_url
    empty = url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()
    spool = call.config.data_folder / "spool"
    if empty and (not spool.exists() or (call.config.endpoint and not waiting(spool))):
        found.checks.append(Check("store", "ok", "not there yet; it is made when something is recorded"))
        return
    try:
        store = call.store
        try:
            found.shipped = call.gather()
        except SlipwayError as error:  # what is stored can be counted all the same
            found.checks.append(
                Check("spool", "broken", f"cannot be stored: {error.args[0]}", error.mend or "see store")
            )
        health = store.health(deep=deep)
    except SlipwayError as error:
        found.checks.append(Check("store", "broken", str(error.args[0]), error.mend or "see docs/reference/errors.md"))
        return
    found.counts = health.counts
    found.drops = dict(health.drops)
    url = without_password(store.url)
    found.store = {"url": url, "schema": health.schema, "bytes": health.size_bytes, **health.details}
    found.checks.append(Check("store", "ok", f"{url}, schema {health.schema}, {size(health.size_bytes)}"))
    if found.shipped:
        said = f"{found.shipped:,} records of programs that ended were waiting; they are stored now"
        found.checks.append(Check("spool", "ok", said))
    found.checks += [Check("store", "broken", problem, "see docs/reference/errors.md") for problem in health.problems]


def _server(found: Findings, call: Invocation) -> None:
    """Whether the server that records go to takes them; what waited for it is sent."""
    try:
        sent = call.forward()
    except SlipwayError as error:
        found.checks.append(Check("server", "broken", str(error.args[0]), error.mend or "see endpoint"))
        return
    found.shipped += sent
    said = f"; {sent:,} records of programs that ended were waiting and are sent now" if sent else ""
    found.checks.append(Check("server", "ok", f"{call.config.endpoint} takes records{said}"))


def without_password(url: str) -> str:
    """A store's URL as it may be shown and pasted into a ticket."""
    return re.sub(r"(?<=://)([^:/@]*):[^@/]*@", r"\1:***@", url)


def render(found: Findings, out: Console) -> None:
    """The checks, the counts, the drops, and what to mend."""
    from slipway.cli.draw import cell, rows, table

    out.print(rows(table("CHECK", "STATE", "FOUND"), [(c.name, cell(c.state), c.found) for c in found.checks]))
    payload = found.payload()
    out.print()
    figures = {key: payload[key] for key in ("spans.stored", "spans.dropped", "spool.pending")}
    out.print("  ".join(f"{name} {count:,}" for name, count in figures.items()))
    stored = [f"{count:,} {NAMES.get(kind, kind)}" for kind, count in found.counts.items() if count and kind != "Span"]
    if stored:
        out.print(cell("also stored: " + ", ".join(stored), "dim"))
    problems = [check for check in found.checks if check.state != "ok"]
    if not problems:
        out.print("\nNothing to mend.", style="green")
        return
    out.print("\nTo mend:")
    for check in problems:
        out.print(cell(f"  {check.name}: {check.mend}", "red" if check.state == "broken" else "yellow"))
