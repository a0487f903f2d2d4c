"""T02, T03, T14: long outages, small caps and full disks of the server, with programs that record meanwhile."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from slipway.data import Drop, Span
from slipway.server.proof.run import Killed
from slipway.store import open_store
from slipway.track import flush, shutdown, span, status
from slipway.track.drops import records_lost
from track.waiting import until

SRC = Path(__file__).parents[2] / "src"
RECORDER = """
import sys, threading
from slipway.config import Config, Trace
from slipway.track import flush, init, span
url, number, count, pause, cap = sys.argv[1], *map(float, sys.argv[2:])
config = Config(root="client", project="shop", endpoint=url, trace=Trace(spool_bytes=int(cap)))
init(config=config, environment=False, instrument=False)
beat = threading.Event()
for index in range(int(count)):
    with span(f"{int(number)}-{index}", text="x" * 50): pass
    if pause: beat.wait(pause)
while not flush(5): beat.wait(0.1)
"""


@pytest.fixture
def recorder():
    """Starts a program that records ``count`` spans into the server, and ends once all of them are there or counted."""
    started = []

    def start(url: str, number: int, count: int, pause: float, cap: int = 1 << 30) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", RECORDER, url, *map(str, (number, count, pause, cap))]
        started.append(subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(SRC)}))
        return started[-1]

    yield start
    for program in started:  # after a failure it would go on for ever
        program.kill()
        program.wait()


def names(store) -> list[str]:
    return [name for (name,) in store.columns(Span, ["name"])]


@pytest.fixture
def killed(tmp_path, port):
    """A server that can be killed and started again, and its address and store."""
    server = Killed(["--data", str(tmp_path / "data")], port, tmp_path / "server.log")
    yield server, f"http://127.0.0.1:{port}", f"sqlite:///{tmp_path / 'data/slipway.db'}"
    server.close()


def test_programs_lose_nothing_while_the_server_is_killed_again_and_again(killed, recorder):
    server, url, store_url = killed
    running = [recorder(url, number, 2_000, 0.001) for number in range(2)]
    beat = threading.Event()
    for _ in range(4):
        server.start()
        server.answers()
        beat.wait(0.5)
        server.kill()
    server.start()
    server.answers()
    assert [program.wait(200) for program in running] == [0, 0]
    server.kill()
    store = open_store(store_url)
    assert sorted(names(store)) == sorted(f"{number}-{index}" for number in range(2) for index in range(2_000))
    assert store.count(Drop, {"where": "spool"}) == 0
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_t02_thirty_seconds_away_at_100_a_second(killed, recorder):
    server, url, store_url = killed
    server.start()
    server.answers()
    running = recorder(url, 0, 5_000, 0.01)
    beat = threading.Event()
    beat.wait(5)
    server.kill()
    beat.wait(30)
    server.start()
    server.answers()
    assert running.wait(300) == 0
    server.kill()
    store = open_store(store_url)
    assert Counter(names(store)) == Counter(f"0-{index}" for index in range(5_000))
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_t03_away_until_the_spool_is_full_and_for_as_long_again(killed, recorder):
    """Ten minutes at 10,000 spans a second fill 1 GiB several times; here 4 MiB are filled as often. OUTAGE_S=600 makes it ten
    minutes indeed."""
    server, url, store_url = killed
    away_s = float(os.environ.get("OUTAGE_S", "60"))
    made = int(1_000 * away_s)
    running = recorder(url, 0, made, 0.0005, cap=4 << 20)
    threading.Event().wait(away_s)
    assert status("client/.slipway")["spool.bytes"] <= (4 << 20) + (1 << 20)
    server.start()
    server.answers()
    assert running.wait(600) == 0
    server.kill()
    store = open_store(store_url)
    kept = names(store)
    dropped = records_lost(store.health().drops)
    store.close()
    assert len(kept) == len(set(kept))
    sys.stdout.write(f"away for {away_s:g} s: made {made}, kept {len(kept)}, dropped and counted {dropped}\n")
    assert dropped == made - len(kept) > 0
    assert set(kept) >= {f"0-{index}" for index in range(1_000)}  # the oldest


def test_t14_a_server_whose_disk_is_full_gets_everything_once_there_is_room(start_server, small_disk, recording_to):
    disk = small_disk("24m")
    with ExitStack() as leave:
        server = start_server(store=f"sqlite:///{disk}/slipway.db", leave=leave)
        recording_to(server.url)
        with span("before"):
            pass
        until(lambda: flush(5))
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            (disk / "filler").write_bytes(bytes(25 << 20))
        for number in range(200):
            with span(f"s{number}", text=os.urandom(10_000).hex()):
                pass
        until(lambda: status("client/.slipway")["spool.pending"] > 0 and not flush(0.2))
        (disk / "filler").unlink()
        until(lambda: flush(5))
        shutdown()
        assert server.store.count(Span) == 201
        assert server.store.health(deep=True).problems == ()
