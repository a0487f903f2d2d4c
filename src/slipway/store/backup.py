"""Backup: a folder with everything that cannot be made again, taken while others write, and put back only when it is whole.

    manifest.json   what is in it, with a SHA-256 of each file; written last, so that a torn backup has none
    slipway.db      a snapshot of the database by SQLite's own backup (PostgreSQL: store.pgdump, where pg_dump is installed)
    blobs/ spool/   big payloads, and what traced programs have not handed over yet

The derived data and the raw journal are left out: the first are made again from the rows, the second is there to mend them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import msgspec

import slipway
from slipway.errors import DataError, NotFound, StoreError, UsageError
from slipway.store import files, migrate, pgdump
from slipway.store.blobs import durable
from slipway.store.pgdump import DUMP

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "slipway.db"
FOLDERS = ("blobs", "spool")
_CHUNK = 1 << 20


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. ``missing`` says in words what has to be saved in another way."""

    format: int
    slipway: str
    created: str
    database: str
    schema: str
    files: tuple[File, ...]
    missing: str = ""


def backup(url: str, data: Path, out: Path) -> Manifest:
    """Copy the store at ``url`` and what lies in the folder ``data`` into the new folder ``out``. Others may write meanwhile:
    everything that was acknowledged before the call is in it. Raises `UsageError` and `StoreError`."""
    _refuse_full(out)
    files.own_folder(out)
    sqlite = url.startswith("sqlite")
    database = Path(url.partition(":///")[2]) if sqlite else None
    if database is not None and not database.is_file():
        raise NotFound(f"there is no store at {database}", mend="name its folder: --data DIR")
    # The spool first, the rows next, blobs last: what leaves the spool meanwhile is a row then, and whatever a row names is a
    # blob that is there already.
    _copy(data / "spool", out / "spool")
    missing = ""
    if database is not None:
        schema = _snapshot(database, out / DATABASE)
        _copy(database.absolute().parent / "blobs", out / "blobs")
    else:
        schema, missing = pgdump.dump(url, out / DUMP)
    made = tuple(_described(out))
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kind = "sqlite" if sqlite else "postgresql"
    manifest = Manifest(FORMAT, slipway.__version__, created, kind, schema, made, missing)
    durable(out / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return manifest


def verify(source: Path) -> Manifest:
    """The manifest of the backup in ``source``, once every file is there as it says. Raises `DataError` for one that is not."""
    try:
        raw = (source / MANIFEST).read_bytes()
    except OSError as error:
        raise DataError(
            f"{source} is no whole backup: {MANIFEST} cannot be read ({error.strerror})",
            mend="name a folder that `slipway backup` finished",
        ) from None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{source / MANIFEST} is damaged: {error}", mend="use another backup") from None
    if manifest.format > FORMAT:
        raise DataError(f"{source} was made by Slipway {manifest.slipway}, a later one", mend="upgrade slipway")
    for file in manifest.files:
        path = _inside(source, file.path)
        if not path.is_file() or path.stat().st_size != file.bytes or _sha256(path) != file.sha256:
            raise DataError(
                f"{path} is missing or is not what was saved", mend="use another backup; nothing was restored"
            )
    return manifest


def restore(source: Path, data: Path, url: str = "") -> tuple[Manifest, str]:
    """Put the backup in ``source`` into the folder ``data``, which must be empty or not there, and a dump of PostgreSQL into the
    empty database at ``url``: all of it or nothing. (the manifest, what is still to be run by hand). Raises `UsageError` for
    a place with something in it, `DataError` for a damaged backup, `StoreError` for a schema that is newer."""
    _refuse_full(data)
    manifest = verify(source)
    if manifest.schema and manifest.schema not in migrate.revisions():
        raise StoreError(
            f"the backup has schema {manifest.schema}; this Slipway knows up to {migrate.HEAD}",
            mend="upgrade Slipway (pip install -U slipway); nothing was restored",
        )
    dumped = any(file.path == DUMP for file in manifest.files)
    if dumped and not url.startswith("postgresql"):
        raise UsageError(
            "the backup is one of PostgreSQL", mend="name an empty database: --store postgresql://user@host/database"
        )
    data, then = data.absolute(), ""
    files.own_folder(data.parent)
    fresh = data.with_name(f".{data.name}.restoring-{os.getpid()}")
    files.own_folder(fresh)
    try:
        for file in manifest.files:
            target = _inside(fresh, file.path)
            if file.path == DUMP:
                continue  # that is for pg_restore
            if _duplicate(_inside(source, file.path), target) != file.sha256:
                raise DataError(f"{file.path} changed while it was read", mend="restore from a copy that nobody writes")
        if dumped:  # when all else is there: what is in the database cannot be taken back
            then = pgdump.restore(url, source / DUMP)
        with suppress(FileNotFoundError):
            data.rmdir()
        os.rename(fresh, data)
    except OSError as error:
        raise StoreError(
            f"cannot restore to {data}: {error.strerror}", mend="free disk space, or mend rights"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return manifest, then


def _refuse_full(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"{folder} is there already, and not empty", mend="name a new folder")


def _inside(folder: Path, name: str) -> Path:
    """The file of that name in a backup. Raises `DataError` for a name that leads elsewhere, and for a link (T39)."""
    parts = PurePosixPath(name).parts
    known = name in (DATABASE, DUMP) or (len(parts) > 1 and parts[0] in FOLDERS)
    if not known or ".." in parts or "\\" in name or "\0" in name or str(PurePosixPath(name)) != name:
        raise DataError(f"the backup names the file {name!r:.200}, which is none of a backup", mend="do not trust it")
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise DataError(f"{path} is a link", mend="do not trust this backup")
    return path


def _snapshot(database: Path, out: Path) -> str:
    os.close(files.open_own(out))
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=ro", uri=True, timeout=60)) as source,
            closing(sqlite3.connect(out)) as target,
        ):
            # In one step: a writer that commits between two would make it begin again, for ever. It reads one moment of
            # the log, and keeps nobody from writing.
            source.backup(target)
            found = [str(row[0]) for row in target.execute("PRAGMA integrity_check")]
            schema = [str(row[0]) for row in target.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.Error as error:
        raise StoreError(f"{database} cannot be backed up: {error}", mend="run: slipway doctor --deep") from error
    if found != ["ok"]:
        raise StoreError(
            f"{database} is damaged: {found[0]}", mend="run: slipway doctor --recover DIR; then back that up"
        )
    with open(out, "rb") as file:
        os.fsync(file.fileno())
    return schema[0]


def _copy(source: Path, out: Path) -> None:
    """Copy the files of a folder; those that go away meanwhile went into the store, and those half written are not there yet."""
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            path = Path(folder, name)
            if name.startswith(".") or path.is_symlink():
                continue
            with suppress(FileNotFoundError):
                _duplicate(path, out / path.relative_to(source))


def _duplicate(source: Path, target: Path) -> str:
    """Copy a file durably; its SHA-256."""
    files.own_folder(target.parent)
    seen = hashlib.sha256()
    with open(source, "rb") as reading, os.fdopen(files.open_own(target), "wb") as writing:
        while part := reading.read(_CHUNK):
            seen.update(part)
            writing.write(part)
        writing.flush()
        os.fsync(writing.fileno())
    return seen.hexdigest()


def _described(folder: Path) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield File(path.relative_to(folder).as_posix(), path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
