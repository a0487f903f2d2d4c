"""How loud the machine is: by wpctl (PipeWire), pactl (PulseAudio) or amixer (ALSA), the first that answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Mixer:
    """One program that sets the volume; `{}` in a command is the level from 0 to 100."""

    program: str
    tell: tuple[str, ...]
    level: tuple[str, ...]
    mute: tuple[str, ...]
    unmute: tuple[str, ...]
    pattern: str
    """Finds the level in what `tell` prints."""
    scale: float = 1.0

    def volume(self) -> int | None:
        """From 0 to 100; None when the program is not there or knows no loudspeaker."""
        said = _run([self.program, *self.tell])
        found = re.search(self.pattern, said or "")
        return round(min(float(found[1]) * self.scale, 100)) if found else None

    def set_volume(self, level: int) -> bool:
        """Whether it was set."""
        return _run([self.program, *(part.format(level) for part in self.level)]) is not None

    def set_muted(self, muted: bool) -> bool:
        """Whether it was set."""
        return _run([self.program, *(self.mute if muted else self.unmute)]) is not None


MIXERS = (
    Mixer(
        "wpctl",
        ("get-volume", "@DEFAULT_AUDIO_SINK@"),
        ("set-volume", "@DEFAULT_AUDIO_SINK@", "{}%"),
        ("set-mute", "@DEFAULT_AUDIO_SINK@", "1"),
        ("set-mute", "@DEFAULT_AUDIO_SINK@", "0"),
        r"Volume: (\d+\.\d+)",
        100.0,
    ),
    Mixer(
        "pactl",
        ("get-sink-volume", "@DEFAULT_SINK@"),
        ("set-sink-volume", "@DEFAULT_SINK@", "{}%"),
        ("set-sink-mute", "@DEFAULT_SINK@", "1"),
        ("set-sink-mute", "@DEFAULT_SINK@", "0"),
        r"(\d{1,3})%",
    ),
    Mixer(
        "amixer",
        ("-M", "sget", "Master"),
        ("-M", "sset", "Master", "{}%"),
        ("sset", "Master", "mute"),
        ("sset", "Master", "unmute"),
        r"\[(\d{1,3})%\]",
    ),
)


def find() -> Mixer | None:
    """The first mixer that knows how loud the machine is."""
    return next((mixer for mixer in MIXERS if shutil.which(mixer.program) and mixer.volume() is not None), None)


def _run(command: Sequence[str]) -> str | None:
    """What it printed; None when it failed."""
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
