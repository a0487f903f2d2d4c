"""The music of one assistant: its library, its playlists and its player, as the settings say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from slipway.errors import MissingExtra
from slipway_assistant.backends.library import Library, Track, Wish
from slipway_assistant.backends.player import Player, Playing, open_player
from slipway_assistant.backends.playlists import Playlists
from slipway_assistant.backends.sentences import missing, player_errors
from slipway_assistant.backends.words import fold
from slipway_assistant.skill import Context

READS_FOR = timedelta(seconds=2.5)
MOST_QUEUED = 500


def library(ctx: Context) -> Library:
    """The person's music, by the index in the assistant's folder."""
    return Library(Path(ctx.settings.music_folder).expanduser(), index=ctx.folder / "music.db")


def playlists(ctx: Context) -> Playlists:
    """The person's playlists."""
    return Playlists(ctx.folder / "playlists", music=Path(ctx.settings.music_folder).expanduser())


def player(ctx: Context) -> Player:
    """The player that is set; spoken errors where there is none."""
    with player_errors():
        return open_player(ctx.settings, ctx.folder)


def known(ctx: Context) -> tuple[Library, bool]:
    """The library with what is new in it, and whether all of it was read in time."""
    shelf = library(ctx)
    try:
        return shelf, shelf.refresh(READS_FOR)
    except MissingExtra as error:
        raise missing(error) from None


def find(shelf: Library, wish: Wish) -> list[Track]:
    """What fits, where what was taken for a song may be an album or an artist too."""
    found = shelf.find(wish)
    if found or not wish.song:
        return found
    others = {"album": wish.song} if not wish.album else {}
    for change in (others, {"artist": wish.song} if not wish.artist else {}):
        if change:
            kept = {"artist": wish.artist, "album": wish.album, "genre": wish.genre, "year": wish.year}
            found = shelf.find(Wish(**{**kept, **change}))
            if found:
                return found
    return []


def tracks_of(shelf: Library, files: Sequence[Path]) -> list[Track]:
    """The tracks of these files, in their order; one the library does not know is called by its name."""
    by_path = {track.path: track for track in shelf.tracks()}
    return [by_path.get(file) or Track(file, file.stem) for file in files]


def current(ctx: Context, playing: Playing) -> Track:
    """What plays, as the library knows it; as the player says where it does not."""
    if playing.path is not None:
        for track in library(ctx).tracks():
            if track.path == playing.path:
                return track
    title = playing.title or (playing.path.stem if playing.path else "")
    return Track(playing.path or Path(), title, playing.artist)


def same(one: str, other: str) -> bool:
    """Whether two names are the same apart from case, accents and signs."""
    return fold(one) == fold(other)
