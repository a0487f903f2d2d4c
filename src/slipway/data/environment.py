"""Where a run came from: code, packages, machine, command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Environment:
    """``id`` is the content hash of everything but ``captured_ns``. ``diff_blob`` is the uncommitted change as a patch,
    untracked files included; ``packages`` maps distribution to version; ``lock_blob`` is the lock file found beside the code."""

    id: str
    captured_ns: int
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    diff_blob: str | None = None
    repository: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    lock_file: str | None = None
    lock_blob: str | None = None
    python: str = ""
    platform: str = ""
    command: tuple[str, ...] = ()
    working_directory: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    project: str = "default"
