"""Play music from the person's own library: by title, artist, album, playlist, genre or year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway_assistant.backends import jukebox
from slipway_assistant.backends.library import Library, Track, Wish
from slipway_assistant.backends.sentences import player_errors
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill


@skill("music.play", timeout_s=12.0)
def play(
    ctx: Context,
    *,
    song: Span = "",
    artist: Span = "",
    album: Span = "",
    playlist: Span = "",
    genre: Span = "",
    year: Span = "",
    service: Span = "",
) -> Answer:
    """Start playing music that the person chooses by title, artist, style, year or service.

    song: Title of the song.
    artist: Singer, band, composer or DJ.
    album: Title of the album or soundtrack.
    playlist: Name of the playlist, without the word playlist.
    genre: Style or mood of the music, such as jazz.
    year: Year or decade the music is from, as it was said.
    service: Streaming service or app to play it with.
    """
    wish = Wish(song, artist, album, genre, year)
    player = jukebox.player(ctx)
    if wish == Wish() and not playlist:
        with player_errors():
            waiting = player.now()
            if waiting is not None and waiting.paused:
                player.resume()
                return _answer(ctx, _RESUMED, [jukebox.current(ctx, waiting)])
    shelf, whole = jukebox.known(ctx)
    chosen = _choose(ctx, shelf, wish, playlist)
    if not chosen.tracks:
        raise _not_found(ctx, shelf, chosen.what, whole)
    with player_errors():
        player.play([track.path for track in chosen.tracks[: jukebox.MOST_QUEUED]], shuffle=chosen.mixed)
    _count(ctx, chosen.tracks, wish)
    return _answer(ctx, _LABELS[chosen.label], chosen.tracks, chosen.name, service)


@dataclass(frozen=True, slots=True)
class _Chosen:
    tracks: Sequence[Track]
    label: str
    name: str = ""
    mixed: bool = False
    what: str = ""


def _choose(ctx: Context, shelf: Library, wish: Wish, playlist: str) -> _Chosen:
    """What to play and how to call it; a mood that is no genre may be the name of a playlist."""
    what = " ".join(part for part in (wish.song, wish.album, wish.artist, wish.genre, wish.year, playlist) if part)
    for name in (playlist, wish.genre, wish.song):
        if name and (name == playlist or not jukebox.find(shelf, wish)):
            found = jukebox.playlists(ctx).find(name)
            if found:
                files = jukebox.playlists(ctx).files(found[1])
                return _Chosen(jukebox.tracks_of(shelf, files), "playlist", found[0], what=what)
    if playlist and wish == Wish():
        return _Chosen([], "playlist", what=what)
    tracks = jukebox.find(shelf, wish)
    if wish.song and len(tracks) == 1:
        return _Chosen(tracks, "song", what=what)
    if tracks and (wish.album or (wish.song and jukebox.same(tracks[0].album, wish.song))):
        return _Chosen(tracks, "album", tracks[0].album, what=what)
    if tracks and (wish.artist or wish.song):
        return _Chosen(tracks, "artist", tracks[0].artist, mixed=True, what=what)
    if wish.genre:
        return _Chosen(tracks, "genre", wish.genre, mixed=True, what=what)
    return _Chosen(tracks, "year" if wish.year else "all", wish.year, mixed=True, what=what)


def _count(ctx: Context, tracks: Sequence[Track], wish: Wish) -> None:
    """Remember what was asked for: what is asked for often is a favourite."""
    if len(tracks) == 1:
        ctx.memory.count("song", tracks[0].title)
    artists = {track.artist for track in tracks if track.artist}
    if len(artists) == 1 and (wish.artist or wish.song):
        ctx.memory.count("artist", artists.pop())
    if wish.genre:
        ctx.memory.count("genre", wish.genre)


def _answer(ctx: Context, label: dict[str, str], tracks: Sequence[Track], name: str = "", service: str = "") -> Answer:
    first = tracks[0]
    title = called(ctx.lang, first)
    text = pick(ctx.lang, label).format(title=title, name=name, count=len(tracks))
    if service:
        text = pick(ctx.lang, _NO_SERVICE).format(service=service) + text
    return Answer(text, {"tracks": [str(track.path) for track in tracks[:20]], "count": len(tracks)})


def called(lang: str, track: Track) -> str:
    """A track as it is said: title and artist."""
    if not track.artist:
        return track.title
    return pick(lang, _BY).format(title=track.title, artist=track.artist)


def _not_found(ctx: Context, shelf: Library, what: str, whole: bool) -> SkillError:
    if not whole:
        return SkillError(_READING, mend="ask again in a minute")
    if not shelf.tracks():
        return SkillError(_EMPTY, mend=f"put music into {shelf.folder}, or set music-folder in assistant.toml")
    return SkillError(
        {lang: text.format(what=what) for lang, text in _MISSING.items()}, mend=f"add it to {shelf.folder}"
    )


_BY = {"en": "{title} by {artist}", "fr": "{title} par {artist}", "ja": "{artist}の{title}"}
_LABELS = {
    "song": {"en": "Playing {title}.", "fr": "Voici {title}.", "ja": "{title}を再生します。"},
    "album": {"en": "Playing the album {name}.", "fr": "Voici l'album {name}.", "ja": "アルバム{name}を再生します。"},
    "artist": {"en": "Playing music by {name}.", "fr": "Je mets {name}.", "ja": "{name}の曲を再生します。"},
    "playlist": {
        "en": "Playing your playlist {name}.",
        "fr": "Je lance la playlist {name}.",
        "ja": "プレイリスト{name}を再生します。",
    },
    "genre": {
        "en": "Playing some {name}, starting with {title}.",
        "fr": "Voici un peu de {name}.",
        "ja": "{name}の曲を再生します。",
    },
    "year": {
        "en": "Playing music from {name}.",
        "fr": "Voici de la musique : {name}.",
        "ja": "{name}の曲を再生します。",
    },
    "all": {"en": "Playing your music.", "fr": "Je mets votre musique.", "ja": "音楽を再生します。"},
}
_RESUMED = {"en": "Going on with {title}.", "fr": "Je reprends {title}.", "ja": "{title}の続きを再生します。"}
_NO_SERVICE = {
    "en": "I cannot use {service}, but I have this in your own music. ",
    "fr": "Je ne peux pas utiliser {service}, mais j'ai ceci dans votre musique. ",
    "ja": "{service}は使えませんが、お手持ちの音楽にありました。",
}
_MISSING = {
    "en": "I did not find {what} in your music.",
    "fr": "Je n'ai pas trouvé {what} dans votre musique.",
    "ja": "お手持ちの音楽に{what}は見つかりませんでした。",
}
_EMPTY = {
    "en": "There is no music in your music folder yet.",
    "fr": "Il n'y a pas encore de musique dans votre dossier.",
    "ja": "音楽フォルダーにまだ曲がありません。",
}
_READING = {
    "en": "I am still reading your music. Please ask me again in a moment.",
    "fr": "Je suis encore en train de parcourir votre musique. Redemandez-moi dans un instant.",
    "ja": "まだ音楽を読み込んでいます。少ししてからもう一度お願いします。",
}
