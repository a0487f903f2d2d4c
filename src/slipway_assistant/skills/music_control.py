"""Next, previous, pause, resume, shuffle, repeat; and what plays."""

from __future__ import annotations

from typing import Literal

from slipway_assistant.backends import jukebox
from slipway_assistant.backends.player import PlayerError
from slipway_assistant.backends.sentences import player_errors
from slipway_assistant.skill import Answer, Context, pick, skill
from slipway_assistant.skills.music_play import called


@skill("music.control", timeout_s=8.0)
def control(
    ctx: Context,
    *,
    action: Literal["next", "previous", "pause", "resume", "shuffle", "repeat", "identify"],
) -> Answer:
    """Control the music that is playing now, or tell what it is.

    action: What to do with the music that plays; identify tells its title and artist.
    """
    player = jukebox.player(ctx)
    with player_errors():
        if action == "identify":
            playing = player.now()
            if playing is None:
                raise PlayerError("nothing plays")
            track = jukebox.current(ctx, playing)
            title = called(ctx.lang, track) or pick(ctx.lang, _UNNAMED)
            data = {"title": track.title, "artist": track.artist, "album": track.album}
            return Answer(pick(ctx.lang, _SAID[action]).format(title=title), data)
        getattr(player, action)()
    return Answer(pick(ctx.lang, _SAID[action]), {"action": action})


_UNNAMED = {"en": "something without a name", "fr": "un morceau sans titre", "ja": "名前のない曲"}
_SAID = {
    "next": {"en": "Next one.", "fr": "Morceau suivant.", "ja": "次の曲です。"},
    "previous": {"en": "Back to the one before.", "fr": "Morceau précédent.", "ja": "前の曲に戻ります。"},
    "pause": {"en": "Paused.", "fr": "En pause.", "ja": "一時停止しました。"},
    "resume": {"en": "Going on.", "fr": "Je reprends la lecture.", "ja": "再生を続けます。"},
    "shuffle": {"en": "Shuffling.", "fr": "Lecture aléatoire.", "ja": "シャッフルします。"},
    "repeat": {"en": "I will repeat this one.", "fr": "Je répète ce morceau.", "ja": "この曲を繰り返します。"},
    "identify": {"en": "This is {title}.", "fr": "C'est {title}.", "ja": "これは{title}です。"},
}
