"""Power cuts, played: what a server did to its files is written down (power.c), and a disk is made that lost what was not synced.

One run of a server gives as many cuts as one likes: at any instant, what was synced by then is on the disk; of the rest nothing
is, or any part of it (drives and kernels write in any order, and tear a write between sectors). What a client was told before
that instant must be in the store that such a disk holds.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from server.patience import until
from slipway.data import Span
from slipway.server.port import hold
from slipway.server.proof.client import SPANS, trace_id
from slipway.server.proof.run import _clients
from slipway.store import open_store

WRITE, TRUNCATE, SYNC_BEGINS, SYNC_DONE, REMOVE, RENAME = range(1, 7)
RECORD = struct.Struct("<QIIqQ")
SECTOR = 512


@dataclass(frozen=True)
class Step:
    """One thing done to a file."""

    at: int
    what: int
    path: str
    offset: int
    data: bytes


@dataclass
class File:
    """What is surely on the disk, and what was written since."""

    safe: bytearray = field(default_factory=bytearray)
    waiting: list[Step] = field(default_factory=list)
    covered: int = 0  # of what waits, by the sync that runs

    def image(self, rng: random.Random | None) -> bytes:
        """The file after a cut: only what is safe, or also a part of what waits."""
        kept = bytearray(self.safe)
        for step in self.waiting if rng is not None else ():
            if rng.random() < 0.5:
                apply(kept, step, rng.randrange(0, len(step.data) + 1) if rng.random() < 0.2 else None)
        return bytes(kept)


def apply(image: bytearray, step: Step, torn: int | None = None) -> None:
    """Do to ``image`` what was done to the file; only the first sectors of a write that is torn."""
    if step.what == TRUNCATE:
        image[step.offset :] = bytes(max(0, step.offset - len(image)))
        return
    data = step.data if torn is None else step.data[: torn - torn % SECTOR]
    image.extend(bytes(max(0, step.offset - len(image))))
    image[step.offset : step.offset + len(data)] = data


class Disk:
    """Files by path, followed step by step."""

    def __init__(self, *, ignore_syncs: bool = False) -> None:
        self.files: dict[str, File] = {}
        self._ignore = ignore_syncs

    def do(self, step: Step) -> None:
        """Take a step."""
        if step.what == REMOVE:
            self.files.pop(step.path, None)
            return
        if step.what == RENAME:
            self.files[step.data.decode()] = self.files.pop(step.path, File())
            return
        file = self.files.setdefault(step.path, File())
        if step.what == SYNC_BEGINS:
            file.covered = len(file.waiting)
        elif step.what == SYNC_DONE and not self._ignore:
            for each in file.waiting[: file.covered]:
                apply(file.safe, each)
            file.waiting, file.covered = file.waiting[file.covered :], 0
        elif step.what in (WRITE, TRUNCATE):
            file.waiting.append(step)

    def write(self, root: Path, target: Path, rng: random.Random | None) -> None:
        """Make the files that a machine would find after a cut now. Shared memory is none."""
        for path, file in self.files.items():
            place = target / Path(path).relative_to(root)
            if not path.endswith("-shm"):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.image(rng))


@dataclass
class Tried:
    """How many cuts, how many spans were acknowledged before the last of them, and what was wrong."""

    cuts: int = 0
    acknowledged: int = 0
    problems: list[str] = field(default_factory=list)


class Power:
    """A server whose writes are watched. First `load` it, then play `cuts`."""

    def __init__(self, folder: Path, shim: Path) -> None:
        self.folder, self.data, self._shim = folder, folder / "data", shim
        self.journal = folder / "journal"

    def load(self, batches: int) -> None:
        """Run the server until the clients have that many batches acknowledged; then kill it."""
        environ = os.environ | {
            "LD_PRELOAD": str(self._shim),
            "SHIM_FOLDER": str(self.data),
            "SHIM_JOURNAL": str(self.journal),
        }
        command = [sys.executable, "-m", "slipway.cli", "up", "--data", str(self.data)]
        with ExitStack() as leave:
            port = leave.enter_context(hold("127.0.0.1")).getsockname()[1]
            log = leave.enter_context(open(self.folder / "server.log", "wb"))
            server = subprocess.Popen([*command, "--port", str(port)], env=environ, stdout=log, stderr=log)
            leave.callback(server.wait)
            leave.callback(server.kill)
            acknowledged = leave.enter_context(_clients(f"http://127.0.0.1:{port}", self.folder, 2))

            def enough() -> bool:
                assert server.poll() is None, (self.folder / "server.log").read_text()
                return sum(1 for _ in acknowledged()) >= batches

            until(enough, "too few batches were acknowledged")

    def cuts(self, count: int, *, ignore_syncs: bool = False, seed: int | None = None) -> Tried:
        """Cut the power at ``count`` random instants of the run, the last of them at its end, and look for what was
        acknowledged before each."""
        seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        rng = random.Random(seed)
        told = sorted(self._told())
        steps = list(self._steps())
        assert steps
        assert told
        instants = [*sorted(rng.sample(range(len(steps) - 1), count - 1)), len(steps) - 1]
        disk, tried, done = Disk(ignore_syncs=ignore_syncs), Tried(), 0
        for number, instant in enumerate(instants):
            for step in steps[done:instant]:
                disk.do(step)
            done = instant
            target = self.folder / f"after-{number}"
            disk.write(self.data, target, rng if number % 2 else None)
            before = [(client, batch) for at, client, batch in told if at < steps[instant].at]
            tried.cuts, tried.acknowledged = number + 1, len(before) * SPANS
            problem = _looked(target, before)
            shutil.rmtree(target, ignore_errors=True)
            if problem:
                tried.problems.append(f"seed {seed}, step {instant} of {len(steps)}: {problem}")
        return tried

    def _told(self) -> Iterator[tuple[int, int, int]]:
        for number in range(2):
            for line in (self.folder / f"client-{number}").read_text().splitlines():
                batch, at = line.split()
                yield int(at), number, int(batch)

    def _steps(self) -> Iterator[Step]:
        data, at = self.journal.read_bytes(), 0
        while at + RECORD.size <= len(data):
            when, what, path_length, offset, length = RECORD.unpack_from(data, at)
            at += RECORD.size
            path = data[at : at + path_length].decode()
            at += path_length
            yield Step(when, what, path, offset, data[at : at + length])
            at += length


def _looked(folder: Path, told: list[tuple[int, int]]) -> str:
    """What is wrong with the store there; empty when it is sound and has everything."""
    if not told and not (folder / "slipway.db").exists():
        return ""
    try:
        store = open_store(f"sqlite:///{folder / 'slipway.db'}")
        try:
            there = Counter(trace for (trace,) in store.columns(Span, ["trace_id"]))
            damage = store.health(deep=True).problems
        finally:
            store.close()
    except Exception as error:  # whatever a store says that lost its pages
        return f"{type(error).__name__}: {error}"
    lost = sum(SPANS - there[trace_id(*each)] for each in told)
    return f"{lost} acknowledged spans are lost" if lost else "; ".join(damage)
