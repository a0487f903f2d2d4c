"""Music for tests, and who plays it: tagged files of silence, an MPD and an mpv that play to nowhere."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mutagen
from mutagen.easyid3 import EasyID3

# One frame of MPEG 1 layer 3 (32 kbit/s, 32 kHz, mono) that is silent for 36 ms.
FRAME = bytes.fromhex("fffb18c4") + bytes(140)
FIVE_MINUTES = 8_334

SONGS = [
    ("Yellow Submarine", "The Beatles", "Revolver", "Rock", "1966"),
    ("Eleanor Rigby", "The Beatles", "Revolver", "Rock", "1966"),
    ("Hey Jude", "The Beatles", "", "Rock", "1968"),
    ("So What", "Miles Davis", "Kind of Blue", "Jazz", "1959"),
    ("Blue in Green", "Miles Davis", "Kind of Blue", "Jazz", "1959"),
    ("Sous le vent", "Garou & Céline Dion", "Seul", "Chanson", "2000"),
    ("さくら", "森山直太朗", "乾いた唄は魚の餌にちょうどいい", "J-Pop", "2003"),
]


def until(true: Callable[[], bool], what: str = "it") -> None:
    """Wait for something, however long a busy machine takes for it."""
    pause, end = threading.Event(), time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, f"{what} did not come"
        pause.wait(0.02)


def write_songs(folder: Path) -> list[Path]:
    """The songs above, five minutes each, as mp3 files with tags."""
    paths = []
    for at, (title, artist, album, genre, year) in enumerate(SONGS):
        path = folder / artist.replace(" ", "_") / f"{at}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FRAME * FIVE_MINUTES)
        tags = EasyID3()
        for name, value in {"title": title, "artist": artist, "album": album, "genre": genre, "date": year}.items():
            if value:
                tags[name] = value
        tags["tracknumber"] = f"{at + 1}/{len(SONGS)}"
        tags.save(path)
        paths.append(path)
    return paths


def encode(path: Path, codec: str) -> Path:
    """A second of silence in the format of the path's ending, made by mpv."""
    wav = path.with_suffix(".source.wav")
    data = bytes(32_000)
    wav.write_bytes(
        struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data",
                    len(data)) + data
    )  # fmt: skip
    command = ["mpv", "--no-config", str(wav), f"--o={path}", f"--oac={codec}", "--no-video", "--really-quiet"]
    subprocess.run(command, check=True, timeout=300, stdin=subprocess.DEVNULL)
    wav.unlink()
    return path


def tag(path: Path, **tags: str) -> None:
    """Write tags into a file."""
    file = mutagen.File(path, easy=True)
    for name, value in tags.items():
        file[name] = value
    file.save()


@contextmanager
def mpd(music: Path) -> Iterator[str]:
    """The address of an MPD of this music that plays to nowhere."""
    # The address of a socket may have 107 bytes, and folders of tests have long names.
    folder = Path(tempfile.mkdtemp(prefix="mpd-"))
    socket = folder / "socket"
    (folder / "mpd.conf").write_text(
        f'music_directory "{music}"\ndb_file "{folder}/db"\nbind_to_address "{socket}"\nauto_update "no"\n'
        f'log_file "{folder}/log"\nplaylist_directory "{folder}"\n'
        'audio_output {\n type "null"\n name "nowhere"\n mixer_type "software"\n}\n',
        encoding="utf-8",
    )
    with subprocess.Popen(
        ["mpd", "--no-daemon", str(folder / "mpd.conf")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until(socket.exists, f"mpd's socket, ended with {process.poll()}")
            yield str(socket)
        finally:
            process.terminate()
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
    shutil.rmtree(folder, ignore_errors=True)
