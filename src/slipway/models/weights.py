"""The weights on this machine: where they are kept, what they are called, what identifies one. `pull.py` fetches them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import InfrastructureError, NotFound, UsageError

WHOLE = 64 * 1024 * 1024
BLOCKS, BLOCK = 256, 65_536
LONGEST_RECORD = 65_536
WHISPER = "model.bin"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,127}")


@dataclass(frozen=True, slots=True)
class Origin:
    """What is written down of pulled weights: where from, and the SHA-256 of each file. ``verified``: it was compared with one
    that somebody else had said."""

    source: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False
    pulled_ns: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Weights in the library. ``used_ns`` is when a model was last opened by this name; 0: not yet."""

    name: str
    path: Path
    kind: str
    size: int
    origin: Origin
    used_ns: int


class Library:
    """The folder of pulled weights: $SLIPWAY_MODELS, else ~/.cache/slipway/models. Only its owner may read it."""

    def __init__(self, folder: Path | None = None, environ: Mapping[str, str] = os.environ) -> None:
        cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        chosen = folder or environ.get("SLIPWAY_MODELS") or Path(cache, "slipway", "models")
        self.folder = Path(chosen).expanduser().absolute()

    def place(self, name: str) -> Path:
        """Where weights of that name are kept; its folders are made. Raises `UsageError` for a name that leads elsewhere."""
        parts = name.split("/")
        if not 1 <= len(parts) <= 6 or not all(_PART.fullmatch(part) for part in parts):
            raise UsageError(f"{name!r} is no name for weights", mend="use letters, digits, '.', '_', '-' and '/'")
        try:
            for folder in [self.folder, *(self.folder.joinpath(*parts[:count]) for count in range(1, len(parts)))]:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InfrastructureError(
                f"{error.filename} cannot be made: {error.strerror}", mend="set SLIPWAY_MODELS"
            ) from None
        return self.folder.joinpath(*parts)

    def all(self) -> list[Held]:
        """What is there, by name. Files that were put there by hand count, too."""
        return sorted((self._held(path) for path in self._paths()), key=lambda held: held.name)

    def find(self, name: str) -> Held:
        """The weights called ``name``: the whole name, or the end of it when only one has that. Raises `NotFound`."""
        known = {held.name: held for held in self.all()}
        for exact in (name, f"{name}.gguf"):
            if exact in known:
                return known[exact]
        ends = [held for held in known.values() if f"/{held.name}".endswith((f"/{name}", f"/{name}.gguf"))]
        if len(ends) > 1:
            listed = ", ".join(held.name for held in ends)
            raise UsageError(f"{name!r} may be {listed}", mend="say which")
        if ends:
            return ends[0]
        if not known:
            raise NotFound(
                f"no model {name!r}: there is none in {self.folder}", mend="fetch one: slipway model pull SOURCE"
            )
        raise NotFound.among("model", name, known)

    def note_use(self, held: Held) -> None:
        """Remember that it was used now."""
        path = record_path(held.path)
        try:
            if not path.exists():
                write_record(held.path, held.origin)
            os.utime(path)
        except OSError:
            return  # a library that may only be read is a good one, too

    def _paths(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.folder):  # follows no links to folders
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            if WHISPER in files and "config.json" in files:
                yield Path(folder)
                folders.clear()
                continue
            yield from (Path(folder, file) for file in files if file.endswith(".gguf") and not file.startswith("."))

    def _held(self, path: Path) -> Held:
        files = [path] if path.is_file() else [each for each in path.iterdir() if not each.name.startswith(".")]
        record = record_path(path)
        used = record.stat().st_mtime_ns if record.exists() else 0
        origin = read_record(path)
        kind = "whisper" if path.is_dir() else "gguf"
        size = sum(each.stat().st_size for each in files if each.is_file())
        return Held(path.relative_to(self.folder).as_posix(), path, kind, size, origin, used)


def record_path(path: Path) -> Path:
    """Where the `Origin` of weights is kept: beside a file, within a folder."""
    return path / ".slipway.json" if path.is_dir() else path.with_name(f".{path.name}.json")


def write_record(path: Path, origin: Origin) -> None:
    """Keep the `Origin` of weights. The time of the record is when they were last used: never, yet."""
    target = record_path(path)
    part = target.with_name(target.name + ".new")
    part.write_text(json.dumps(asdict(origin)), encoding="utf-8")
    os.utime(part, (0, 0))
    part.replace(target)


def read_record(path: Path) -> Origin:
    """The `Origin` of weights; an empty one when there is none, or none that can be read."""
    try:
        with record_path(path).open("rb") as file:
            said: Any = json.loads(file.read(LONGEST_RECORD))
        sums = {str(name): str(value) for name, value in said["sha256"].items()}
        return Origin(str(said["source"]), sums, said["verified"] is True, int(said["pulled_ns"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Origin()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a whole file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> str:
    """Twelve hex digits of a file's content: of all of it up to 64 MiB, else of its size and 256 blocks evenly spread.

    It tells two models apart in the names of recorded answers; it is no defence against someone who alters weights on purpose
    (`slipway model show --verify` reads every byte).
    """
    made = hashlib.sha256()
    with path.open("rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise UsageError(f"{path} is no file", mend="give the path of a GGUF file")
        if info.st_size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
        made.update(str(info.st_size).encode())
        for number in range(BLOCKS):
            file.seek((info.st_size - BLOCK) * number // (BLOCKS - 1))
            made.update(file.read(BLOCK))
    return made.hexdigest()[:12]
