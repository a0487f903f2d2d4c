"""Tokens, languages, and numbers as people say them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_assistant.arithmetic import expression
from slipway_assistant.grade import math_value
from slipway_assistant.numbers import find_numbers
from slipway_assistant.text import detect_language, tokenize
from slipway_assistant.values import duration, level, value_arguments


@given(st.text(max_size=200))
def test_tokens_keep_every_sign_and_their_place(text: str) -> None:
    tokens = tokenize(text)
    assert all(text[token.start : token.end] == token.text for token in tokens)
    assert "".join(token.text for token in tokens) == "".join(text.split())
    assert all(a.end <= b.start for a, b in itertools.pairwise(tokens))


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("turn the hallway heater down", "en"),
        ("baisse un peu le chauffage du couloir", "fr"),
        ("廊下の暖房を下げて", "ja"),
        ("play Sous le ciel de Paris by the band", "en"),
        ("quelle heure est-il à Rennes", "fr"),
        ("Spotifyで再生", "ja"),
        ("", "en"),
        ("🙂", "en"),
    ],
)
def test_the_language_is_told_by_script_and_small_words(text: str, lang: str) -> None:
    assert detect_language(text) == lang


SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
ROUND = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS, TENS = SMALL.split(), ROUND.split()


def english(n: int) -> str:
    if n < 20:
        return UNITS[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f" {UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{UNITS[n // 100]} hundred" + (f" and {english(n % 100)}" if n % 100 else "")
    return f"{english(n // 1000)} thousand" + (f" {english(n % 1000)}" if n % 1000 else "")


KANJI = "〇一二三四五六七八九"


def japanese(n: int) -> str:
    written, rest = "", n
    for scale, sign in ((10_000, "万"), (1000, "千"), (100, "百"), (10, "十")):
        digit, rest = divmod(rest, scale)
        if digit:
            written += (KANJI[digit] if digit > 1 or scale == 10_000 else "") + sign
    return written + (KANJI[rest] if rest else "") or KANJI[0]


@given(st.integers(0, 999_999))
def test_english_numbers_are_read_back(n: int) -> None:
    assert [number.value for number in find_numbers(f"about {english(n)} please")] == [n]


@given(st.integers(0, 99_999))
def test_japanese_numbers_are_read_back(n: int) -> None:
    assert [number.value for number in find_numbers(f"{japanese(n)}円です")] == [n]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("soixante et onze", 71),
        ("quatre-vingts", 80),
        ("quatre-vingt-dix-neuf", 99),
        ("deux cent trente", 230),
        ("mille neuf cents", 1900),
        ("vingt et un", 21),
        ("trois virgule un quatre", 3.14),
        ("two point five", 2.5),
        ("1,250", 1250),
        ("3,5", 3.5),
        ("twenty-one", 21),
        ("６０", 60),
    ],
)
def test_numbers_in_words_digits_and_both(said: str, value: float) -> None:
    assert [number.value for number in find_numbers(said)] == [value]


def test_two_numbers_side_by_side_stay_two() -> None:
    assert [n.value for n in find_numbers("seven thirty")] == [7, 30]
    assert [n.value for n in find_numbers("eleven and twelve")] == [11, 12]
    assert find_numbers("une lampe et un livre") == []
    assert find_numbers("一緒に行こう") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("how much is 12 and a bit", None),
        ("whats nineteen times four", 76),
        ("add six to nine", 15),
        ("subtract 8 from thirty", 22),
        ("what's 15% of 80", 12),
        ("the square root of two hundred and twenty five", 15),
        ("5 factorial", 120),
        ("three to the power of four", 81),
        ("10 plus 2 times 4", 18),
        ("combien font huit fois sept", 56),
        ("20 pour cent de 50", 10),
        ("racine carrée de 144", 12),
        ("45わる9は", 5),
        ("九の平方根", 3),
        ("half of seventy", 35),
        ("double the 8", 16),
        ("double 67", 134),
        ("three quarters of 48", 36),
        ("a third of nine", 3),
        ("the square of six plus one", 37),
        ("split ninety euros between six friends", 15),
        ("how many times does 12 go into 60", 5),
        ("take 19 away from 100", 81),
        ("compute (8 + 2) * 5 for me", 50),
        ("2の10乗", 1024),
        ("10から3を引くと", 7),
        ("3を10から引いて", 7),
        ("百二十を五で割る", 24),
        ("la moitié de 50", 25),
        ("diviser 90 par 3", 30),
        ("no numbers here", None),
    ],
)
def test_arithmetic_is_read_in_three_languages(text: str, value: float | None) -> None:
    said = expression(text)
    assert (None if said is None else math_value(said)) == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("two hours and five minutes", {"hours": 2, "minutes": 5}),
        ("an hour and a half", {"hours": 1, "minutes": 30}),
        ("half an hour", {"minutes": 30}),
        ("2.5 hours", {"minutes": 150}),
        ("forty five seconds", {"seconds": 45}),
        ("un quart d'heure", {"minutes": 15}),
        ("trois minutes", {"minutes": 3}),
        ("1時間半", {"minutes": 90}),
        ("十分", {"minutes": 10}),
        ("une heure et quart", {"hours": 1, "minutes": 15}),
        ("deux heures et quart", {"hours": 2, "minutes": 15}),
        ("one minute thirty", {"minutes": 1, "seconds": 30}),
        ("an hour and a quarter", {"hours": 1, "minutes": 15}),
        ("two hours thirty", {"hours": 2, "minutes": 30}),
        ("5 minutes 2 eggs", {"minutes": 5}),
        ("soon", {}),
    ],
)
def test_durations_in_three_languages(text: str, wanted: dict[str, int]) -> None:
    assert duration(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("set channel 3 lamp to 40%", 40),
        ("raise it to seven", 7),
        ("à soixante pour cent", 60),
        ("明るさを50パーセントにして", 50),
        ("full brightness", 100),
        ("a bit more", None),
    ],
)
def test_levels(text: str, wanted: int | None) -> None:
    assert level(text) == wanted


def test_only_calls_with_values_get_values() -> None:
    assert value_arguments("volume.set", "up by 5", "up") == {}
    assert value_arguments("joke.tell", "5 jokes", None) == {}
    assert value_arguments("math.eval", "what is it", None) == {}
