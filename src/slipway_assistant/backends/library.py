"""The person's own music: every tagged file below a folder, kept in SQLite, found by what people say of it.

    library = Library(Path("~/Music").expanduser(), index=folder / "music.db")
    library.refresh(timedelta(seconds=3))
    library.find(Wish(artist="the beatels", year="sixties"))

Tags are read by mutagen, once for each file and again when its size or time of change differs.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from slipway.errors import MissingExtra
from slipway_assistant.backends.words import ENOUGH, alike, best, fold
from slipway_assistant.numbers import find_numbers

KINDS = frozenset({".mp3", ".ogg", ".oga", ".opus", ".flac", ".m4a", ".mp4", ".aac", ".wav"})
MOST_FILES = 200_000
MOST_TEXT = 300
BATCH = 50
VERSION = 1

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS tracks (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, title TEXT NOT NULL, "
    "artist TEXT NOT NULL, album TEXT NOT NULL, genre TEXT NOT NULL, year INTEGER NOT NULL, number INTEGER NOT NULL, "
    "seconds INTEGER NOT NULL) WITHOUT ROWID"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Track:
    """One file of music. What its tags do not say is "" or 0; the title is then the file's name."""

    path: Path
    title: str
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: int = 0
    number: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person said about the music; all that is said must fit."""

    song: str = ""
    artist: str = ""
    album: str = ""
    genre: str = ""
    year: str = ""


class Library:
    """The music below `folder`; the index is thrown away and made again when it is damaged."""

    def __init__(self, folder: Path, *, index: Path) -> None:
        self.folder = folder
        self._index = index

    def refresh(self, within: timedelta | None = None) -> bool:
        """Read what is new or changed and forget what is gone; False: that goes on behind, after the time `within`."""
        failed: list[Exception] = []

        def work() -> None:
            try:
                self._refresh()
            except Exception as error:
                failed.append(error)
                _log.warning("the music in %s could not be read: %s", self.folder, error)

        thread = threading.Thread(target=work, name="reads the music library", daemon=True)
        thread.start()
        thread.join(None if within is None else within.total_seconds())
        if failed:
            raise failed[0]
        return not thread.is_alive()

    def _refresh(self) -> None:
        self._index.parent.mkdir(parents=True, exist_ok=True)
        with Path(f"{self._index}.lock").open("w") as lock, closing(self._open()) as sql:
            # One reads at a time: the second finds everything read.
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = dict(sql.execute("SELECT path, stamp FROM tracks"))
            there, rows = set(), []
            for path, stamp in self._files():
                there.add(path)
                if known.get(path) == stamp:
                    continue
                rows.append(_row(path, stamp))
                if len(rows) >= BATCH:
                    _keep(sql, rows)
                    rows = []
            _keep(sql, rows)
            with sql:
                sql.executemany("DELETE FROM tracks WHERE path = ?", [(path,) for path in known if path not in there])

    def tracks(self) -> list[Track]:
        """All that is known, as the last `refresh` left it."""
        with closing(self._open()) as sql:
            rows = sql.execute(
                "SELECT path, title, artist, album, genre, year, number, seconds FROM tracks "
                "ORDER BY artist, album, number, title"
            ).fetchall()
        return [Track(Path(os.fsdecode(path)), *rest) for path, *rest in rows]

    def find(self, wish: Wish) -> list[Track]:
        """The tracks that fit all of the wish; the best fitting title, album and artist decide. Empty: there is none."""
        found = self.tracks()
        if wish.artist:
            found = _named(found, wish.artist, "artist")
        if wish.album:
            found = _named(found, wish.album, "album")
        if wish.genre:
            found = genre(found, wish.genre)
        if wish.year:
            first, last = years(wish.year)
            found = [track for track in found if first <= track.year <= last]
        if wish.song and found:
            found = _named(found, wish.song, "title")[:1]
        return found

    def _files(self) -> Iterator[tuple[bytes, str]]:
        count = 0
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if os.path.splitext(name)[1].lower() not in KINDS or name.startswith("."):
                    continue
                path = os.path.join(folder, name)
                try:
                    told = os.stat(path)
                except OSError:
                    continue
                count += 1
                if count > MOST_FILES:
                    _log.warning("%s has more than %s files of music; the others are left out", self.folder, MOST_FILES)
                    return
                yield os.fsencode(path), f"{told.st_mtime_ns}-{told.st_size}"

    def _open(self) -> sqlite3.Connection:
        self._index.parent.mkdir(parents=True, exist_ok=True)
        for attempt in (1, 2):
            sql = sqlite3.connect(self._index, timeout=30)
            try:
                if sql.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
                    raise sqlite3.DatabaseError("an index of another version")
                sql.execute("PRAGMA journal_mode = WAL")
                sql.execute("PRAGMA synchronous = NORMAL")
                sql.execute(_SCHEMA)
                sql.execute(f"PRAGMA user_version = {VERSION}")
                return sql
            except sqlite3.DatabaseError as error:
                sql.close()
                # Locked is not damaged: to throw a good index away would cost minutes.
                if attempt == 2 or isinstance(error, sqlite3.OperationalError):
                    raise
                _log.warning("the index of music is made anew: %s", error)
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self._index}{suffix}").unlink(missing_ok=True)
        raise AssertionError("unreachable")


def genre(tracks: Sequence[Track], said: str) -> list[Track]:
    """Those of a genre: "jazz" fits "Jazz" and "Vocal Jazz"; "rock" is in "Folk/Rock", too."""
    wanted = fold(said)
    fitting = {name: max(alike(wanted, fold(part)) for part in [name, *re.split(r"[/;,]", name)])
               for name in {track.genre for track in tracks} if name}  # fmt: skip
    return [track for track in tracks if fitting.get(track.genre, 0.0) >= ENOUGH]


def years(said: str) -> tuple[int, int]:
    """The first and last year that somebody means by "1991", "the eighties", "années 80" or "90年代"."""
    low = fold(said)
    decade = next((value for word, value in _DECADES.items() if re.search(rf"\b{word}\b", low)), None)
    numbers = [int(number.value) for number in find_numbers(said.lower()) if number.value == int(number.value)]
    number = numbers[0] if numbers else int(found[1]) if (found := re.search(r"(\d{2,4})s?", low)) else None
    if decade is None and number is not None:
        is_decade = re.search(r"\d0s\b|annees|decade|年代", low) is not None
        full = number if number >= 100 else 1900 + number if number >= 30 else 2000 + number
        decade, last = full, full + 9 if is_decade else full
        return decade, last
    if decade is None:
        return 1, 0
    return decade, decade + 9


_DECADES = {
    "twent(?:y|ies)": 1920, "thirt(?:y|ies)": 1930, "fou?rt(?:y|ies)": 1940, "fift(?:y|ies)": 1950,
    "sixt(?:y|ies)": 1960, "sevent(?:y|ies)": 1970, "eight(?:y|ies)": 1980, "ninet(?:y|ies)": 1990,
    "annees vingt": 1920, "annees trente": 1930, "annees quarante": 1940, "annees cinquante": 1950,
    "annees soixante dix": 1970, "annees soixante": 1960, "annees quatre vingt dix": 1990,
    "annees quatre vingts?": 1980,
}  # fmt: skip


def _named(tracks: Sequence[Track], said: str, field: str) -> list[Track]:
    """The tracks whose title, artist or album is the one that fits what was said best."""
    names = sorted({getattr(track, field) for track in tracks if getattr(track, field)})
    chosen, score = best(said, names)
    if chosen is None:
        return []
    folded = fold(chosen)
    # "Queen" is also in "Queen & David Bowie": what is as good a fit belongs to it.
    wanted = fold(said)
    fitting = {name for name in names if fold(name) == folded}
    if field == "artist":
        fitting |= {name for name in names if alike(wanted, fold(name)) >= min(score, 0.8) and folded in fold(name)}
    return [track for track in tracks if getattr(track, field) in fitting]


def _row(path: bytes, stamp: str) -> tuple[Any, ...]:
    name = os.fsdecode(path)
    tags = _tags(name)
    stem = os.path.splitext(os.path.basename(name))[0]
    artist, dash, title = stem.partition(" - ")
    named = title if dash else re.sub(r"^\d{1,3}[ ._-]+", "", stem) or stem
    return (
        path,
        stamp,
        tags.get("title") or _clean(named),
        tags.get("artist") or (_clean(artist) if dash and not artist.isdecimal() else ""),
        tags.get("album", ""),
        tags.get("genre", ""),
        _number(r"(\d{4})", tags.get("date", "")),
        _number(r"(\d{1,4})", tags.get("tracknumber", "")),
        int(tags.get("seconds") or 0),
    )


def _tags(path: str) -> dict[str, str]:
    try:
        import mutagen
    except ImportError:
        raise MissingExtra.named("assistant", "mutagen") from None
    try:
        read = mutagen.File(path, easy=True)
        found: dict[str, str] = {}
        for name in ("title", "artist", "album", "genre", "date", "tracknumber"):
            # Only the easy kinds of tags have these names; a WAV's are asked for by the names of ID3.
            values = (read.get(name) or read.get(_ID3[name])) if read is not None else None
            if values:
                found[name] = _clean(str(values[0] if isinstance(values, list) else values))
        length = getattr(getattr(read, "info", None), "length", 0)
        found["seconds"] = str(int(min(max(length, 0), 360_000)))
        return found
    except Exception as error:
        # A file of garbage gives whatever its reader stumbled over: such a file is known by its name alone.
        _log.info("no tags in %s: %s", path, error)
        return {}


_ID3 = {"title": "TIT2", "artist": "TPE1", "album": "TALB", "genre": "TCON", "date": "TDRC", "tracknumber": "TRCK"}


def _clean(text: str) -> str:
    """One line of printable text: what a stranger wrote into a file is said aloud and shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: MOST_TEXT * 2]).split())[:MOST_TEXT]


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _keep(sql: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    with sql:
        sql.executemany("INSERT OR REPLACE INTO tracks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
