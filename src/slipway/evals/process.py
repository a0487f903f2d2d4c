"""Process: whether the one that runs an eval run is still there. A killed one cannot say so itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.data import EvalRun

GONE = "its process is gone; the same command goes on with it"


def this_process() -> dict[str, Any]:
    """Who runs: enough to tell later whether that process is still alive."""
    return {**_machine(), "pid": os.getpid(), "started": _started(os.getpid())}


def _machine() -> dict[str, Any]:
    # A container may have another's host name and numbers its processes anew: the name space tells the two apart.
    return {"host": socket.gethostname(), "space": _pid_space(), "boot": _read("/proc/sys/kernel/random/boot_id")}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process of a run may still be running. One of another machine or container may: nothing here can tell."""
    here, pid = _machine(), process.get("pid")
    if process.get("host") != here["host"]:
        return bool(process)
    if process.get("boot", here["boot"]) != here["boot"]:
        return False  # this machine was started again
    if process.get("space", here["space"]) != here["space"]:
        return True
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, who may hide when it began
        return _started(pid) in (None, process.get("started"))
    # A pid is used again; together with the moment it began it is not.
    return process.get("started") == _started(pid)


def as_it_is(run: EvalRun) -> EvalRun:
    """The run, as interrupted when it says "running" and no process runs it."""
    if run.status != "running" or is_alive(run.config.get("process", {})):
        return run
    return replace(run, status="interrupted", summary={**run.summary, "reason": GONE})


def _started(pid: int) -> str | None:
    # Linux: field 22 of stat, in ticks since boot.
    stat = _read(f"/proc/{pid}/stat")
    if stat is None:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state == "Z" else rest[18]


def _pid_space() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
