"""A house that is only remembered: devices learned when they are first named, and how they were left, in one file.

It is what the assistant uses without Home Assistant; home.json may be written by hand, and another program may act on it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from slipway_assistant.backends.house import Change, Device, HouseError, Kind, is_risky
from slipway_assistant.backends.words import fold

MOST_DEVICES = 500
STEP = 20


class Home:
    """The house in `folder`/home.json."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "home.json"

    def devices(self) -> list[Device]:
        """All that was named or written down."""
        return list(self._read().values())

    def learn(self, name: str, kind: Kind, room: str) -> Device | None:
        """A new device of that name and room; None when there are as many as anybody may name."""
        with self._alone():
            devices = self._read()
            key = fold(f"{room} {name}").replace(" ", "_")[:80] or kind
            if key not in devices:
                if len(devices) >= MOST_DEVICES:
                    return None
                devices[key] = Device(key, name[:80], kind, room[:80], is_risky(name, kind))
                self._write(devices)
            return devices[key]

    def change(self, devices: list[Device], change: Change) -> None:
        """Note it down."""
        with self._alone():
            there = self._read()
            for device in devices:
                now = there.get(device.id, device)
                there[device.id] = replace(now, state=_changed(now, change))
            self._write(there)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise HouseError(
                f"{self._path} cannot be written: {error}", mend="see that its folder may be written"
            ) from None

    def _read(self) -> dict[str, Device]:
        try:
            raw = msgspec.json.decode(self._path.read_bytes())
            made = msgspec.convert(raw["devices"], list[Device])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, KeyError, TypeError, RecursionError) as error:
            # Half a file would otherwise be written over with next to nothing.
            raise HouseError(f"{self._path} is damaged: {error}", mend="correct or remove it") from None
        return {device.id: device for device in made}

    def _write(self, devices: dict[str, Device]) -> None:
        data: dict[str, Any] = {"version": 1, "devices": list(devices.values())}
        beside = self._path.with_suffix(f".{os.getpid()}.tmp")
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=2))
        os.replace(beside, self._path)


def _changed(device: Device, change: Change) -> dict[str, object]:
    state = dict(device.state)
    if device.kind in ("cover", "lock"):
        wanted = {"open": 100, "off": 100, "close": 0, "on": 0}.get(change.action, change.level)
        if device.kind == "lock":
            return {**state, "locked": not wanted}
        return {**state, "open": wanted if wanted is not None else state.get("open", 0)}
    if change.action in ("on", "off", "open", "close"):
        state["on"] = change.action in ("on", "open")
    if change.action in ("dim", "brighten"):
        held = state.get("level", 100 if state.get("on") else 0)
        now = held if isinstance(held, int) else 100
        step = -STEP if change.action == "dim" else STEP
        state["level"] = change.level if change.level is not None else max(1, min(100, now + step))
        state["on"] = True
    if change.action in ("set", "on"):
        if change.level is not None:
            state |= {"level": change.level, "on": change.level > 0 or device.kind == "climate"}
        if change.color:
            state |= {"color": change.color, "on": True}
    return state
