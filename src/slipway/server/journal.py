"""Journal: the OTLP bodies of late as they came, from which a damaged store is mended (``slipway doctor --recover DIR``).

It is not what makes a 200 true: SQLite's commit is. A body is written without a sync and synced when its segment is full, so that
a power cut may take the end of the journal, and a damaged database and a power cut at once may take what only it had. A segment
is ``SLJ1``, then for each body: marker, length, BLAKE2b of the rest, length of the head, head (JSON), body. Old segments go when
all of them take more than `server.journal-bytes`, or are older than what retention keeps.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from slipway.store import files

if TYPE_CHECKING:
    from slipway.server.receiver.wire import Form, Signal
    from slipway.server.routing import Call

log = logging.getLogger("slipway.server")
MAGIC, MARKER, SUFFIX = b"SLJ1", b"\xf5SJ\x01", ".journal"
_FRAME = struct.Struct("<4sI16sH")
PARTS = 8  # segments that fill the whole
_encode = msgspec.json.Encoder().encode


class Head(msgspec.Struct, frozen=True):
    """What has to be known of a request to read its body again. ``projects``: the roles of whoever sent it; ``pinned``: the
    request named its project itself."""

    signal: str
    media: str
    coding: str
    project: str
    pinned: bool
    projects: dict[str, str]


@dataclass(slots=True)
class Damage:
    """What reading could not give back."""

    reasons: list[str] = field(default_factory=list)


class Journal:
    """The journal of one server. `keep` may be called from any thread, and never raises."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._size = 0
        self.bytes = sum(path.stat().st_size for path in segments(folder)) if most else 0
        self.failed = 0

    def packed(self, data: bytes, coding: str) -> tuple[bytes, str] | None:
        """``data`` as it is kept, with its coding; None when nothing is."""
        if not self._most or len(data) > self._most // PARTS:
            return None
        if coding != "identity":
            return data, coding
        import zstandard

        return zstandard.ZstdCompressor(level=1).compress(data), "zstd"

    def keep(self, call: Call, signal: Signal, form: Form, kept: tuple[bytes, str] | None) -> None:
        """Write the body of a request that was accepted."""
        if kept is None:
            return
        body, coding = kept
        request = call.request
        pinned = bool(request.query_params.get("project") or request.headers.get("x-slipway-project"))
        roles = {name: str(role) for name, role in call.who.projects.items()}
        head = _encode(Head(signal.name, form.media, coding, call.project, pinned, roles))
        rest = len(head).to_bytes(2, "little") + head + body
        frame = _FRAME.pack(MARKER, len(head) + len(body), _check(rest), len(head)) + head + body
        with self._lock:
            try:
                self._append(frame)
            except Exception as error:  # a full disk, most of all: what is stored matters more
                if not self.failed:
                    log.warning("the journal cannot be written: %s", error)
                self.failed += 1

    def _append(self, frame: bytes) -> None:
        if self._handle is None:
            files.own_folder(self._folder)
            path = self._folder / f"{time.time_ns():020d}{SUFFIX}"
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._size = 0
        whole = frame if self._size else MAGIC + frame
        if os.write(self._handle, whole) < len(whole):
            # Part of a body is nothing: it is taken back, and the next one goes there.
            os.ftruncate(self._handle, self._size)
            os.lseek(self._handle, self._size, os.SEEK_SET)
            raise OSError("the disk is full")
        self._size += len(whole)
        self.bytes += len(whole)
        if self._size >= self._most // PARTS:
            self._roll()

    def _roll(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            threading.Thread(target=_sync, args=(handle,), name="slipway-journal").start()
        found = segments(self._folder)
        total = sum(path.stat().st_size for path in found)
        for path in found:
            if total <= self._most - self._most // PARTS:  # the next one has room
                break
            total -= path.stat().st_size
            path.unlink()
        self.bytes = total

    def expire(self, before_ns: int) -> None:
        """Delete segments whose last body came before then."""
        with self._lock, suppress(OSError):
            found = segments(self._folder)
            for path in found if self._handle is None else found[:-1]:  # the last one is being written
                if path.stat().st_mtime_ns < before_ns:
                    path.unlink()

    def close(self) -> None:
        """Sync what was written."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            _sync(handle)


def _sync(handle: int) -> None:
    with suppress(OSError):
        os.fsync(handle)
    os.close(handle)


def _check(rest: bytes) -> bytes:
    return hashlib.blake2b(rest, digest_size=16).digest()


def segments(folder: Path) -> list[Path]:
    """All segments, oldest first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def read(folder: Path, damage: Damage) -> Iterator[tuple[Head, bytes]]:
    """Every whole body, oldest first; what is not whole is told in ``damage``."""
    for path in segments(folder):
        try:
            data = path.read_bytes()
        except OSError as error:
            damage.reasons.append(f"{path.name} cannot be read: {error.strerror}")
            continue
        yield from _bodies(path.name, data, damage)


def _bodies(name: str, data: bytes, damage: Damage) -> Iterator[tuple[Head, bytes]]:
    at = end = len(MAGIC) if data.startswith(MAGIC) else 0
    while (at := data.find(MARKER, at)) >= 0 and at + _FRAME.size <= len(data):
        _, length, seal, headed = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size
        rest = data[start - 2 : start + length]
        if len(rest) != length + 2 or headed > length or _check(rest) != seal:
            at += 1
            continue
        if at > end:
            damage.reasons.append(f"{name}: {at - end} bytes before byte {at} are damaged")
        at = end = start + length
        try:
            yield msgspec.json.decode(rest[2 : 2 + headed], type=Head), rest[2 + headed :]
        except msgspec.DecodeError:
            damage.reasons.append(f"{name}: a head before byte {end} is of another version")
    if end < len(data):
        damage.reasons.append(f"{name}: the last {len(data) - end} bytes are no whole body")
