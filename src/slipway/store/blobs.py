"""Blobs: bytes under their SHA-256, as files beside SQLite or rows of a table in PostgreSQL."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from slipway.data import digest
from slipway.errors import DataError, StoreError
from slipway.store.files import own_folder

SETTLED_S = 3600.0
_DIGEST = re.compile("[0-9a-f]{64}")


def checked(name: str) -> str:
    """``name`` when it has the form of a digest, so that it can name no other file (T50)."""
    if not _DIGEST.fullmatch(name):
        raise DataError(f"{name!r:.80} is no blob digest", mend="give the 64 hex digits that put_blob returned")
    return name


def verified(name: str, data: bytes) -> bytes:
    """``data`` when it has that digest. Raises `StoreError`."""
    if digest(data) != name:
        raise StoreError(f"blob {name} is damaged: its bytes have another SHA-256", mend="restore it from a backup")
    return data


def missing(name: str) -> StoreError:
    """The error for a blob that is not there."""
    return StoreError(f"blob {name} is missing", mend="restore it from a backup, or record the run again")


def durable(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, even after a power cut; 0600 in folders of 0700."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        own_folder(path.parent)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
        _sync_folder(path.parent.parent)
    except OSError as error:
        with suppress(OSError):  # where nothing can be written there may be nothing to remove
            temporary.unlink()
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}", mend="free disk space or mend permissions"
        ) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderBlobs:
    """Files ``ab/cdef...`` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its digest."""
        name = digest(data)
        path = self._path(name)
        try:
            known = path.stat().st_size == len(data)  # a file of another length is torn: write it again
            if known:
                os.utime(path)  # it is wanted again: `remove` leaves it
        except FileNotFoundError:
            known = False
        except OSError as error:
            raise StoreError(f"cannot reach {path}: {error.strerror}", mend="mend its permissions") from error
        if not known:
            durable(path, bytes(data))
        return name

    def get(self, name: str) -> bytes:
        """The bytes, verified."""
        path = self._path(checked(name))
        try:
            return verified(name, path.read_bytes())
        except FileNotFoundError:
            raise missing(name) from None
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}", mend="mend its permissions") from error

    def damaged(self) -> list[str]:
        """Digests of files whose content is another."""
        return [name for name, path in self._files() if digest(path.read_bytes()) != name]

    def names(self) -> list[str]:
        """Every digest there is a file for."""
        return [name for name, _ in self._files()]

    def is_settled(self, name: str) -> bool:
        """Whether it was put so long ago that whoever put it has long said what for."""
        try:
            return time.time() - self._path(checked(name)).stat().st_mtime > SETTLED_S
        except OSError:
            return False

    def remove(self, name: str) -> bool:
        """Delete one that no row names; False, and it stays, when somebody has put it again meanwhile."""
        path = self._path(checked(name))
        aside = path.with_name(f".{path.name}.{os.getpid()}.gone")
        try:
            os.rename(path, aside)
            if time.time() - aside.stat().st_mtime <= SETTLED_S:
                os.rename(aside, path)
                return False
            aside.unlink()
        except OSError:
            return False
        return True

    def size(self) -> tuple[int, int]:
        """(files, bytes)."""
        sizes = [path.stat().st_size for _, path in self._files()]
        return len(sizes), sum(sizes)

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:]

    def _files(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if _DIGEST.fullmatch(path.parent.name + path.name):
                yield path.parent.name + path.name, path


class TableBlobs:
    """Rows of the table ``blobs``. ``connected`` gives a connection in autocommit mode for a while."""

    def __init__(self, connected: Callable[[], AbstractContextManager[Any]]) -> None:
        self._connected = connected

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its digest."""
        from sqlalchemy.dialects.postgresql import insert

        from slipway.store.tables import blobs

        name = digest(data)
        with self._connected() as connection:
            connection.execute(insert(blobs).values(digest=name, data=bytes(data)).on_conflict_do_nothing())
        return name

    def get(self, name: str) -> bytes:
        """The bytes, verified."""
        from sqlalchemy import select

        from slipway.store.tables import blobs

        with self._connected() as connection:
            data = connection.execute(select(blobs.c.data).where(blobs.c.digest == checked(name))).scalar()
        if data is None:
            raise missing(name)
        return verified(name, bytes(data))

    def damaged(self) -> list[str]:
        """Digests of rows whose content is another."""
        from sqlalchemy import func, select

        from slipway.store.tables import blobs

        query = select(blobs.c.digest).where(blobs.c.digest != func.encode(func.sha256(blobs.c.data), "hex"))
        with self._connected() as connection:
            return list(connection.execute(query.order_by(blobs.c.digest)).scalars())

    def size(self) -> tuple[int, int]:
        """(rows, bytes)."""
        from sqlalchemy import func, select

        from slipway.store.tables import blobs

        query = select(func.count(), func.coalesce(func.sum(func.length(blobs.c.data)), 0))
        with self._connected() as connection:
            count, size = connection.execute(query.select_from(blobs)).one()
        return int(count), int(size)
