"""What the assistant remembers of its person: what was asked for how often, and what was said about likes and dislikes.

Start in `Memory`. It is one SQLite file on this device that only its owner may read; nothing in it is sent anywhere.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Literal, TypeVar

from slipway.errors import DataError, StoreError

Liking = Literal["like", "dislike", "favourite", "asked"]
"""like, dislike, favourite: somebody said so. asked: nobody said anything, it was only asked for."""

HALF_LIFE_DAYS = 14.0
"""After so many days an asking counts half: long enough for a week away, short enough that tastes may change."""
ENOUGH = 3
"""Asked for fewer times than this, nothing is a favourite yet: once is a whim, twice a repetition."""
LIKED = 3.0
"""Saying that one likes something counts as much as asking for it three times just now, and does not fade."""
KEPT_DAYS = 730
DAY_S = 86_400.0
VERSION = 1
BUSY_S = 60.0

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS asked (kind TEXT NOT NULL, key TEXT NOT NULL, day INTEGER NOT NULL, "
    "value TEXT NOT NULL, times INTEGER NOT NULL, at REAL NOT NULL, PRIMARY KEY (kind, key, day)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS said (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
    "liking TEXT NOT NULL, sentence TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)
T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is remembered. `times` is how often it was asked for, `at_s` when last it was said or asked for."""

    kind: str
    value: str
    liking: Liking
    sentence: str = ""
    times: int = 0
    at_s: float = 0.0


def fold(text: str) -> str:
    """The form in which names are compared: "Beyoncé!" and "beyonce" are the same one."""
    # Only Latin accents go: to take the mark off a kana would make another syllable of it.
    apart = unicodedata.normalize("NFKD", text).casefold()
    plain = unicodedata.normalize("NFKC", re.sub(r"[\u0300-\u036f]", "", apart))
    return " ".join(re.findall(r"[^\W_]+", plain)) or plain.strip()


class Memory:
    """What is remembered, in the file at `path`: durable, for several threads and processes at once.

    A damaged file is renamed to `<name>.damaged-<n>` and an empty one begun; `notice` then says so in a sentence.
    Raises `StoreError` where the file cannot be read or written at all.
    """

    def __init__(self, path: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self.notice = ""
        self._clock = clock
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        with self._lock:
            self._open()

    def count(self, kind: str, value: str, *, at_s: float | None = None) -> bool:
        """Something was asked for and given. Never raises: what was asked for shall be done even if it cannot be counted."""
        key, at = fold(_plain(value)), self._clock() if at_s is None else at_s
        if not key:
            return False
        try:
            self._change(
                (
                    "INSERT INTO asked VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET "
                    "times = times + 1, value = excluded.value, at = max(at, excluded.at)",
                    (kind, key, int(at // DAY_S), _plain(value), at),
                ),
                ("DELETE FROM asked WHERE day < ?", (int(self._clock() // DAY_S) - KEPT_DAYS,)),
            )
        except StoreError as error:
            _log.warning("could not count what was asked for: %s", error)
            return False
        return True

    def remember(self, kind: str, value: str, sentence: str = "", *, liking: Liking = "like") -> Item:
        """Keep what somebody said about something, with their sentence; it replaces what they said of it before.

        There is one favourite of a kind: the one before it stays something that is liked.
        """
        item = Item(kind, _plain(value), liking, _plain(sentence), at_s=self._clock())
        key = fold(item.value)
        if not key:
            raise DataError("there is nothing to remember", mend="name the thing that is liked")
        before = "UPDATE said SET liking = 'like' WHERE kind = ? AND liking = 'favourite' AND ? = 'favourite'"
        keep = (
            "INSERT INTO said VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value, "
            "sentence = excluded.sentence, at = excluded.at, "
            # Who also likes the favourite takes nothing back.
            "liking = iif(liking = 'favourite' AND excluded.liking = 'like', liking, excluded.liking)"
        )
        row = (kind, key, item.value, liking, item.sentence, item.at_s)
        self._change((before, (kind, liking)), (keep, row))
        return item

    def favourite(self, kind: str) -> str | None:
        """The favourite of a kind: the one somebody called so, else the one asked for most, lately more than long ago.

        Each asking weighs one and half as much every 14 days; something said to be liked weighs three more, something
        disliked is left out. Nothing that was asked for fewer than three times is a favourite (docs/decisions/0094).
        """
        ranked = self.ranked(kind)
        return ranked[0][0] if ranked else None

    def ranked(self, kind: str) -> list[tuple[str, float]]:
        """The candidates for the favourite of a kind with their weights, the heaviest first."""
        now = self._clock()
        asked = self._rows("SELECT key, value, times, at FROM asked WHERE kind = ? ORDER BY at", (kind,))
        said = self._rows("SELECT key, value, liking, at FROM said WHERE kind = ?", (kind,))
        names: dict[str, str] = {}
        weights: dict[str, float] = {}
        times: dict[str, int] = {}
        latest: dict[str, float] = {}
        for key, value, count, at in asked:
            names[key], latest[key] = value, at
            times[key] = times.get(key, 0) + count
            weights[key] = weights.get(key, 0.0) + count * 0.5 ** (max(0.0, now - at) / (HALF_LIFE_DAYS * DAY_S))
        enough = {key: weight for key, weight in weights.items() if times[key] >= ENOUGH}
        for key, value, liking, at in said:
            names.setdefault(key, value)
            latest[key] = max(at, latest.get(key, at))
            if liking == "dislike":
                enough.pop(key, None)
            elif liking == "favourite":
                enough[key] = float("inf")
            else:
                enough[key] = weights.get(key, 0.0) + LIKED
        order = sorted(enough, key=lambda key: (-enough[key], -latest[key], key))
        return [(names[key], enough[key]) for key in order]

    def last(self, kind: str, n: int = 1) -> list[str]:
        """What was asked for last, the latest first, each once."""
        rows = self._rows(
            "SELECT value, max(at) AS latest FROM asked WHERE kind = ? GROUP BY key ORDER BY latest DESC LIMIT ?",
            (kind, n),
        )
        return [str(value) for value, _ in rows]

    def items(self) -> list[Item]:
        """All that is remembered: what was said first, then what was asked for, the latest first."""
        said = self._rows("SELECT kind, key, value, liking, sentence, at FROM said ORDER BY at DESC")
        asked = self._rows(
            "SELECT kind, key, value, sum(times), max(at) AS latest FROM asked GROUP BY kind, key ORDER BY latest DESC"
        )
        times = {(kind, key): count for kind, key, _, count, _ in asked}
        found = [
            Item(kind, value, liking, sentence, times.pop((kind, key), 0), at)
            for kind, key, value, liking, sentence, at in said
        ]
        for kind, key, value, count, at in asked:
            if (kind, key) in times:  # nothing was said of it
                found.append(Item(kind, value, "asked", "", count, at))
        return found

    def find(self, query: str, *, kind: str | None = None) -> list[Item]:
        """What is called `query`, or, if nothing is, what has these words in its name."""
        wanted = fold(query)
        known = [(fold(item.value), item) for item in self.items() if kind in (None, item.kind)]
        exact = [item for key, item in known if key == wanted]
        return exact or [item for key, item in known if wanted and _within(wanted, key)]

    def forget(self, query: str, *, kind: str | None = None) -> int:
        """Forget what `find` finds. Returns how many things. Their bytes are overwritten in the file too."""
        matching = [(item.kind, fold(item.value)) for item in self.find(query, kind=kind)]
        self._change(
            *(
                (f"DELETE FROM {table} WHERE kind = ? AND key = ?", one)
                for table in ("asked", "said")
                for one in matching
            )
        )
        self._shrink()
        return len(matching)

    def forget_everything(self) -> int:
        """Forget all of it. Returns how many things that were."""
        many = len(self.items())
        self._change(("DELETE FROM asked", ()), ("DELETE FROM said", ()))
        self._shrink()
        return many

    def export(self) -> dict[str, Any]:
        """All that is remembered as plain data: what was said, and how often what was asked for on which day."""
        said = self._rows("SELECT kind, value, liking, sentence, at FROM said ORDER BY at")
        asked = self._rows("SELECT kind, value, times, at FROM asked ORDER BY at, kind, key")
        return {
            "version": VERSION,
            "said": [dict(zip(("kind", "value", "liking", "sentence", "at_s"), row, strict=True)) for row in said],
            "asked": [dict(zip(("kind", "value", "times", "at_s"), row, strict=True)) for row in asked],
            "favourites": {kind: self.favourite(kind) for kind in sorted({row[0] for row in [*said, *asked]})},
        }

    def export_json(self) -> str:
        """`export()` as JSON, for a person to read or to take along."""
        return json.dumps(self.export(), ensure_ascii=False, indent=2)

    def close(self) -> None:
        """Close the file. The memory opens it again when it is next used."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return self._do(lambda sql: sql.execute(statement, values).fetchall())

    def _change(self, *statements: tuple[str, Sequence[Any]]) -> None:
        """One transaction: what it wrote is on the disk when it ends, all of it or nothing."""

        def change(sql: sqlite3.Connection) -> None:
            sql.execute("BEGIN IMMEDIATE")
            try:
                for statement, values in statements:
                    sql.execute(statement, values)
                sql.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    sql.execute("ROLLBACK")
                raise

        self._do(change)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it; where the file turns out to be damaged, set it aside and do it with the new one."""
        with self._lock:
            try:
                try:
                    return work(self._usable())
                except sqlite3.Error as error:
                    if not _is_damage(error):
                        raise
                    self.close()
                    return work(self._open())
            except sqlite3.Error as error:
                raise StoreError(
                    f"the memory in {self.path} cannot be used: {error}",
                    mend="see that the disk is not full and that the file may be written",
                ) from error

    def _usable(self) -> sqlite3.Connection:
        """The connection; a new one when the file is no longer the one that was opened (set aside, deleted)."""
        if self._connection is not None and _inode(self.path) != self._inode:
            self.close()
        return self._connection or self._open()

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _alone(self.path):
                try:
                    sql = _connect(self.path)
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
                    self._set_aside(error)
                    sql = _connect(self.path)
                self._connection, self._inode = sql, _inode(self.path)
                return sql
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"the memory in {self.path} cannot be opened: {error}",
                mend="see that its folder exists and may be written, or name another one",
            ) from error

    def _set_aside(self, error: Exception) -> None:
        aside = next(name for n in range(1, 10_000) if not (name := _beside(self.path, f".damaged-{n}")).exists())
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(_beside(self.path, suffix), _beside(aside, suffix))
        os.replace(self.path, aside)
        self.notice = (
            f"the memory in {self.path} was damaged ({error}): it is kept as {aside.name}, and a new one begun"
        )
        _log.warning("%s", self.notice)

    def _shrink(self) -> None:
        """Take the forgotten out of the log too. A reader elsewhere may be in the way: then the next one does it."""
        with self._lock, suppress(sqlite3.Error):
            self._usable().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _plain(text: str) -> str:
    # Half a surrogate pair cannot be kept as UTF-8.
    return text.strip().encode("utf-8", "replace").decode("utf-8")[:1_000]


def _within(wanted: str, name: str) -> bool:
    """Whether the words stand in the name; in a script without spaces, whether the characters do."""
    return f" {wanted} " in f" {name} " or (not wanted.isascii() and len(wanted) > 1 and wanted in name)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the kind of error; the rest says more about it.
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time opens the file: two of them shall not both find it damaged and set aside the new one."""
    with open(_beside(path, ".lock"), "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _connect(path: Path) -> sqlite3.Connection:
    # SQLite gives its log the permissions of the file, so the file is made first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    sql = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        sql.execute("PRAGMA journal_mode = WAL").fetchall()
        sql.execute("PRAGMA synchronous = FULL")
        sql.execute("PRAGMA secure_delete = ON").fetchall()
        version = sql.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(
                f"the memory in {path} was written by a newer version of the assistant", mend="update slipway"
            )
        found = sql.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            damaged = sqlite3.DatabaseError(str(found))
            damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damaged
        if version < VERSION:
            for statement in _SCHEMA:
                sql.execute(statement)
    except BaseException:
        sql.close()
        raise
    return sql
