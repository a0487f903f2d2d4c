"""What a server answered, kept on disk for when it cannot be asked: `Kept(folder / "weather")`."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

MOST = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that was kept, and when it was given."""

    value: Any
    at: datetime

    def age(self, now: datetime) -> timedelta:
        """How old it is; never negative, whatever happened to the clock."""
        return max(now - self.at, timedelta())


class Kept:
    """Values by key in a folder, a file each, the oldest thrown away when there are more than `most`."""

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        self._folder = folder
        self._most = most

    def get(self, key: str) -> Found | None:
        """The value kept under the key; None when there is none, or when its file is damaged."""
        import msgspec

        try:
            said = msgspec.json.decode(self._path(key).read_bytes())
            if isinstance(said, dict) and said.get("key") == key:
                return Found(said.get("value"), datetime.fromisoformat(said["at"]))
        except (OSError, msgspec.DecodeError, RecursionError, KeyError, TypeError, ValueError):
            return None
        return None

    def put(self, key: str, value: Any, now: datetime) -> None:
        """Keep it. That this fails (a full disk) spoils no answer."""
        import msgspec

        path = self._path(key)
        beside = path.with_suffix(f".{os.getpid()}-{id(value):x}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode({"key": key, "at": now.isoformat(), "value": value}))
            os.replace(beside, path)
            self._prune()
        except (OSError, TypeError, ValueError) as error:
            _log.warning("%s could not be kept: %s", path, error)
            with suppress(OSError):
                beside.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}.json"

    def _prune(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) <= self._most:
            return
        ages = []
        for file in files:
            with suppress(OSError):
                ages.append((file.stat().st_mtime_ns, file))
        for _, file in sorted(ages)[: len(files) - self._most]:
            file.unlink(missing_ok=True)
