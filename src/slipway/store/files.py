"""Files: the store's folder and its locks. Everything is made for its owner only: folders 0700, files 0600 (T61)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import StoreError

LOCK = "server.lock"


def turn_of(database: Path) -> Path:
    """The lock beside a SQLite file, for one process at a time."""
    return database.with_name(f".{database.name}.lock")


def session_of(database: Path) -> Path:
    """What says whether the last session ended cleanly (session.py)."""
    return database.with_name(f".{database.name}.session")


def companions(database: Path) -> tuple[Path, Path]:
    """The files of ours that opening a SQLite file for writing writes too."""
    return turn_of(database), session_of(database)


def kept(url: str) -> tuple[Path, ...]:
    """Everything that a SQLite store of this URL keeps: its file, what lies beside that, the folder of its blobs. Of another
    store there is nothing here."""
    scheme, _, rest = url.partition("://")
    name = rest.removeprefix("/").partition("?")[0]
    if scheme.partition("+")[0] != "sqlite" or not name:
        return ()
    database = Path(name).absolute()
    beside = [database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal")]
    return (database, *beside, *companions(database), database.with_name("blobs"))


def own_folder(folder: Path) -> None:
    """Make ``folder`` for its owner only; one that exists is left as it is. Raises `StoreError`."""
    try:
        for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
            missing.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {folder}: {error.strerror}", mend="name another one in SLIPWAY_DATA"
        ) from error


def open_own(path: Path) -> int:
    """A descriptor of the file, made 0600 when it is new. Raises `StoreError`."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}", mend="mend its permissions or name another folder in SLIPWAY_DATA"
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file as a lock, waiting for whoever holds it. The system lets go of it when the process dies."""
    import fcntl

    handle = open_own(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # a child forked meanwhile has the descriptor too: closing ours would not do
        os.close(handle)


@contextmanager
def lock_data_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Hold a data folder as its one server. Raises `StoreError` naming the process that holds it already (T22)."""
    import fcntl

    folder = Path(folder)
    own_folder(folder)
    handle = open_own(folder / LOCK)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreError(
                f"another server (process {holder}) serves {folder}",
                mend=f"stop it (kill {holder}) or name another folder in SLIPWAY_DATA",
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield folder
    finally:
        os.close(handle)
