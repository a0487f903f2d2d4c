"""Shipping: segments that a process filled (this one, or one that died) go to the store piece by piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway.data import Drop
from slipway.track import drops as reasons
from slipway.track.drops import Drops, kept
from slipway.track.spool import Damage, NewerSpool, Segment, lock, scan, segments

TRIES_BEFORE_ALONE = 3
STRIKES = 3


class Cargo:
    """One segment on its way into the store, locked by us. ``piece`` gives the next records until `accepted` moves on."""

    def __init__(self, path: Path, *, fd: int, own: Segment | None = None) -> None:
        self.path, self.fd, self.own = path, fd, own
        self._records: Iterator[tuple[int, Any]] | None = None
        self._damage = Damage()
        self._piece: list[Any] = []
        self._failures = 0
        self._counted = 0
        self._strikes: dict[int, tuple[int, int]] = {}
        self._witness: Any = None
        self._probing = self._doubted = False

    def piece(self, size: int, drops: Drops) -> list[Any]:
        """Up to ``size`` records that the store has not confirmed; empty at the end of the segment."""
        if self.own is not None and self.own.confirmed == self.own.records:
            return []
        if self._records is None:
            self._records = scan(_whole(self.fd), self._damage)
        if not self._piece:
            for _, record in self._records:
                self._piece.append(record)
                if len(self._piece) >= size:
                    break
            drops.count(reasons.DAMAGED, self._damage.lost - self._counted)
            self._counted = self._damage.lost
        if not self._alone or not self._piece:
            return self._piece
        # After several refusals records are offered one by one, so that a single bad one cannot block the rest. Between two
        # offers of a refused one stands one that was taken before: it tells a bad record from a store that is away.
        self._probing = self._doubted and self._witness is not None
        return [self._witness] if self._probing else self._piece[:1]

    def accepted(self) -> None:
        """The store has the last piece."""
        if self._probing:
            self._probing = self._doubted = False
            return
        if self._alone:
            self._witness = self._piece.pop(0)
            self._strikes.pop(id(self._witness), None)
        else:
            self._piece = []
        if not self._piece:
            self._failures = 0
        self._doubted = False

    def refused(self, drops: Drops, accepted: int) -> None:
        """The store did not take the last piece; ``accepted`` counts the pieces it took so far, of anybody.

        A record that is refused `STRIKES` times, while others were taken in between, is given up and counted. While the store
        takes nothing at all, nothing is given up.
        """
        self._failures += 1
        if self._probing or self._failures <= TRIES_BEFORE_ALONE or not self._piece:
            return
        record = self._piece.pop(0)
        strikes, before = self._strikes.pop(id(record), (0, -1))
        strikes += accepted > before
        if strikes >= STRIKES:
            drops.count(reasons.REFUSED)
        else:
            self._piece.append(record)
            self._strikes[id(record)] = (strikes, accepted)
        self._doubted = True

    @property
    def _alone(self) -> bool:
        return self._failures >= TRIES_BEFORE_ALONE

    def give_up(self, drops: Drops, days: float, now_ns: int) -> bool:
        """Nobody took the last piece: count what is left and delete the segment, if it is older than ``days``."""
        if now_ns - os.fstat(self.fd).st_mtime_ns <= days * 86_400_000_000_000:
            return False
        left = len(self._piece) + sum(1 for _ in self._records or ())
        drops.count(reasons.DAMAGED, self._damage.lost - self._counted)
        drops.count(reasons.TOO_OLD, left)
        self.done()
        return True

    def done(self) -> None:
        """Everything is stored: delete the segment."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the segment and leave it where it is."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _whole(fd: int) -> bytes:
    size = os.fstat(fd).st_size
    parts, at = [], 0
    while at < size:
        part = os.pread(fd, min(size - at, 1 << 24), at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def abandoned(folder: Path) -> Iterator[Cargo]:
    """Segments that no living process holds, now locked by us. Those of a later version are left untouched."""
    for path in segments(folder):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        if not lock(fd):
            os.close(fd)
            continue
        try:
            next(scan(os.pread(fd, 64, 0), Damage()), None)
        except NewerSpool:
            os.close(fd)
            continue
        if not path.exists():  # somebody shipped it between the listing and the lock
            os.close(fd)
            continue
        yield Cargo(path, fd=fd)


def ship_folder(folder: Path, write: Callable[[Sequence[Any]], Any]) -> int:
    """Store what dead processes left in ``folder``; returns how many records. ``write`` returns once they are durable."""
    shipped = 0
    drops = Drops(f"ship-{os.getpid()}", "default")
    for cargo in abandoned(folder):
        try:
            while piece := cargo.piece(2_000, drops):
                write(list(piece))
                shipped += len(piece)
                cargo.accepted()
            cargo.done()
        finally:
            cargo.release()
    for path, rows in left_counts(folder):
        write(rows)
        path.unlink(missing_ok=True)
    lost = drops.unstored()
    if lost:
        write(lost)
    return shipped


def left_counts(folder: Path) -> list[tuple[Path, list[Drop]]]:
    """Drop counts of processes that are gone, with the file that holds them."""
    return [(path, rows) for path, rows in kept(folder) if not _alive(rows)]


def _alive(rows: Sequence[Drop]) -> bool:
    """Does the process that keeps these counts still run? Its number is the last but one part of its name."""
    try:
        number = int(rows[0].process.split("-")[-2])
        os.kill(number, 0)
    except (ValueError, IndexError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
