"""What skills keep on disk: a SQLite file that is durable, private, and shared by threads and programs; a folded name.

Start in `opened()`.
"""

from __future__ import annotations

import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import StoreError

WAIT_S = 60
"""A disk may stall, and what is said to be kept must be kept."""


@contextmanager
def opened(path: Path, *schema: str) -> Iterator[sqlite3.Connection]:
    """One transaction on the file, which is made with `schema` if it is not there. What raises undoes it.

    Each use opens the file anew: they are few, and a connection belongs to the thread that made it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        sql = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
        try:
            sql.execute("PRAGMA synchronous = FULL")
            sql.execute("BEGIN IMMEDIATE")
            for statement in schema:
                sql.execute(statement)
            yield sql
            sql.execute("COMMIT")
        finally:
            sql.close()  # without a commit this rolls back
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}", mend="free the disk, or move the file away") from error


def fold(text: str) -> str:
    """The form in which names are compared: "The Crèmes" and "the cremes" are the same one."""
    # Only Latin accents go: to take the mark off a kana would make another syllable of it.
    apart = re.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", apart)))


def says_all(heard: str) -> bool:
    """Whether a sentence means every one of them: "cancel all my alarms"."""
    return (
        re.search(r"\b(?:all|every|everything|both|tous|toutes|tout)\b|すべて|全て|全部|ぜんぶ", heard.lower())
        is not None
    )
