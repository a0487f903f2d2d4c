"""Recover: copy every readable record of a damaged SQLite file into a new store, and say what is lost (T17)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.data import MetricPoint
from slipway.errors import SlipwayError, StoreError
from slipway.store.blobs import FolderBlobs
from slipway.store.kinds import KINDS, Kind
from slipway.store.protocol import Store
from slipway.store.rows import rows_of, unsafe

BATCH = 500


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was copied, by kind; and in words what was not, with the keys where an index still knows them. ``replayed``: how
    many records a journal gave back besides."""

    copied: Mapping[str, int]
    lost: tuple[str, ...] = field(default_factory=tuple)
    replayed: int = 0


def recover(path: str | Path, out: Store) -> Recovered:
    """Copy what can be read of the SQLite file at ``path`` (left as it is) into the open store ``out``.

    Damage inside a value that leaves the file's structure whole cannot be seen by SQLite, and is copied.
    Raises `StoreError` when the file is no SQLite database at all.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"{path} is not there", mend="give the damaged slipway.db")
    copied: dict[str, int] = {}
    lost: list[str] = []
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        names = _tables(source, path)
        for kind in KINDS.values():
            if kind.table not in names:
                lost.append(f"{kind.record.__name__}: the table {kind.table} is gone")
                continue
            copied[kind.record.__name__] = _copy(source, kind, out, lost)
    finally:
        source.close()
    blobs = FolderBlobs(path.absolute().parent / "blobs")
    damaged = set(blobs.damaged())
    lost += [f"blob {name}: its bytes have another SHA-256" for name in sorted(damaged)]
    whole = [name for name in blobs.names() if name not in damaged]
    for name in whole:
        out.put_blob(blobs.get(name))
    copied["blobs"] = len(whole)
    return Recovered(copied, tuple(lost))


def _tables(source: sqlite3.Connection, path: Path) -> set[str]:
    try:
        return {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {error}; its first page cannot be read", mend="restore it from a backup") from error


def _copy(source: sqlite3.Connection, kind: Kind, out: Store, lost: list[str]) -> int:
    make = _point_maker(source) if kind.record is MetricPoint else rows_of(kind.record).record
    names = ("run", "value", "step", "time_ns", "name") if kind.record is MetricPoint else rows_of(kind.record).names
    listed = ", ".join(f'"{name}"' for name in names)
    reader = _Reader(source, f'SELECT position, {listed} FROM "{kind.table}"')
    keys = _keys(source, kind)
    batch: list[Any] = []
    seen: set[int] = set()
    copied = 0
    for row in reader.rows(max(keys, default=0) if keys is not None else _most_rows(source)):
        try:
            batch.append(make(row[1:]))
            seen.add(row[0])
        except (SlipwayError, ValueError, TypeError, KeyError) as error:
            lost.append(f"{kind.record.__name__} at position {row[0]}: {error}")
            seen.add(row[0])
        if len(batch) >= BATCH:
            copied += out.write(batch)
            batch = []
    copied += out.write(batch)
    if keys is None:
        lost.append(f"{kind.record.__name__}: its index is damaged too, so what is missing cannot be listed")
    else:
        lost += [
            f"{kind.record.__name__} {keys[position]}: on a damaged page" for position in sorted(keys.keys() - seen)
        ]
    return copied


def _keys(source: sqlite3.Connection, kind: Kind) -> dict[int, tuple[Any, ...]] | None:
    """Position and key of every row, read from the index alone; None when that is damaged."""
    names = ("run", "name", "step") if kind.record is MetricPoint else kind.key
    listed = ", ".join(f'"{name}"' for name in names)
    query = f'SELECT position, {listed} FROM "{kind.table}" INDEXED BY "sqlite_autoindex_{kind.table}_1"'
    try:
        return {row[0]: row[1:] for row in source.execute(query)}
    except sqlite3.DatabaseError:
        return None


def _most_rows(source: sqlite3.Connection) -> int:
    pages, size = (source.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size // 40)  # no row of ours is shorter


def _point_maker(source: sqlite3.Connection) -> Any:
    names = {row[0]: row[1:] for row in _Reader(source, "SELECT id, project, name FROM metric_names", "id").rows(None)}
    runs = {row[0]: row[1] for row in _Reader(source, "SELECT id, run_id FROM metric_runs", "id").rows(None)}

    def make(row: tuple[Any, ...]) -> MetricPoint:
        run, value, step, time_ns, name = row
        project, text = names[name]
        value = float("nan") if value is None else value
        return MetricPoint(unsafe(runs[run]), unsafe(text), value, step, time_ns, unsafe(project))

    return make


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a table by its row number, and steps over what cannot be read."""

    source: sqlite3.Connection
    select: str
    number: str = "position"

    def rows(self, last: int | None) -> Iterator[tuple[Any, ...]]:
        """Every readable row up to number ``last``."""
        position = 0
        while True:
            try:
                found = self._some(position, BATCH)
            except sqlite3.DatabaseError:
                if last is None or position >= last:
                    return
                found = self._one_by_one(position, min(last, position + BATCH))
                position += BATCH
                yield from found
                continue
            yield from found
            if len(found) < BATCH:
                return
            position = found[-1][0]

    def _some(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        query = f"{self.select} WHERE {self.number} > ? ORDER BY {self.number} LIMIT ?"
        return self.source.execute(query, (after, limit)).fetchall()

    def _one_by_one(self, after: int, last: int) -> list[tuple[Any, ...]]:
        found = []
        for position in range(after + 1, last + 1):
            try:
                found += self.source.execute(f"{self.select} WHERE {self.number} = ?", (position,)).fetchall()
            except sqlite3.DatabaseError:
                continue  # it is listed as lost from the index
        return found
