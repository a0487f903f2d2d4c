"""What plays the music: MPD (mpd.py) or mpv (mpv.py). Start in `Player` and `open_player(settings)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slipway.errors import SlipwayError
from slipway_assistant.settings import Settings


@dataclass(frozen=True, slots=True)
class Playing:
    """What plays, or waits paused: `path` when it is a file, title and artist as far as they are known."""

    path: Path | None
    title: str = ""
    artist: str = ""
    paused: bool = False


class PlayerError(SlipwayError):
    """The player is not there, or did not do what it was told."""


class Player(Protocol):
    """What every player can do. Each method raises PlayerError where the player cannot be reached."""

    def play(self, files: Sequence[Path], *, shuffle: bool = False) -> None:
        """Play these instead of what played; repeating and shuffling end."""

    def now(self) -> Playing | None:
        """What plays or is paused; None when nothing is."""

    def next(self) -> None:
        """The next one; after the last one, nothing plays."""

    def previous(self) -> None:
        """The one before."""

    def pause(self) -> None:
        """Stop where it is."""

    def resume(self) -> None:
        """Go on where it was."""

    def shuffle(self) -> None:
        """What is still to come, in any order."""

    def repeat(self) -> None:
        """What plays now, again and again."""

    def volume(self) -> int | None:
        """From 0 to 100; None when the player does not say."""

    def set_volume(self, level: int) -> None:
        """From 0 to 100."""


def open_player(settings: Settings, folder: Path) -> Player:
    """The player that the settings name; `folder` is where one that is started here keeps its socket."""
    if settings.player == "mpd":
        from slipway_assistant.backends.mpd import Mpd

        return Mpd(settings.mpd, music=Path(settings.music_folder).expanduser())
    if settings.player == "mpv":
        from slipway_assistant.backends.mpv import Mpv

        return Mpv(folder)
    raise PlayerError("no player is set", mend="set player = 'mpv' or 'mpd' in assistant.toml")
