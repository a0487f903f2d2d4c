"""Add a song, an album, an artist, or what plays now to a playlist; one that is not there yet is made."""

from __future__ import annotations

from slipway.errors import DataError
from slipway_assistant.backends import jukebox
from slipway_assistant.backends.library import Library, Track, Wish
from slipway_assistant.backends.sentences import player_errors
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill
from slipway_assistant.skills.music_play import called

MOST_ADDED = 100


@skill(
    "playlist.add",
    timeout_s=10.0,
    ask={
        "playlist": {
            "en": "To which playlist?",
            "fr": "À quelle playlist ?",
            "ja": "どのプレイリストに追加しますか？",
        }
    },
)
def add(ctx: Context, *, playlist: Span, song: Span = "", artist: Span = "") -> Answer:
    """Add a song, or something by an artist, to one of the person's playlists.

    playlist: Name of the playlist that grows, without the word playlist.
    song: Title of the song or album to add.
    artist: Artist to add, or of the song to add.
    """
    shelf, whole = jukebox.known(ctx)
    tracks = _tracks(ctx, shelf, song, artist)
    if not tracks:
        what = {
            lang: text.format(what=" ".join(part for part in (song, artist) if part)) for lang, text in _MISSING.items()
        }
        raise SkillError(what if whole else _READING, mend=f"add it to {shelf.folder}")
    try:
        name, new = jukebox.playlists(ctx).add(playlist, tracks[:MOST_ADDED])
    except (OSError, DataError) as error:
        raise SkillError(_UNWRITABLE, mend=str(error)) from None
    one = len(tracks) == 1
    said = (_ADDED if one else _ADDED_MANY) if new else _THERE
    text = pick(ctx.lang, said).format(title=called(ctx.lang, tracks[0]), count=new, name=name)
    return Answer(text, {"playlist": name, "added": new, "tracks": [str(track.path) for track in tracks[:20]]})


def _tracks(ctx: Context, shelf: Library, song: str, artist: str) -> list[Track]:
    if song or artist:
        return jukebox.find(shelf, Wish(song=song, artist=artist))
    with player_errors():
        playing = jukebox.player(ctx).now()
    if playing is None or playing.path is None:
        raise SkillError(_WHAT, mend="name the song")
    return [jukebox.current(ctx, playing)]


_ADDED = {
    "en": "I added {title} to {name}.",
    "fr": "J'ai ajouté {title} à {name}.",
    "ja": "{title}を{name}に追加しました。",
}
_ADDED_MANY = {
    "en": "I added {count} songs to {name}.",
    "fr": "J'ai ajouté {count} morceaux à {name}.",
    "ja": "{count}曲を{name}に追加しました。",
}
_THERE = {
    "en": "That is already on {name}.",
    "fr": "C'est déjà dans {name}.",
    "ja": "それはもう{name}に入っています。",
}
_WHAT = {
    "en": "Nothing is playing. Which song should I add?",
    "fr": "Il n'y a rien en lecture. Quel morceau dois-je ajouter ?",
    "ja": "今は何も再生していません。どの曲を追加しますか？",
}
_MISSING = {
    "en": "I did not find {what} in your music.",
    "fr": "Je n'ai pas trouvé {what} dans votre musique.",
    "ja": "お手持ちの音楽に{what}は見つかりませんでした。",
}
_READING = {
    "en": "I am still reading your music. Please ask me again in a moment.",
    "fr": "Je suis encore en train de parcourir votre musique. Redemandez-moi dans un instant.",
    "ja": "まだ音楽を読み込んでいます。少ししてからもう一度お願いします。",
}
_UNWRITABLE = {
    "en": "Sorry, I cannot write the playlist.",
    "fr": "Désolé, je n'arrive pas à écrire la playlist.",
    "ja": "すみません、プレイリストに書き込めません。",
}
