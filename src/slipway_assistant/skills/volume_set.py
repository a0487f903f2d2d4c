"""Louder, quieter, silent, or to a level: the machine's volume where it has a mixer, else the music player's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from slipway_assistant.backends import jukebox, loudness
from slipway_assistant.backends.loudness import Mixer
from slipway_assistant.backends.player import Player
from slipway_assistant.backends.sentences import player_errors
from slipway_assistant.backends.words import fold, kana
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill

STEP = 10
QUIET = 30
"""What is unmuted without a level from before: heard, and startling nobody."""


@skill("volume.set", timeout_s=8.0)
def set_volume(
    ctx: Context,
    *,
    action: Literal["up", "down", "mute", "unmute", "set"],
    level: int | None = None,
    device: Span = "",
) -> Answer:
    """Change how loud something plays.

    action: Louder, quieter, silent, audible again, or to `level`.
    level: Volume wanted, as the number said (percent, or a step from 0 to 10).
    device: Which loudspeaker, television or radio.
    """
    if action == "set" and level is None:
        return Answer(pick(ctx.lang, _HOW_LOUD), {"missing": "level"}, ok=False, ask="level")
    knob = _knob(ctx, device)
    now = knob.volume()
    if now is None:
        raise SkillError(_NONE, mend="install wpctl, pactl or amixer, or start the music player")
    before = _Before(ctx.folder / "volume.json")
    wanted = _wanted(ctx, action, level, now, before)
    if action == "mute" and now > 0:
        before.keep(now)
    knob.set(wanted)
    said = _SAID[action if action in ("mute", "unmute") else "set" if wanted else "mute"]
    if action in ("up", "down") and wanted == now:
        said = _MOST if action == "up" else _LEAST
    return Answer(pick(ctx.lang, said).format(wanted), {"level": wanted, "before": now})


def _wanted(ctx: Context, action: str, level: int | None, now: int, before: _Before) -> int:
    if action == "mute":
        return 0
    if action == "unmute":
        return now or before.level() or QUIET
    percent = _percent(level, ctx.heard) if level is not None else None
    if action == "set":
        return percent or 0
    # "Turn it up by 20" and "turn it up to 50" both come as up and a number; a number that lies the way is where to go.
    on_the_way = percent is not None and (percent > now if action == "up" else percent < now)
    if percent is not None and on_the_way and not re.search(r"\bby\b|\bde\b|だけ", ctx.heard.lower()):
        return percent
    step = percent or STEP
    return max(0, min(100, now + (step if action == "up" else -step)))


def _percent(level: int, heard: str) -> int:
    """A number up to ten is a step of ten, unless percent was said."""
    steps = 0 < level <= 10 and not re.search(r"%|％|per ?cent|pour ?cent|パーセント", heard.lower())
    return max(0, min(100, level * 10 if steps else level))


@dataclass(frozen=True, slots=True)
class _Knob:
    """The mixer of the machine, or else the player."""

    mixer: Mixer | None
    player: Player | None

    def volume(self) -> int | None:
        if self.mixer is not None:
            return self.mixer.volume()
        with player_errors():
            return self.player.volume() if self.player is not None else None

    def set(self, level: int) -> None:
        if self.mixer is not None:
            if not (self.mixer.set_volume(level) and self.mixer.set_muted(level == 0)):
                raise SkillError(_NONE, mend=f"see what {self.mixer.program} says")
        elif self.player is not None:
            with player_errors():
                self.player.set_volume(level)


def _knob(ctx: Context, device: str) -> _Knob:
    wants_player = re.search(kana(r"\bmusic|\bplayer|\bmpd\b|\bmpv\b|musique|lecteur|音楽|プレーヤー"), fold(device))
    mixer = None if wants_player else loudness.find()
    if mixer is not None or ctx.settings.player == "none":
        return _Knob(mixer, None)
    return _Knob(None, jukebox.player(ctx))


class _Before:
    """The level before it was muted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, level: int) -> None:
        beside = self._path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode({"level": level}))
            os.replace(beside, self._path)
        except OSError as error:
            raise SkillError(_NO_ROOM, mend=str(error)) from None

    def level(self) -> int:
        try:
            said = msgspec.json.decode(self._path.read_bytes())
            level = said.get("level") if isinstance(said, dict) else 0
        except (OSError, msgspec.DecodeError, RecursionError):
            return 0
        return level if isinstance(level, int) and 0 < level <= 100 else 0


_HOW_LOUD = {
    "en": "How loud, in percent?",
    "fr": "À quel niveau, en pour cent ?",
    "ja": "音量を何パーセントにしますか？",
}
_SAID = {
    "set": {"en": "Volume {} percent.", "fr": "Volume à {} pour cent.", "ja": "音量を{}パーセントにしました。"},
    "mute": {"en": "Muted.", "fr": "Son coupé.", "ja": "ミュートしました。"},
    "unmute": {"en": "Sound is back, at {} percent.", "fr": "Le son est remis, à {} pour cent.",
               "ja": "ミュートを解除しました。音量は{}パーセントです。"},
}  # fmt: skip
_MOST = {
    "en": "That is as loud as it gets.",
    "fr": "C'est déjà au maximum.",
    "ja": "これが最大の音量です。",
}
_LEAST = {
    "en": "It is silent already.",
    "fr": "Le son est déjà au minimum.",
    "ja": "これ以上小さくできません。",
}
_NONE = {
    "en": "Sorry, I find nothing whose volume I can change.",
    "fr": "Désolé, je ne trouve rien dont je puisse régler le volume.",
    "ja": "すみません、音量を変えられる機器が見つかりません。",
}
_NO_ROOM = {
    "en": "Sorry, I cannot note down how loud it was.",
    "fr": "Désolé, je n'arrive pas à noter le volume actuel.",
    "ja": "すみません、今の音量を記録できません。",
}
