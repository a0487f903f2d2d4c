"""Counting what was not kept. Reasons are a fixed few, so counting cannot fill the memory.

While the store is away the counts lie beside the spool, in ``PROCESS.drops`` (JSON). A disk without one free byte does not
take that; it still takes an empty file, so the counts then stand in its name: ``PROCESS=10x500=PROJECT.drops``, where 10 is
the place of the reason in `REASONS`.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from slipway.data import Drop
from slipway.track.spool import make_private

SUFFIX = ".drops"

# (where, reason): what `slipway doctor` shows.
QUEUE_FULL = ("queue", "full")
CLOSED = ("queue", "closed")
NOT_CONVERTED = ("writer", "could not be converted")
SPOOL_FULL = ("spool", "full")
SPOOL_FAILED = ("spool", "disk refused")
DAMAGED = ("spool", "damaged")
REFUSED = ("store", "refused")
INSTRUMENTOR = ("instrumentor", "failed")
ENVIRONMENT = ("environment", "not captured or stored")
LATE = ("exit", "out of time")
DISK_FULL = ("spool", "disk full")
PAYLOAD_CUT = ("capture", "payload cut")
TOO_MANY_NAMES = ("metrics", "too many different names")
REFUSED_BY_SERVER = ("server", "refused by it")
TOO_OLD = ("spool", "too old")
REASONS = (  # their places are in file names: new ones go to the end
    QUEUE_FULL,
    CLOSED,
    NOT_CONVERTED,
    SPOOL_FULL,
    SPOOL_FAILED,
    DAMAGED,
    REFUSED,
    INSTRUMENTOR,
    ENVIRONMENT,
    LATE,
    DISK_FULL,
    PAYLOAD_CUT,
    TOO_MANY_NAMES,
    REFUSED_BY_SERVER,
    TOO_OLD,
)
_NO_RECORD = frozenset(": ".join(reason) for reason in (INSTRUMENTOR, ENVIRONMENT, PAYLOAD_CUT))
_MOST_NAME = 200


def records_lost(drops: Mapping[str, int]) -> int:
    """How many of these drops (by "where: reason") each cost a record; the others cost a part of one, or something else."""
    return sum(count for reason, count in drops.items() if reason not in _NO_RECORD)


class Drops:
    """Counters of one process. `count` may be called from any thread."""

    def __init__(self, process: str, project: str, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.process, self.project, self._clock = process, project, clock
        # next() of an itertools.count is one step of the interpreter: no lock, no lost count.
        self._counters = {reason: itertools.count(1) for reason in REASONS}
        self._seen = dict.fromkeys(REASONS, 0)
        self._stored: dict[tuple[str, str], int] = {}
        self._kept: dict[tuple[str, str], int] = {}
        self._named: Path | None = None

    def count(self, reason: tuple[str, str], number: int = 1) -> None:
        """``number`` more were not kept."""
        counter = self._counters[reason]
        for _ in range(number):
            latest = next(counter)
        if number > 0:
            self._seen[reason] = max(self._seen[reason], latest)

    def totals(self) -> dict[tuple[str, str], int]:
        """How many by (where, reason); reasons that never happened are left out."""
        return {reason: seen for reason, seen in self._seen.items() if seen}

    def total(self) -> int:
        """How many in all."""
        return sum(self._seen.values())

    def unstored(self) -> list[Drop]:
        """Records to store: one for each reason whose count grew since `stored`."""
        now, totals = self._clock(), self.totals()
        return [
            Drop(self.process, where, reason, count, now, self.project)
            for (where, reason), count in totals.items()
            if self._stored.get((where, reason)) != count
        ]

    def stored(self, drops: list[Drop]) -> None:
        """Those records are in the store."""
        self._stored.update({(drop.where, drop.reason): drop.count for drop in drops})

    def keep(self, folder: Path) -> bool:
        """Write the counts beside the spool, for when the store is away; False when the disk refuses that too."""
        totals = self.totals()
        if totals == self._kept:
            return True
        path = folder / f"{self.process}{SUFFIX}"
        fresh = path.with_suffix(".new")
        rows = [[where, reason, count] for (where, reason), count in totals.items()]
        try:
            make_private(folder)
            try:
                with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                    json.dump(
                        {"process": self.process, "project": self.project, "ns": self._clock(), "drops": rows}, file
                    )
                os.replace(fresh, path)
                self._unname()
            except OSError:
                fresh.unlink(missing_ok=True)
                self._name(folder, path, totals)
        except OSError:
            return False
        self._kept = totals
        return True

    def _name(self, folder: Path, path: Path, totals: dict[tuple[str, str], int]) -> None:
        """The counts in the name of a file: that takes no room. It replaces what was written before."""
        counts = ",".join(f"{REASONS.index(reason)}x{count}" for reason, count in totals.items())
        head = f"{self.process}={counts}="
        named = folder / f"{head}{quote(self.project, safe='')[: _MOST_NAME - len(head)]}{SUFFIX}"
        before = self._named or path
        try:
            os.rename(before, named)
        except FileNotFoundError:
            os.close(os.open(named, os.O_CREAT | os.O_WRONLY, 0o600))
        self._named = named

    def _unname(self) -> None:
        if self._named is not None:
            self._named.unlink(missing_ok=True)
            self._named = None

    def say(self, *, kept: bool) -> None:
        """One sentence on standard error, at the end: what a full disk took, or what nothing but this sentence tells."""
        lost = {(drop.where, drop.reason): drop.count for drop in self.unstored()}
        if kept:
            lost = {reason: count for reason, count in lost.items() if reason in (DISK_FULL, SPOOL_FAILED)}
        if not lost or sys.stderr is None:
            return
        reasons = ", ".join(f"{where}: {reason}" for where, reason in lost)
        after = "run: slipway doctor" if kept else "nor could their number be written down"
        with suppress(OSError, ValueError):  # closed, or as full as the disk
            sys.stderr.write(f"slipway: {sum(lost.values())} records were not kept ({reasons}); {after}\n")

    def forget(self, folder: Path) -> None:
        """The store has every count: the file beside the spool is no longer needed."""
        if not self.unstored() and self._kept:
            try:
                (folder / f"{self.process}{SUFFIX}").unlink(missing_ok=True)
                self._unname()
                self._kept = {}
            except OSError:
                return  # read-only for now: the counts stay there and are the same


def kept(folder: Path) -> Iterator[tuple[Path, list[Drop]]]:
    """The counts that processes left beside the spool. A file that cannot be read is passed over."""
    try:
        paths = sorted(folder.glob(f"*{SUFFIX}"))
    except OSError:
        return
    for path in paths:
        try:
            yield path, _in_name(path) if "=" in path.name else _in_file(path)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue


def _in_file(path: Path) -> list[Drop]:
    raw = json.loads(path.read_text(encoding="utf-8"))
    return [
        Drop(str(raw["process"]), str(where), str(reason), int(count), int(raw["ns"]), str(raw["project"]))
        for where, reason, count in raw["drops"]
    ]


def _in_name(path: Path) -> list[Drop]:
    process, counts, project = path.name.removesuffix(SUFFIX).split("=")
    at = path.stat().st_mtime_ns
    pairs = [pair.split("x") for pair in counts.split(",")]
    return [Drop(process, *REASONS[int(place)], int(count), at, unquote(project)) for place, count in pairs]
