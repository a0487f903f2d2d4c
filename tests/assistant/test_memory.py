"""The memory: a real SQLite file, real processes, real damage."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from slipway.errors import DataError, StoreError
from slipway_assistant.memory import DAY_S, ENOUGH, Memory, fold

NOON = 1_790_000_000.0


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path, clock: Clock) -> Memory:
    return Memory(tmp_path / "home" / "memory.db", clock=clock)


def test_what_is_asked_for_five_times_a_day_is_the_favourite(memory: Memory, clock: Clock) -> None:
    memory.count("song", "Halo")
    for _ in range(5):
        memory.count("song", "Bitter Sweet Symphony")
        clock.now += 3_600
    assert memory.favourite("song") == "Bitter Sweet Symphony"
    assert memory.favourite("artist") is None


def test_asked_for_twice_is_no_favourite_yet(memory: Memory) -> None:
    for times in range(1, ENOUGH + 1):
        memory.count("song", "Halo")
        assert (memory.favourite("song") == "Halo") == (times >= ENOUGH)


def test_taste_changes_and_a_favourite_is_not_lost_by_a_holiday(memory: Memory, clock: Clock) -> None:
    for _ in range(7):
        for _ in range(5):
            memory.count("song", "old love")
        clock.now += DAY_S
    clock.now += 60 * DAY_S
    assert memory.favourite("song") == "old love"
    for _ in range(5):
        memory.count("song", "new love")
    assert memory.favourite("song") == "new love"


def test_what_was_said_weighs_more_than_what_was_asked_for(memory: Memory) -> None:
    for _ in range(50):
        memory.count("genre", "techno")
    memory.remember("genre", "fado", "my favourite music is fado", liking="favourite")
    assert memory.favourite("genre") == "fado"
    memory.remember("genre", "fado", "I like fado", liking="like")
    assert memory.favourite("genre") == "fado"
    memory.remember("genre", "tango", "tango is my favourite", liking="favourite")
    assert memory.favourite("genre") == "tango"
    assert {(i.value, i.liking) for i in memory.items()} == {
        ("tango", "favourite"),
        ("fado", "like"),
        ("techno", "asked"),
    }
    memory.remember("genre", "tango", "I hate tango", liking="dislike")
    memory.remember("genre", "techno", "I hate techno too", liking="dislike")
    assert memory.favourite("genre") == "fado"


def test_a_name_is_the_same_however_it_is_written(memory: Memory) -> None:
    for written in ("Beyoncé", "beyonce", "BEYONCÉ!", "Ｂｅｙｏｎｃｅ"):
        memory.count("artist", written)
    assert [(item.value, item.times) for item in memory.items()] == [("Ｂｅｙｏｎｃｅ", 4)]
    assert fold("が") != fold("か")
    assert fold("AC/DC") == fold("ac dc")


def test_the_last_ones_asked_for(memory: Memory, clock: Clock) -> None:
    for song in ("a", "b", "a", "c"):
        memory.count("song", song)
        clock.now += 1
    assert memory.last("song", 2) == ["c", "a"]
    assert memory.last("song", 9) == ["c", "a", "b"]
    assert memory.last("place") == []


def test_a_preference_is_kept_with_its_sentence(memory: Memory) -> None:
    memory.remember("artist", "Björk", "I really like Björk")
    memory.count("artist", "Bjork")
    item = memory.items()[0]
    assert (item.kind, item.value, item.liking, item.sentence, item.times, item.at_s) == (
        "artist", "Björk", "like", "I really like Björk", 1, NOON,
    )  # fmt: skip
    with pytest.raises(DataError):
        memory.remember("artist", "  ")


def test_forgetting_takes_the_exact_name_before_a_part_of_one(memory: Memory) -> None:
    for genre in ("jazz", "smooth jazz", "jazzy pop"):
        memory.remember("genre", genre)
    assert memory.forget("Jazz") == 1
    assert {item.value for item in memory.items()} == {"smooth jazz", "jazzy pop"}
    assert memory.forget("jazz") == 1
    assert memory.forget("polka") == 0
    memory.remember("song", "夜に駆ける")
    assert memory.forget("夜に") == 1
    assert memory.forget("") == 0
    assert [item.value for item in memory.items()] == ["jazzy pop"]


def test_forgetting_leaves_no_bytes_behind(memory: Memory) -> None:
    memory.remember("place", "Schlumpfhausen", "I like Schlumpfhausen")
    memory.count("place", "Schlumpfhausen")
    memory.count("place", "Oslo")
    assert memory.forget("Schlumpfhausen", kind="place") == 1
    kept = b"".join(path.read_bytes() for path in memory.path.parent.iterdir())
    assert b"chlumpfhausen" not in kept
    assert memory.forget_everything() == 1
    assert memory.items() == []


def test_the_export_is_json_and_says_all(memory: Memory) -> None:
    memory.remember("genre", "jazz", "j'adore le jazz")
    memory.count("song", "上を向いて歩こう")
    said = json.loads(memory.export_json())
    assert said["said"] == [
        {"kind": "genre", "value": "jazz", "liking": "like", "sentence": "j'adore le jazz", "at_s": NOON}
    ]
    assert said["asked"] == [{"kind": "song", "value": "上を向いて歩こう", "times": 1, "at_s": NOON}]
    assert said["favourites"] == {"genre": "jazz", "song": None}
    assert "上を向いて歩こう" in memory.export_json()


def test_only_its_owner_may_read_it(memory: Memory) -> None:
    memory.count("song", "Halo")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in memory.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert stat.S_IMODE(memory.path.parent.stat().st_mode) == 0o700


def test_a_transaction_is_synced_before_it_is_acknowledged(memory: Memory) -> None:
    assert memory._rows("PRAGMA journal_mode") == [("wal",)]
    assert memory._rows("PRAGMA synchronous") == [(2,)]


def rubbish(path: Path) -> None:
    path.write_bytes(b"this is no database at all, and long enough to look at" * 50)


def torn(path: Path) -> None:
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size // 3)
        file.write(b"\xa5" * (size - size // 3))


@pytest.mark.parametrize("damage", [rubbish, torn])
@pytest.mark.parametrize("in_use", [False, True], ids=["closed", "in use"])
def test_a_damaged_file_is_set_aside_and_everything_goes_on(
    memory: Memory, damage: Callable[[Path], None], in_use: bool, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        memory.count("song", f"song number {number} " + "la " * 200)
    memory._rows("PRAGMA wal_checkpoint(TRUNCATE)")
    if not in_use:
        memory.close()
    damage(memory.path)
    memory = memory if in_use else Memory(memory.path)
    memory._rows("PRAGMA shrink_memory")  # what SQLite still holds in its cache looks whole
    memory.items()
    assert memory.count("song", "after")
    assert memory.last("song") == ["after"]
    aside = memory.path.with_name("memory.db.damaged-1")
    assert aside.exists()
    assert aside.name in memory.notice
    assert "was damaged" in memory.notice
    assert memory.notice in caplog.text
    assert Memory(memory.path).notice == ""


def test_a_file_that_was_deleted_is_begun_anew(memory: Memory) -> None:
    memory.count("song", "Halo")
    for path in memory.path.parent.iterdir():
        path.unlink()
    assert memory.items() == []
    assert memory.count("song", "Halo")


def test_what_cannot_be_opened_is_said_and_not_set_aside(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        Memory(tmp_path / "folder")
    newer = tmp_path / "newer.db"
    Memory(newer)._rows("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        Memory(newer)
    assert newer.exists()


def test_counting_never_raises(memory: Memory, tmp_path: Path) -> None:
    memory.close()
    memory.path.unlink()
    memory.path.mkdir()
    assert not memory.count("song", "Halo")
    assert not memory.count("song", "   ")


WRITER = """
import sys
from slipway_assistant.memory import Memory
memory = Memory(sys.argv[1])
for number in range(int(sys.argv[3])):
    assert memory.count("song", f"{sys.argv[2]} {number}")
    print(number, flush=True)
"""


def writer(path: Path, name: str, many: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(many)], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_and_two_threads_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    processes = [writer(path, name, 20) for name in ("one", "two")]
    here = Memory(path)
    threads = [Thread(target=lambda: [here.count("song", "mine") for _ in range(10)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.communicate()[0].count("\n") for process in processes] == [20, 20]
    assert [process.returncode for process in processes] == [0, 0]
    items = {item.value: item.times for item in here.items()}
    assert len(items) == 41
    assert items["mine"] == 20


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    process = writer(path, "song", 1_000_000)
    assert process.stdout is not None
    for _ in range(25):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    acknowledged = 25 + process.stdout.read().count("\n")
    process.wait()
    memory = Memory(path)
    assert memory.notice == ""
    kept = {item.value for item in memory.items()}
    assert {f"song {number}" for number in range(acknowledged)} <= kept
