"""Playlists as m3u files: the person's own, below the music folder, and those that were made by asking."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from slipway.errors import DataError
from slipway_assistant.backends.library import KINDS, Track
from slipway_assistant.backends.words import best, fold

MOST_BYTES = 4_000_000


class Playlists:
    """The playlists in `folder`, which grow, and in and below `music`; `find` takes a name as it was said."""

    def __init__(self, folder: Path, *, music: Path) -> None:
        self._folder = folder
        self._music = music

    def names(self) -> dict[str, Path]:
        """The file of each playlist by its name."""
        found: dict[str, Path] = {}
        for folder in (self._music, self._music / "Playlists", self._music / "playlists", self._folder):
            for path in sorted(folder.glob("*.m3u*")) if folder.is_dir() else []:
                if path.suffix.lower() in (".m3u", ".m3u8") and path.is_file():
                    found[_spoken(path)] = path
        return found

    def find(self, said: str) -> tuple[str, Path] | None:
        """Name and file of the playlist that was meant."""
        names = self.names()
        wanted = re.sub(r"\b(?:playlists?|listes? de lecture)\b|プレイリスト", "", said, flags=re.IGNORECASE).strip()
        chosen, _ = best(wanted or said, names)
        return (chosen, names[chosen]) if chosen is not None else None

    def files(self, path: Path) -> list[Path]:
        """The files of a playlist that are there, in order; addresses and other files than music are left out."""
        found = []
        for line in _lines(path):
            if not line or line.startswith("#") or "://" in line or "\x00" in line:
                continue
            file = Path(os.path.normpath(path.parent / line))
            if file.suffix.lower() in KINDS and file.is_file():
                found.append(file)
        return found

    def add(self, said: str, tracks: Sequence[Track]) -> tuple[str, int]:
        """Add them to the playlist of that name, made when there is none. Returns its name and how many were not on it."""
        found = self.find(said)
        name, path = found or (said.strip(), self._folder / f"{_file_name(said)}.m3u8")
        there = {os.fsencode(file) for file in self.files(path)} if path.is_file() else set()
        new = [track for track in tracks if os.fsencode(track.path) not in there]
        lines = _lines(path) if path.is_file() else ["#EXTM3U", f"#PLAYLIST:{_one_line(name)}"]
        for track in new:
            label = f"{track.artist} - {track.title}" if track.artist else track.title
            lines += [f"#EXTINF:{track.seconds or -1},{_one_line(label)}", str(track.path)]
        if new:
            if path.is_file() and path.stat().st_size > MOST_BYTES:
                raise DataError(f"the playlist {path} is too long", mend="make a new one")
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
            beside.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
            os.replace(beside, path)
        return name, len(new)


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError:
        return []
    return [line.strip() for line in data.decode("utf-8-sig", "surrogateescape").splitlines()]


def _spoken(path: Path) -> str:
    """The name written in the file, else the file's own."""
    for line in _lines(path)[:5]:
        if line.startswith("#PLAYLIST:") and line[10:].strip():
            return line[10:].strip()[:200]
    return path.stem.replace("_", " ")


def _file_name(said: str) -> str:
    """A name for a file in the folder and nowhere else."""
    plain = unicodedata.normalize("NFC", said)
    plain = "".join(c if c.isalnum() or c in " -" else "_" for c in plain).strip(" _-")[:60]
    return plain or fold(said)[:60] or "playlist"


def _one_line(text: str) -> str:
    return " ".join(text.split())
