"""The library: what is in the tags of every kind of file, kept, read again when it changes, and found as people say it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from music_here import SONGS, encode, tag, write_songs
from slipway_assistant.backends.library import Library, Track, Wish, years
from slipway_assistant.backends.playlists import Playlists


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    write_songs(folder)
    return folder


@pytest.fixture
def library(music: Path, tmp_path: Path) -> Library:
    shelf = Library(music, index=tmp_path / "music.db")
    assert shelf.refresh()
    return shelf


def titles(tracks: list[Track]) -> list[str]:
    return [track.title for track in tracks]


def test_tags_of_every_kind_of_file_are_read(tmp_path: Path) -> None:
    for ending, codec in (("ogg", "libvorbis"), ("flac", "flac"), ("m4a", "aac"), ("opus", "libopus")):
        path = encode(tmp_path / f"song.{ending}", codec)
        tag(
            path,
            title=f"Title {ending}",
            artist="Björk",
            album="Début",
            genre="Pop",
            date="1993-07-05",
            tracknumber="4",
        )
    shelf = Library(tmp_path, index=tmp_path / "music.db")
    shelf.refresh()
    found = {track.path.suffix: track for track in shelf.tracks()}
    assert set(found) == {".ogg", ".flac", ".m4a", ".opus"}
    for suffix, track in found.items():
        assert track.title == f"Title {suffix[1:]}"
        assert (track.artist, track.album, track.genre, track.year, track.number) == ("Björk", "Début", "Pop", 1993, 4)


def test_a_file_without_tags_is_known_by_its_name(tmp_path: Path) -> None:
    for name in ("Nina Simone - Feeling Good.mp3", "03 Interlude.mp3", "noise.flac", "not music.txt", ".hidden.mp3"):
        (tmp_path / name).write_bytes(b"\x00\xff garbage" * 50)
    shelf = Library(tmp_path, index=tmp_path / "music.db")
    shelf.refresh()
    assert {(track.title, track.artist) for track in shelf.tracks()} == {
        ("Feeling Good", "Nina Simone"), ("Interlude", ""), ("noise", ""),
    }  # fmt: skip


def test_hostile_tags_become_one_line_of_bounded_text(tmp_path: Path) -> None:
    path = write_songs(tmp_path)[0]
    tag(path, title="A\x1b[31m\n\u202eB" + "x" * 5_000)
    shelf = Library(tmp_path, index=tmp_path / "music.db")
    shelf.refresh()
    title = next(track.title for track in shelf.tracks() if track.path == path)
    assert title.startswith("A [31m B")
    assert len(title) <= 300
    assert title.isprintable()


def test_a_name_that_is_no_utf8_is_found_again(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.mp3"
    with open(raw, "wb") as file:
        file.write(b"x")
    shelf = Library(tmp_path, index=tmp_path / "music.db")
    shelf.refresh()
    assert [os.fsencode(track.path) for track in shelf.tracks()] == [raw]


def test_what_changes_is_read_again_and_what_is_gone_is_forgotten(tmp_path: Path) -> None:
    paths = write_songs(tmp_path)
    shelf = Library(tmp_path, index=tmp_path / "music.db")
    shelf.refresh()
    tag(paths[0], title="Green Submarine")
    os.utime(paths[0], ns=(1, 1))
    paths[1].unlink()
    shelf.refresh()
    assert "Green Submarine" in titles(shelf.tracks())
    assert len(shelf.tracks()) == len(SONGS) - 1
    assert "Eleanor Rigby" not in titles(shelf.tracks())


def test_what_did_not_change_is_not_read_again(library: Library, music: Path, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "music.db") as sql:
        sql.execute("UPDATE tracks SET title = 'kept' WHERE title = 'Hey Jude'")
    sql.close()
    library.refresh()
    assert "kept" in titles(library.tracks())


def test_a_damaged_index_is_made_again(music: Path, tmp_path: Path) -> None:
    (tmp_path / "music.db").write_bytes(b"this is no database" * 500)
    shelf = Library(music, index=tmp_path / "music.db")
    shelf.refresh()
    assert len(shelf.tracks()) == len(SONGS)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(song="yellow submarine"), ["Yellow Submarine"]),
        (Wish(song="yelow submarin"), ["Yellow Submarine"]),
        (Wish(song="hey jude", artist="beatles"), ["Hey Jude"]),
        (Wish(song="hey jude", artist="miles davis"), []),
        (Wish(artist="the beatels"), ["Hey Jude", "Yellow Submarine", "Eleanor Rigby"]),
        (Wish(artist="celine dion"), ["Sous le vent"]),
        (Wish(album="kind of blue"), ["So What", "Blue in Green"]),
        (Wish(genre="jazz"), ["So What", "Blue in Green"]),
        (Wish(year="1966"), ["Yellow Submarine", "Eleanor Rigby"]),
        (Wish(artist="beatles", year="sixties"), ["Hey Jude", "Yellow Submarine", "Eleanor Rigby"]),
        (Wish(genre="rock", year="seventies"), []),
        (Wish(song="サクラ"), ["さくら"]),
        (Wish(artist="森山直太朗"), ["さくら"]),
        (Wish(song="bohemian rhapsody"), []),
    ],
)
def test_music_is_found_as_people_say_it(library: Library, wish: Wish, found: list[str]) -> None:
    assert titles(library.find(wish)) == found


@pytest.mark.parametrize(
    ("said", "span"),
    [
        ("1991", (1991, 1991)), ("the eighties", (1980, 1989)), ("fourties", (1940, 1949)), ("80s", (1980, 1989)),
        ("années 80", (1980, 1989)), ("les années soixante-dix", (1970, 1979)), ("90年代", (1990, 1999)),
        ("2003年", (2003, 2003)), ("nineteen", (2019, 2019)), ("whenever", (1, 0)),
    ],
)  # fmt: skip
def test_years_and_decades(said: str, span: tuple[int, int]) -> None:
    assert years(said) == span


def test_a_playlist_grows_and_keeps_what_is_in_it(library: Library, music: Path, tmp_path: Path) -> None:
    lists = Playlists(tmp_path / "playlists", music=music)
    jude, what = library.find(Wish(song="hey jude"))[0], library.find(Wish(song="so what"))[0]
    assert lists.add("Road Trip", [jude]) == ("Road Trip", 1)
    assert lists.add("road trip playlist", [jude, what]) == ("Road Trip", 1)
    found = lists.find("roadtrip")
    assert found is not None
    assert lists.files(found[1]) == [jude.path, what.path]


def test_a_playlist_of_the_person_is_used_and_its_strange_lines_are_left_out(music: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.mp3").write_bytes(b"x")
    secret = tmp_path / "secret.txt"
    secret.write_text("x")
    (own / "Chill Out.m3u").write_bytes(
        b"\xef\xbb\xbf#EXTM3U\r\na.mp3\r\nhttp://example.org/x.mp3\r\n../secret.txt\r\nmissing.mp3\r\n\x00\xff\r\n"
    )
    lists = Playlists(tmp_path / "playlists", music=own)
    found = lists.find("chill out")
    assert found is not None
    assert lists.files(found[1]) == [own / "a.mp3"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "...", "\x00", "x" * 500, "夏の歌"])
def test_a_playlist_is_a_file_in_its_folder_whatever_its_name(
    library: Library, music: Path, tmp_path: Path, name: str
) -> None:
    lists = Playlists(tmp_path / "playlists", music=music)
    lists.add(name, library.find(Wish(song="hey jude")))
    made = list(tmp_path.rglob("*.m3u8"))
    assert [path.parent for path in made] == [tmp_path / "playlists"]
