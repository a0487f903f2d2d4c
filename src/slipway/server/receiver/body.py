"""Bodies: read as they come and unpacked as a stream, so that no sender decides how much memory the server takes (T30)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request

from slipway.server.access import Refused

SLICE = 1 << 16  # of what is packed, given to the unpacker at once
STEP = 1 << 20  # of what is unpacked, taken from it at once
HOLD = 8 << 20  # unpacked bytes that are kept before it is known that all of them are within the limit
WINDOW = 1 << 23  # zstd's own recommendation of what every decoder should accept
BLOCKS = 1_000_000
CODINGS = ("identity", "gzip", "deflate", "zstd")
ACCEPTED = {"Accept-Encoding": ", ".join(CODINGS)}


async def read(request: Request, most: int, take: Callable[[int], None]) -> bytes:
    """The body as it was sent. ``take`` is told of every part and may refuse it. Raises `Refused`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _too_large(most)
            take(len(part))
            parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "the client went away in the middle of its request", mend="send it again") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def discard(request: Request, most: int) -> None:
    """Read what is left of a body, ``most`` bytes of it, and keep nothing."""
    with suppress(ClientDisconnect, RuntimeError):  # the latter where nothing is left
        async for part in request.stream():
            most -= len(part)
            if most < 0:
                return


def coding_of(header: str) -> str:
    """The coding that ``Content-Encoding`` names. Raises `Refused` (415)."""
    coding = header.strip().lower() or "identity"
    if coding not in CODINGS:
        raise Refused(
            415, f"unknown content encoding {coding[:100]!r}", mend=f"use one of {', '.join(CODINGS)}", headers=ACCEPTED
        )
    return coding


def unpack(data: bytes, coding: str, most: int) -> bytes | bytearray:
    """What ``data`` unpacks to. Raises `Refused`: 413 above ``most`` bytes, 400 where it is damaged or cut off."""
    if coding == "identity":
        return data
    parts: list[bytes] = []
    size = 0
    for part in _pieces(data, coding):
        size += len(part)
        if size > most:
            raise _too_large(most)
        # Nothing large is kept before all of it is known to be within the limit; then it is unpacked a second time.
        if size <= HOLD:
            parts.append(part)
        elif parts:
            parts = []
    if size <= HOLD:
        return parts[0] if len(parts) == 1 else b"".join(parts)
    whole = bytearray(size)
    at = 0
    for part in _pieces(data, coding):
        whole[at : at + len(part)] = part
        at += len(part)
    return whole


def _pieces(data: bytes, coding: str) -> Iterator[bytes]:
    if coding == "zstd":
        return _zstd(data)
    return _zlib(data, 31 if coding == "gzip" else 15)


def _zlib(data: bytes, form: int) -> Iterator[bytes]:
    whole = memoryview(data)
    unpacker = zlib.decompressobj(form)
    started = False
    for start in range(0, len(whole), SLICE):
        piece: bytes | memoryview = whole[start : start + SLICE]
        full = False
        while piece or full:
            started = True
            try:
                part = unpacker.decompress(piece, STEP)
            except zlib.error as error:
                raise _damaged(str(error)) from None
            full = len(part) == STEP  # there may be more inside, even where nothing is left to give
            if part:
                yield part
            piece = unpacker.unconsumed_tail
            if unpacker.eof:
                piece, full = unpacker.unused_data, False
                unpacker, started = zlib.decompressobj(form), False  # gzip allows several members
    if started or not data:
        raise _damaged("it is cut off")


def _zstd(data: bytes) -> Iterator[bytes]:
    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(data, read_across_frames=True) as reader:
            while part := reader.read(STEP):
                yield part
    except zstandard.ZstdError as error:
        raise _damaged(str(error)) from None
    if not _zstd_is_whole(data):  # the reader ends at a cut as it does at the end
        raise _damaged("it is cut off")


def _zstd_is_whole(data: bytes) -> bool:
    """Whether the frames of RFC 8878 end where the data ends."""
    at, blocks = 0, 0
    while at < len(data):
        magic = int.from_bytes(data[at : at + 4], "little")
        if 0x184D2A50 <= magic <= 0x184D2A5F:  # a frame to skip
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            continue
        if magic != 0xFD2FB528 or at + 5 > len(data):
            return False
        descriptor = data[at + 4]
        single = descriptor >> 5 & 1
        content = (single, 2, 4, 8)[descriptor >> 6]
        at += 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + content
        last = False
        while not last:
            header = int.from_bytes(data[at : at + 3], "little")
            blocks += 1
            if at + 3 > len(data) or blocks > BLOCKS:
                return False
            last = bool(header & 1)
            at += 3 + (1 if header >> 1 & 3 == 1 else header >> 3)  # one byte that is repeated, or bytes
        at += 4 * (descriptor >> 2 & 1)  # the checksum
    return bool(data) and at == len(data)


def _too_large(most: int) -> Refused:
    return Refused(413, f"the batch is larger than {most:,} bytes", mend="send less, or raise server.max-batch-bytes")


def _damaged(why: str) -> Refused:
    return Refused(400, f"the body cannot be unpacked: {why}", mend="see its Content-Encoding")
