"""T16, T21: damage costs the damaged record only; an older spool is read, a newer one is left alone."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest

from slipway.data import Drop, Environment, Event, Span
from slipway.track import spool
from slipway.track.drops import Drops
from slipway.track.ship import abandoned, ship_folder
from slipway.track.spool import Damage, NewerSpool, Segment, frame, header, scan


def record(number: int) -> Span:
    return Span(f"{number + 1:032x}", f"{number + 1:016x}", f"s{number}", number, input={"n": number, "text": "naïve"})


def image(count: int = 4) -> bytes:
    return header() + b"".join(frame(number, record(number)) for number in range(count))


def found(data: bytes) -> tuple[list[str], int]:
    damage = Damage()
    return [span.name for _, span in scan(data, damage)], damage.lost


def test_what_is_written_is_read(tmp_path):
    records = [
        Span(
            "a" * 32,
            "b" * 16,
            "s",
            5,
            parent_id="c" * 16,
            events=(Event("e", 6, {"k": [1, None, "x"]}),),
            links=({"a": 1},),
        ),
        Drop("p", "queue", "full", 3, 7),
        Environment(id="e", captured_ns=1, packages={"a": "1"}, command=("python", "x")),
    ]
    segment = Segment(tmp_path / "spool", process="h-1-x")
    segment.append(records[:1])
    segment.append(records[1:])
    segment.close()
    got, damage = spool.read(segment.path)
    assert got == records
    assert damage.lost == 0
    assert oct(segment.path.stat().st_mode & 0o777) == "0o600"
    assert oct(segment.path.parent.stat().st_mode & 0o777) == "0o700"


def test_t16_truncated_at_every_byte():
    data, frames = image(), [len(image(count)) for count in range(5)]
    for size in range(len(data)):
        names, lost = found(data[:size])
        whole = sum(size >= end for end in frames[1:])
        assert names == [f"s{index}" for index in range(whole)], size
        assert lost == (size > frames[whole] and size > len(header())), size


def test_t16_every_bit_of_a_record_flipped():
    data = image(3)
    start, end = len(image(1)), len(image(2))
    for at in range(start, end):
        for bit in range(8):
            names, lost = found(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            assert names == ["s0", "s2"], (at, bit)
            assert lost == 1, (at, bit)


def test_t16_every_bit_of_the_last_record_and_of_the_header():
    data = image(2)
    for at in range(len(image(1)), len(data)):
        assert found(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]) == (["s0"], 1), at
    for at in range(len(header())):
        for bit in range(8):
            assert found(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]) == (["s0", "s1"], 0), (at, bit)


def test_t16_several_records_lost_are_all_counted():
    data = image(6)
    cut = data[: len(image(1)) + 9] + data[len(image(4)) - 5 :]
    assert found(cut) == (["s0", "s4", "s5"], 3)
    assert found(b"") == ([], 0)
    assert found(os.urandom(5_000))[0] == []


def test_t21_version_one_bytes_stay_readable():
    # Version 1, written out by hand from the format's description: whoever changes the format must keep reading this.
    import hashlib

    payload = b'["Span",{"trace_id":"' + b"1" * 32 + b'","span_id":"' + b"2" * 16 + b'","name":"old","started_ns":3}]'
    length, number = struct.pack("<I", len(payload)), struct.pack("<Q", 0)
    seal = hashlib.blake2b(length + number + payload, digest_size=8).digest()
    head = b"slipway-spool\n" + struct.pack("<H", 1)
    data = head + hashlib.blake2b(head, digest_size=4).digest() + b"\xf5SL\x01" + length + number + seal + payload
    damage = Damage()
    assert [span for _, span in scan(data, damage)] == [Span("1" * 32, "2" * 16, "old", 3)]
    assert damage.lost == 0


def test_t21_a_newer_spool_is_refused_and_left_untouched(tmp_path):
    path = tmp_path / f"00-h-1-x{spool.SUFFIX}"
    data = header(spool.VERSION + 1) + b"whatever the future brings"
    path.write_bytes(data)
    with pytest.raises(NewerSpool, match="upgrade slipway"):
        spool.read(path)
    written = []
    assert ship_folder(tmp_path, written.extend) == 0
    assert (written, path.read_bytes()) == ([], data)


def test_an_unknown_kind_of_record_is_counted():
    payload = b'["Hologram",{}]'
    data = header() + spool._FRAME.pack(spool.MARKER, len(payload), 0, spool._check(len(payload), 0, payload)) + payload
    damage = Damage()
    assert list(scan(data, damage)) == []
    assert damage.lost == 1


def test_only_what_nobody_holds_is_shipped(tmp_path):
    held = Segment(tmp_path, process="h-1-x")
    held.append([record(0)])
    spool.write_segment(tmp_path / f"0-h-2-x{spool.SUFFIX}", [record(1), record(2)])
    written = []
    assert ship_folder(tmp_path, written.extend) == 2
    assert [span.name for span in written] == ["s1", "s2"]
    assert list(tmp_path.iterdir()) == [held.path]
    held.close()
    assert ship_folder(tmp_path, written.extend) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_deleted_only_after_it_was_stored(tmp_path):
    path = tmp_path / f"0-h-2-x{spool.SUFFIX}"
    spool.write_segment(path, [record(1)])

    def refuse(batch):
        raise OSError("no")

    with pytest.raises(OSError):
        ship_folder(tmp_path, refuse)
    assert path.exists()
    assert [span.name for cargo in abandoned(tmp_path) for span in cargo.piece(9, Drops("p", "d"))] == ["s1"]


def test_counts_that_a_dead_process_left_are_stored(tmp_path):
    dead = Drops("host-999999999-x", "p")  # no system counts that far: that of a child that ended may be given again
    dead.count(("queue", "full"), 3)
    assert dead.keep(tmp_path)
    alive = Drops(f"host-{os.getpid()}-x", "p")
    alive.count(("queue", "full"), 5)
    assert alive.keep(tmp_path)
    written = []
    ship_folder(tmp_path, written.extend)
    assert [(drop.where, drop.reason, drop.count) for drop in written] == [("queue", "full", 3)]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_write_that_fails_leaves_no_half_record(tmp_path):
    code = f"""
import resource, pathlib
from slipway.track.spool import *
from slipway.data import Span
segment = Segment(pathlib.Path({str(tmp_path)!r}), process="h-1-x")
segment.append([Span("1" * 32, "2" * 16, "first", 1)])
resource.setrlimit(resource.RLIMIT_FSIZE, (segment.size + 100, segment.size + 100))
before = segment.size
try: segment.append([Span("1" * 32, "2" * 16, "second" * 100, 1)])
except OSError as error: print(error.errno, segment.path.stat().st_size == before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["27", "True"]  # EFBIG
    (path,) = tmp_path.iterdir()
    records, damage = spool.read(path)
    assert ([span.name for span in records], damage.lost) == (["first"], 0)
