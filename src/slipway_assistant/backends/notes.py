"""The person's own notes, searched by SQLite's full-text index: `Notes(folder, index=file).find("boiler service")`."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from slipway_assistant.backends.words import fold
from slipway_assistant.text import KANA_OR_KANJI, word_set

MOST_NOTES = 5_000
MOST_NOTE = 200_000
MOST_SAID = 300


class Notes:
    """The person's notes: every .md file below a folder, searched by SQLite's full-text index."""

    def __init__(self, folder: Path, *, index: Path) -> None:
        self._folder = folder
        self._index = index

    def find(self, query: str) -> tuple[str, Path] | None:
        """The passage that has all telling words of the question, and its file; None when there is none."""
        if not self._folder.is_dir():
            return None
        phrases = _phrases(fold(query))
        if not phrases:
            return None
        with closing(self._ready()) as sql:
            wanted = " ".join(f'"{phrase}"' for phrase in phrases)
            row = sql.execute(
                "SELECT said, path FROM passages WHERE passages MATCH ? ORDER BY rank LIMIT 1", (f"folded: ({wanted})",)
            ).fetchone()
        return (str(row[0])[:MOST_SAID], Path(row[1])) if row else None

    def _ready(self) -> sqlite3.Connection:
        self._index.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._fresh()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged: it is made from the notes again
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._index}{suffix}").unlink(missing_ok=True)
            return self._fresh()

    def _fresh(self) -> sqlite3.Connection:
        sql = sqlite3.connect(self._index, timeout=30)
        try:
            sql.execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5(folded, said UNINDEXED, path UNINDEXED)"
            )
            sql.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT)")
            known = dict(sql.execute("SELECT path, stamp FROM files"))
            there = dict(self._files())
            with sql:
                for path in known.keys() - there.keys() | {p for p in known if known[p] != there.get(p)}:
                    sql.execute("DELETE FROM passages WHERE path = ?", (path,))
                    sql.execute("DELETE FROM files WHERE path = ?", (path,))
                for path in sorted(p for p in there if known.get(p) != there[p]):
                    rows = [(_apart(fold(f"{head} {said}")), said, path) for head, said in _passages(Path(path))]
                    sql.executemany("INSERT INTO passages VALUES (?, ?, ?)", rows)
                    sql.execute("INSERT INTO files VALUES (?, ?)", (path, there[path]))
            return sql
        except BaseException:
            sql.close()
            raise

    def _files(self) -> Iterator[tuple[str, str]]:
        count = 0
        for path in sorted(self._folder.rglob("*.md")):
            try:
                told = path.stat()
                str(path).encode()
            except (OSError, UnicodeEncodeError):
                continue
            count += 1
            if count > MOST_NOTES:
                return
            yield str(path), f"{told.st_mtime_ns}-{told.st_size}"


def _passages(path: Path) -> Iterator[tuple[str, str]]:
    """(heading, paragraph) of a note; the file's name is a heading too."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_NOTE).decode("utf-8", "replace")
    except OSError:
        return
    head = path.stem.replace("-", " ").replace("_", " ")
    title = head
    for block in re.split(r"\n\s*\n|\n(?=[#*-] )", text.replace("\r", "")):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        while lines and lines[0].startswith("#"):
            title = f"{head} {lines.pop(0).lstrip('#').strip()}"
        said = " ".join(re.sub(r"^[-*+] |[*_`]+", "", line) for line in lines)
        said = "".join(c if c.isprintable() else " " for c in said).strip()
        if said:
            yield title, said


def _phrases(folded: str) -> list[str]:
    """What has to stand in a passage: each telling word; in Japanese what stands between particles, character by character."""
    if not KANA_OR_KANJI.search(folded):
        return [word for word in folded.split() if word not in _ASKING]
    plain = re.sub(r"(?:何|なに|なん|いつ|どこ|誰|だれ)?(?:です|でした)?か?$", "", folded)
    return [_apart(part) for part in re.split(r"[はがをにのでともへや\s]+", plain) if part]


def _apart(folded: str) -> str:
    """Japanese characters as a word each, for it is written without spaces."""
    return " ".join(KANA_OR_KANJI.sub(lambda found: f" {found[0]} ", folded).split())


_ASKING = word_set(
    "what which who whom whose when where why how is are was were do does did the a an of in on at to for my me i it s "
    "there about tell please much many long quel quelle quels quelles qui que quoi quand ou pourquoi comment est sont le "
    "la les l un une des du de d mon ma mes dans sur a au aux c ce et moi dis combien"
)
