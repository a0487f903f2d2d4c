"""Music: what is asked for plays, through a real MPD and a real mpv, and what was played is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import music_here
from music_here import until, write_songs
from slipway_assistant.backends import jukebox, mpd, mpv
from slipway_assistant.backends.player import Player, PlayerError, Playing
from slipway_assistant.settings import Settings
from web_here import Listener


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    write_songs(folder)
    return folder


@pytest.fixture(scope="module")
def address(music: Path) -> Iterator[str]:
    with music_here.mpd(music) as address:
        yield address


@pytest.fixture(scope="module")
def mpv_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a name longer than the address of a socket may be, in which one mpv runs for all tests."""
    folder = tmp_path_factory.mktemp("long" * 30)
    yield folder
    mpv.Mpv(folder).quit()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mpd, "TIMEOUT_S", 120.0)
    monkeypatch.setattr(mpd, "UPDATE_S", 120.0)
    monkeypatch.setattr(mpv, "TIMEOUT_S", 120.0)
    monkeypatch.setattr(mpv, "START_S", 120.0)
    monkeypatch.setattr(jukebox, "READS_FOR", timedelta(seconds=120))
    # The person's own settings of mpv are used; this person's loudspeaker is nowhere.
    (tmp_path / "mpv").mkdir()
    (tmp_path / "mpv" / "mpv.conf").write_text("ao=null\n")
    monkeypatch.setenv("MPV_HOME", str(tmp_path / "mpv"))


@pytest.fixture
def listener(tmp_path: Path, music: Path, address: str) -> Listener:
    someone = Listener(tmp_path / "kept")
    someone.settings = Settings(timezone="Europe/Paris", music_folder=str(music), player="mpd", mpd=address)
    return someone


@pytest.fixture(params=["mpd", "mpv"])
def player(request: pytest.FixtureRequest, music: Path, address: str, mpv_folder: Path) -> Player:
    return mpd.Mpd(address, music=music) if request.param == "mpd" else mpv.Mpv(mpv_folder)


def plays(player: Player) -> Playing:
    """What plays, as soon as something does and its tags are read."""
    found: list[Playing] = []

    def named() -> bool:
        now = player.now()
        if now is not None and now.title:
            found.append(now)
        return bool(found)

    until(named, "music")
    return found[-1]


def three(music: Path) -> list[Path]:
    return [music / "The_Beatles" / f"{at}.mp3" for at in range(3)]


def test_every_player_plays_goes_on_back_pauses_and_says_what_it_is(player: Player, music: Path) -> None:
    player.play(three(music))
    now = plays(player)
    assert (now.path, now.title, now.artist, now.paused) == (three(music)[0], "Yellow Submarine", "The Beatles", False)
    player.next()
    until(lambda: plays(player).title == "Eleanor Rigby", "the next song")
    player.previous()
    until(lambda: plays(player).title == "Yellow Submarine", "the song before")
    player.pause()
    until(lambda: plays(player).paused, "the pause")
    player.resume()
    until(lambda: not plays(player).paused, "the music")
    player.shuffle()
    player.repeat()
    assert plays(player).title


def test_every_player_sets_its_volume(player: Player, music: Path) -> None:
    player.play(three(music))
    plays(player)
    for level in (35, 0, 80):
        player.set_volume(level)
        until(lambda level=level: player.volume() == level, "the volume")


def test_every_player_plays_what_is_asked_last_and_nothing_after_the_end(player: Player, music: Path) -> None:
    player.play(three(music), shuffle=True)
    plays(player)
    player.play([three(music)[2]])
    until(lambda: plays(player).title == "Hey Jude", "the song asked for last")
    player.next()
    until(lambda: player.now() is None, "the end")
    with pytest.raises(PlayerError, match="nothing plays"):
        player.next()


def test_a_player_that_is_not_there_is_an_error_with_a_mend(tmp_path: Path, music: Path) -> None:
    with pytest.raises(PlayerError, match="set mpd = "):
        mpd.Mpd(str(tmp_path / "nobody"), music=music).now()
    with pytest.raises(PlayerError, match="apt-get install mpv"):
        mpv.Mpv(tmp_path / "new", program="no-such-mpv").play(three(music))
    assert mpv.Mpv(tmp_path / "new").now() is None


def test_mpv_is_started_once_and_found_again(mpv_folder: Path, music: Path) -> None:
    mpv.Mpv(mpv_folder).play(three(music))
    plays(mpv.Mpv(mpv_folder))
    other = mpv.Mpv(mpv_folder)
    other.next()
    until(lambda: plays(other).title == "Eleanor Rigby", "the next song")
    mpv.Mpv(mpv_folder).quit()
    until(lambda: other.now() is None, "the end of mpv")
    other.play([three(music)[2]])
    until(lambda: plays(other).title == "Hey Jude", "the song of the new mpv")


def test_a_file_that_mpd_does_not_know_yet_plays(listener: Listener, music: Path, address: str) -> None:
    new = music / "new" / "new.mp3"
    new.parent.mkdir()
    new.write_bytes(three(music)[0].read_bytes())
    music_here.tag(new, title="Brand New Song", artist="Nobody Yet")
    try:
        assert listener.asks("music.play", song="brand new song").ok
        assert plays(mpd.Mpd(address, music=music)).title == "Brand New Song"
    finally:
        new.unlink()
        new.parent.rmdir()


@pytest.mark.parametrize(
    ("wish", "lang", "said", "titles"),
    [
        ({"song": "yellow submarine"}, "en", "Playing Yellow Submarine by The Beatles.", {"Yellow Submarine"}),
        ({"song": "sous le vent"}, "fr", "Voici Sous le vent par Garou & Céline Dion.", {"Sous le vent"}),
        ({"song": "さくら"}, "ja", "森山直太朗のさくらを再生します。", {"さくら"}),
        ({"artist": "miles davis"}, "en", "Playing music by Miles Davis.", {"So What", "Blue in Green"}),
        ({"song": "miles davis"}, "en", "Playing music by Miles Davis.", {"So What", "Blue in Green"}),
        ({"album": "revolver"}, "fr", "Voici l'album Revolver.", {"Yellow Submarine"}),
        ({"genre": "jazz"}, "ja", "jazzの曲を再生します。", {"So What", "Blue in Green"}),
        ({"year": "fifties"}, "en", "Playing music from fifties.", {"So What", "Blue in Green"}),
    ],
)
def test_what_is_asked_for_plays(
    listener: Listener, music: Path, address: str, wish: dict[str, str], lang: str, said: str, titles: set[str]
) -> None:
    answer = listener.asks("music.play", lang=lang, **wish)
    assert (answer.text, answer.ok) == (said, True)
    assert plays(mpd.Mpd(address, music=music)).title in titles


def test_what_is_not_there_is_said_and_nothing_changes(listener: Listener, music: Path, address: str) -> None:
    listener.asks("music.play", song="hey jude")
    for lang, said in (
        ("en", "I did not find bohemian rhapsody queen in your music."),
        ("fr", "Je n'ai pas trouvé bohemian rhapsody queen dans votre musique."),
        ("ja", "お手持ちの音楽にbohemian rhapsody queenは見つかりませんでした。"),
    ):
        answer = listener.asks("music.play", lang=lang, song="bohemian rhapsody", artist="queen")
        assert (answer.text, answer.ok) == (said, False)
    assert plays(mpd.Mpd(address, music=music)).title == "Hey Jude"


def test_a_service_that_cannot_be_used_is_said_and_the_own_music_plays(listener: Listener) -> None:
    answer = listener.asks("music.play", song="hey jude", service="Spotify")
    assert answer.text == "I cannot use Spotify, but I have this in your own music. Playing Hey Jude by The Beatles."


def test_an_empty_folder_is_said(listener: Listener, tmp_path: Path) -> None:
    listener.settings = Settings(music_folder=str(tmp_path / "none"), player="mpd", mpd="127.0.0.1:1")
    assert listener.asks("music.play", song="hey jude").text == "There is no music in your music folder yet."


def test_what_was_asked_for_three_times_is_the_favourite(listener: Listener) -> None:
    for _ in range(3):
        listener.asks("music.play", song="eleanor rigby")
    assert listener.memory.favourite("song") == "Eleanor Rigby"
    assert listener.memory.favourite("artist") == "The Beatles"


def test_music_is_controlled_and_named(listener: Listener, music: Path, address: str) -> None:
    listener.asks("music.play", album="revolver")
    player = mpd.Mpd(address, music=music)
    plays(player)
    assert listener.asks("music.control", action="identify").text == "This is Yellow Submarine by The Beatles."
    assert listener.asks("music.control", lang="ja", action="next").text == "次の曲です。"
    assert plays(player).title == "Eleanor Rigby"
    assert listener.asks("music.control", lang="fr", action="pause").text == "En pause."
    assert plays(player).paused
    assert listener.asks("music.play").text == "Going on with Eleanor Rigby by The Beatles."
    assert not plays(player).paused
    assert listener.asks("music.control", action="previous").ok
    assert plays(player).title == "Yellow Submarine"


def test_where_nothing_plays_that_is_said(listener: Listener, tmp_path: Path) -> None:
    listener.settings = Settings(player="mpv", music_folder=str(tmp_path))
    for action in ("identify", "next", "pause", "resume", "shuffle"):
        answer = listener.asks("music.control", lang="fr", action=action)
        assert (answer.text, answer.ok) == ("Il n'y a rien en lecture.", False)


def test_where_no_player_answers_that_is_said(listener: Listener, music: Path, tmp_path: Path) -> None:
    for settings in (
        Settings(player="mpd", mpd=str(tmp_path / "nobody"), music_folder=str(music)),
        Settings(player="none", music_folder=str(music)),
    ):
        listener.settings = settings
        answer = listener.asks("music.play", song="hey jude")
        assert (answer.text, answer.ok) == ("Sorry, I cannot reach the music player.", False)


def test_a_song_goes_on_a_playlist_that_then_plays(listener: Listener, music: Path, address: str) -> None:
    assert listener.asks("playlist.add", playlist="road trip", song="hey jude").text == (
        "I added Hey Jude by The Beatles to road trip."
    )
    assert listener.asks("playlist.add", playlist="Road Trip", song="hey jude").text == "That is already on road trip."
    assert listener.asks("playlist.add", lang="ja", playlist="road trip", artist="miles davis").text == (
        "2曲をroad tripに追加しました。"
    )
    assert listener.asks("music.play", playlist="road trip").text == "Playing your playlist road trip."
    assert plays(mpd.Mpd(address, music=music)).title == "Hey Jude"


def test_what_plays_now_goes_on_a_playlist(listener: Listener, address: str, music: Path) -> None:
    listener.asks("music.play", song="so what")
    plays(mpd.Mpd(address, music=music))
    answer = listener.asks("playlist.add", lang="fr", playlist="calme")
    assert answer.text == "J'ai ajouté So What par Miles Davis à calme."


def test_which_playlist_is_asked(listener: Listener) -> None:
    answer = listener.asks("playlist.add", lang="fr", song="hey jude")
    assert (answer.ask, answer.text) == ("playlist", "À quelle playlist ?")
