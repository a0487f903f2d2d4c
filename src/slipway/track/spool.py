"""Segments on disk: where spans wait while the store cannot take them. Format version 1.

    header   b"slipway-spool\\n"  version (u16)  blake2b-4 of what precedes
    frame    b"\\xf5SL\\x01"  length (u32)  number (u64)  blake2b-8 of length, number and payload  payload

Numbers are little-endian. A payload is UTF-8 JSON, ``["Span", {...}]``; the byte 0xF5 never occurs in UTF-8, so after damage the
next frame is found by looking for the marker, and the gap in the frame numbers says how many records were lost. A segment
is written by one process, which holds a lock (flock) on it as long as it lives: what nobody locks was left by the dead.
A header of a later version is refused and its file left alone. Files are 0600 in a folder 0700.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from slipway.data import RECORDS, MetricPoint
from slipway.errors import StoreError
from slipway.track.spanrow import fields_of

if sys.platform != "win32":
    import fcntl

VERSION = 1
MAGIC = b"slipway-spool\n"
MARKER = b"\xf5SL\x01"
SUFFIX = ".spool"
SEGMENT_BYTES = 8 * 1_048_576
_FRAME = struct.Struct("<4sIQ8s")
_MOST_PAYLOAD = 64 * 1_048_576
_KINDS = {kind.__name__: kind for kind in RECORDS}

_encoder = msgspec.json.Encoder()


class NewerSpool(StoreError):
    """A later version of Slipway wrote this segment."""


@dataclass
class Damage:
    """What reading a segment could not give back."""

    lost: int = 0
    reasons: list[str] = field(default_factory=list)


def header(version: int = VERSION) -> bytes:
    """The first bytes of a segment."""
    head = MAGIC + struct.pack("<H", version)
    return head + hashlib.blake2b(head, digest_size=4).digest()


HEADER_BYTES = len(header())


def frame(number: int, record: Any) -> bytes:
    """One record as it lies in a segment; a bare tuple is the row of a span."""
    raw, kind = record, type(record).__name__
    if record.__class__ is tuple:
        raw, kind = fields_of(record), "Span"
    elif isinstance(record, MetricPoint) and not math.isfinite(record.value):
        raw = {**msgspec.to_builtins(record), "value": str(record.value)}  # JSON has no NaN and no infinity
    payload = _encoder.encode([kind, raw])
    return _FRAME.pack(MARKER, len(payload), number, _check(len(payload), number, payload)) + payload


def _check(length: int, number: int, payload: bytes | memoryview) -> bytes:
    seal = hashlib.blake2b(struct.pack("<IQ", length, number), digest_size=8)
    seal.update(payload)
    return seal.digest()


def scan(data: bytes, damage: Damage) -> Iterator[tuple[int, Any]]:
    """(offset after it, record) of each whole record, in order; what is lost is counted in ``damage``.

    Raises `NewerSpool` for a sound header of a later version.
    """
    _refuse_newer(data)
    at = HEADER_BYTES
    if data and data[:HEADER_BYTES] != header():
        damage.reasons.append("the header is damaged")
        at = 0
    expected, end = 0, min(HEADER_BYTES, len(data))
    while (at := data.find(MARKER, at)) >= 0 and at + _FRAME.size <= len(data):
        _, length, number, seal = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size
        payload = memoryview(data)[start : start + length]
        whole = length <= _MOST_PAYLOAD and len(payload) == length and _check(length, number, payload) == seal
        if not whole:
            at += 1
            continue
        if number > expected:
            damage.lost += number - expected
            damage.reasons.append(f"{number - expected} damaged before number {number}")
        expected, at = number + 1, start + length
        end = at
        record = _decode(payload)
        if record is None:
            damage.lost += 1
            damage.reasons.append(f"number {number} is of an unknown kind")
        else:
            yield at, record
    if len(data) > end:  # the process or the disk ended in the middle of a write
        damage.lost += max(1, data.count(MARKER, end))
        damage.reasons.append("the last record is incomplete or damaged")


def _refuse_newer(data: bytes) -> None:
    head = data[:HEADER_BYTES]
    if len(head) == HEADER_BYTES and head.startswith(MAGIC):
        version = struct.unpack_from("<H", head, len(MAGIC))[0]
        if version > VERSION and head == header(version):
            raise NewerSpool(f"the spool is of version {version}, this Slipway reads {VERSION}", mend="upgrade slipway")


def _decode(payload: memoryview) -> Any:
    try:
        kind, raw = msgspec.json.decode(payload)
        return msgspec.convert(raw, _KINDS[kind], strict=kind != "MetricPoint") if kind in _KINDS else None
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError):
        return None


class Segment:
    """One file being written, locked by this process."""

    def __init__(self, folder: Path, *, process: str, clock_ns: int | None = None) -> None:
        make_private(folder)
        stamp = time.time_ns() if clock_ns is None else clock_ns
        self.path = folder / f"{stamp:016x}-{process}-{os.urandom(3).hex()}{SUFFIX}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        self.fd = os.open(self.path, flags, 0o600)
        self.records = 0
        self.confirmed = 0  # of which the store has since said that it has them
        self.size = 0
        try:
            lock(self.fd)
            self._write(header())
        except OSError:
            os.close(self.fd)
            self.path.unlink(missing_ok=True)
            raise

    def append(self, records: Sequence[Any]) -> int:
        """Write a batch at once; returns its bytes. On an error nothing of it remains in the file."""
        data = b"".join([frame(self.records + index, record) for index, record in enumerate(records)])
        self._write(data)
        self.records += len(records)
        return len(data)

    def _write(self, data: bytes) -> None:
        view, start = memoryview(data), self.size
        try:
            while view:
                done = os.write(self.fd, view)
                view = view[done:]
        except OSError:
            os.ftruncate(self.fd, start)
            os.lseek(self.fd, start, os.SEEK_SET)
            raise
        self.size += len(data)

    def close(self) -> None:
        """Stop writing. The file stays until what it holds is stored."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def make_private(folder: Path) -> None:
    """The folder and the two it lies in, for their owner alone when they are made here."""
    for place in (folder.parent.parent, folder.parent, folder):
        if not place.is_dir():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)


def lock(fd: int) -> bool:
    """Take the lock on an open segment; False when a living process holds it."""
    if (
        sys.platform == "win32"
    ):  # nothing tells the living from the dead: segments are shipped twice, which changes nothing
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def segments(folder: Path) -> list[Path]:
    """All segments, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
    except OSError:
        return []


def used(folder: Path) -> int:
    """Bytes that all segments take."""
    return sum(_size(path) for path in segments(folder))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read(path: Path) -> tuple[list[Any], Damage]:
    """Every readable record of a segment."""
    damage = Damage()
    return [record for _, record in scan(path.read_bytes(), damage)], damage


def write_segment(path: Path, records: Iterable[Any]) -> None:
    """A whole segment at once (for tests and tools)."""
    path.write_bytes(header() + b"".join(frame(number, record) for number, record in enumerate(records)))
