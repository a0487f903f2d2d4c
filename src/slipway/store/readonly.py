"""Read-only: how a SQLite file is read by somebody who may not write it (another user, a read-only mount).

SQLite wants to write even for a reader: in WAL mode readers mark in the log's index (``-shm``) what they read.

- No log, or an empty one: all commits are in the file. It is read with SQLite's ``immutable``, which takes no lock and makes
  no file. A writer may come meanwhile, so a connection lives for one read only, and `trusted` says afterwards whether the
  file was left alone.
- A log with its index: ``mode=ro``. Beside a live writer that sees every commit; after a crash SQLite reads the log into
  memory.
- A log without its index (a copy that left ``-shm`` out): SQLite cannot read it, and the file alone would be old without a
  word. That is an error that says so.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from slipway.errors import StoreError
from slipway.store import files

_EFFECTIVE = os.access in os.supports_effective_ids


class ReadOnly(sqlite3.Connection):
    """A connection that knows the file as it was at first; None where SQLite itself looks after changes."""

    seen: tuple[object, ...] | None = None


def reason(database: Path) -> str:
    """Why this user cannot write the store, "" when nothing is in the way."""
    beside = [database.with_name(database.name + suffix) for suffix in ("-wal", "-shm")]
    for path in (database, database.parent, *files.companions(database), *beside):
        if path.exists() and not os.access(path, os.W_OK, effective_ids=_EFFECTIVE):
            return f"no right to write {path}"
    return ""


def connect(database: Path, *, timeout: float) -> sqlite3.Connection:
    """A connection for one read. Raises `StoreError` for a log that cannot be read from here."""
    log, index = (database.with_name(database.name + suffix) for suffix in ("-wal", "-shm"))
    logged = log.exists() and log.stat().st_size > 0
    if logged and not index.exists():
        raise StoreError(
            f"{log} holds commits that cannot be read without writing beside it",
            mend=f"copy {database.name}* and blobs/ to a folder that you may write, and name that one in SLIPWAY_DATA",
        )
    seen = None if logged else _identity(database)
    how = "readonly_shm=1" if logged else "immutable=1"
    url = f"file:{quote(str(database))}?mode=ro&{how}"
    connection = sqlite3.connect(
        url, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False, factory=ReadOnly
    )
    connection.seen = seen
    return connection


def trusted(connection: ReadOnly, database: Path) -> None:
    """After a read. Raises `StoreError` when somebody wrote meanwhile: what was read may be half old and half new."""
    if connection.seen is not None and connection.seen != _identity(database):
        raise StoreError(f"{database} was written while it was read", mend="run it again")


def refusal(database: Path, why: str) -> StoreError:
    """The error for whoever writes all the same."""
    return StoreError(
        f"{database} is open for reading only: {why}",
        mend="give this user the right to write the file and its folder, or name another one in SLIPWAY_DATA",
    )


def _identity(database: Path) -> tuple[object, ...]:
    found = database.stat()
    log = database.with_name(database.name + "-wal")
    return found.st_ino, found.st_size, found.st_mtime_ns, log.exists() and log.stat().st_size > 0
