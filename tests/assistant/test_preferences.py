"""What people say about what they like: our own sentences in three languages, and that no command is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_assistant.data import Utterance, load, own
from slipway_assistant.preferences import favourite_in, kind_of, preference, wish

SAID = {
    "en": [
        ("I love ska", "genre", "ska", "like"),
        ("I'm really into bossa nova music", "genre", "bossa nova", "like"),
        ("remember that I adore Nina Simone's songs", "artist", "Nina Simone", "like"),
        ("we really enjoy anything by Khruangbin", "artist", "Khruangbin", "like"),
        ("I can't stand bagpipes", "thing", "bagpipes", "dislike"),
        ("never play me any disco again", "genre", "disco", "dislike"),
        ("I don't like country very much", "genre", "country", "dislike"),
        ("my favourite colour is teal", "colour", "teal", "favourite"),
        ("My all-time favorite band is Queen.", "artist", "Queen", "favourite"),
        ("Lisbon is my favourite city", "place", "Lisbon", "favourite"),
        ("my favourite song is Bitter Sweet Symphony", "song", "Bitter Sweet Symphony", "favourite"),
        ("my least favourite food is celery", "food", "celery", "dislike"),
        ("ooh this tune is so good", None, None, None),
        ("this tune is so good", "song", "", "like"),
        ("what a lovely song", "song", "", "like"),
        ("I hate this track", "song", "", "dislike"),
        ("give this song a thumbs up", None, None, None),
        ("thumbs down", "song", "", "dislike"),
        ("put this one among my favourites", "song", "", "like"),
    ],
    "fr": [
        ("j'adore le fado", "genre", "fado", "like"),
        ("Moi j’aime beaucoup Zaz", "thing", "Zaz", "like"),
        ("retiens que j'aime les chansons de Barbara", "artist", "Barbara", "like"),
        ("je ne supporte pas la techno", "genre", "techno", "dislike"),
        ("j'aime pas du tout ce morceau", "song", "", "dislike"),
        ("ne me joue plus jamais de rap", "genre", "rap", "dislike"),
        ("ma couleur préférée c'est le vert", "colour", "vert", "favourite"),
        ("mon groupe préféré est Indochine", "artist", "Indochine", "favourite"),
        ("Lyon est ma ville préférée", "place", "Lyon", "favourite"),
        ("cette chanson est vraiment belle", "song", "", "like"),
    ],
    "ja": [
        ("私は演歌が好きです", "genre", "演歌", "like"),
        ("スピッツの曲が大好きなんだ", "artist", "スピッツ", "like"),
        ("メタルは苦手です", "genre", "メタル", "dislike"),
        ("レゲエはあまり好きじゃない", "genre", "レゲエ", "dislike"),
        ("この曲はもうかけないで", "song", "", "dislike"),
        ("私の好きな色は緑です", "colour", "緑", "favourite"),
        ("一番好きな歌手は美空ひばりです", "artist", "美空ひばり", "favourite"),
        ("京都が一番好き", "thing", "京都", "favourite"),
        ("この歌いいね", "song", "", "like"),
    ],
}
NONE = {
    "en": ["I'd like some jazz", "play my favourite song", "do I like jazz?", "I love you", "what is my favourite colour",
           "I would love to hear some soul", "add jazz to my list", "I like it when it rains", "turn it up", ""],
    "fr": ["j'aimerais du jazz", "mets ma chanson préférée", "est-ce que j'aime le jazz ?", "je t'aime", "mets du jazz"],
    "ja": ["私の好きな曲をかけて", "ジャズをかけて", "何が好き？", "好きな色は何？", "明日は？", "電気を消して"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "text", "kind", "value", "liking"), [(lang, *row) for lang, rows in SAID.items() for row in rows]
)
def test_what_is_said_is_understood(
    lang: str, text: str, kind: str | None, value: str | None, liking: str | None
) -> None:
    said = preference(text, lang)
    if kind is None:
        assert said is None
    else:
        assert said is not None
        assert (said.kind, said.value, said.liking) == (kind, value, liking)


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang, texts in NONE.items() for text in texts])
def test_what_states_nothing_is_none(lang: str, text: str) -> None:
    assert preference(text, lang) is None


@pytest.mark.parametrize(
    ("lang", "text", "rest"),
    [
        ("en", "I love this song, turn it up", "turn it up"),
        ("en", "I like jazz and I hate disco", "and I hate disco"),
        ("fr", "j'adore cette chanson, monte le son", "monte le son"),
        ("ja", "この曲いいね、音量を上げて", "音量を上げて"),
    ],
)
def test_a_command_said_with_it_is_kept_apart(lang: str, text: str, rest: str) -> None:
    said = preference(text, lang)
    assert said is not None
    assert said.rest == rest


@pytest.mark.parametrize(
    ("lang", "text", "wanted"),
    [
        ("en", "what is my favourite colour", ("favourite", "colour", "")),
        ("en", "who's my favourite singer?", ("favourite", "artist", "")),
        ("en", "What do you know about me?", ("list", "", "")),
        ("en", "forget that I like jazz", ("forget", "", "jazz")),
        ("en", "forget that", ("forget that", "", "")),
        ("en", "please forget everything you know about me", ("forget everything", "", "")),
        ("en", "forget my favourite colour", ("forget", "colour", "")),
        ("en", "forget to call mum", None),
        ("en", "what's your favourite colour", None),
        ("fr", "quelle est ma couleur préférée ?", ("favourite", "colour", "")),
        ("fr", "c'est qui mon chanteur préféré", ("favourite", "artist", "")),
        ("fr", "qu'est-ce que tu sais sur moi", ("list", "", "")),
        ("fr", "oublie que j'aime le jazz", ("forget", "", "jazz")),
        ("fr", "oublie ça", ("forget that", "", "")),
        ("fr", "oublie tout ce que tu sais de moi", ("forget everything", "", "")),
        ("ja", "私の好きな色は何？", ("favourite", "colour", "")),
        ("ja", "私について何を知っていますか", ("list", "", "")),
        ("ja", "ジャズが好きなことを忘れて", ("forget", "", "ジャズ")),
        ("ja", "それは忘れて", ("forget that", "", "")),
        ("ja", "全部忘れてください", ("forget everything", "", "")),
    ],
)
def test_wishes(lang: str, text: str, wanted: tuple[str, str, str] | None) -> None:
    asked = wish(text, lang)
    assert (asked and (asked.act, asked.kind, asked.value)) == wanted


@pytest.mark.parametrize(
    ("lang", "text", "kind", "words"),
    [
        ("en", "play my favourite song", "song", "my favourite song"),
        ("en", "add my all-time favourite track to the party list", "song", "my all-time favourite track"),
        ("en", "what's the weather in my favourite city", "place", "my favourite city"),
        ("en", "play my favourites", "song", "my favourites"),
        ("en", "play my favourite song by Prince", None, ""),
        ("en", "play my favourite country song", None, ""),
        ("fr", "mets ma chanson préférée", "song", "ma chanson préférée"),
        ("fr", "joue un titre de mon groupe préféré", "artist", "mon groupe préféré"),
        ("ja", "私の好きな曲をかけて", "song", "私の好きな曲"),
        ("ja", "お気に入りのアーティストを流して", "artist", "お気に入りのアーティスト"),
    ],
)
def test_the_favourite_in_a_command(lang: str, text: str, kind: str | None, words: str) -> None:
    found = favourite_in(text, lang)
    assert (found and found.kind) == kind
    if found is not None:
        assert text[found.start : found.end] == words


def test_a_noun_that_nobody_listed_is_its_own_kind() -> None:
    assert kind_of("bands", "en") == kind_of("chanteuse", "fr") == kind_of("歌手", "ja") == "artist"
    assert kind_of("football club", "en") == "football club"


def commands_taken(rows: list[Utterance]) -> list[str]:
    """Commands after which something would be kept or said; "forget alarm" is none unless the memory knows an alarm."""
    taken = []
    for said in rows:
        asked = wish(said.text, said.lang)
        if said.call is not None and (preference(said.text, said.lang) or (asked and asked.sure)):
            taken.append(said.text)
    return taken


def test_our_own_commands_are_left_alone() -> None:
    assert commands_taken(own()) == []


def test_real_commands_are_left_alone(real_data: Path) -> None:
    """Measured 6 of 10,667 when this was written, each with a second half that is still done ("nice song, what is it")."""
    rows = [*load("train"), *load("dev")]
    taken = commands_taken(rows)
    assert len(taken) <= 0.003 * sum(said.call is not None for said in rows), taken


def test_real_preferences_are_recognised(real_data: Path) -> None:
    """Measured 121 of the 210 when this was written; about 60 of them are commands or say nothing that could be kept."""
    texts = [json.loads(line) for line in (real_data / "preferences_unlabelled.jsonl").read_text("utf-8").splitlines()]
    recognised = [row["text"] for row in texts if preference(row["text"], row["lang"])]
    assert len(recognised) >= 110


@given(st.text(max_size=400), st.sampled_from(["en", "fr", "ja"]))
def test_any_text_is_read_without_harm(text: str, lang: str) -> None:
    preference(text, lang)
    wish(text, lang)
    found = favourite_in(text, lang)
    assert found is None or 0 <= found.start < found.end <= len(text)
