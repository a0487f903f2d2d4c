"""Japanese for a voice that reads kana: numbers with what is counted, words in kanji, particles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import slipway_assistant
from slipway_assistant.voice.japanese import number, readable, unknown


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("今日の東京は晴れ、最高気温は25度です。", "きょうのとうきょうわはれ、さいこうきおんわにじゅうごどです。"),
        ("今は20時です。", "いまわにじゅうじです。"),
        ("4時7分、20秒、3月1日", "よじななふん、にじゅうびょう、さんがつついたち"),
        ("7:05に起こします", "しちじごふんにおこします"),
        ("１時間２０分後", "いちじかんにじゅっぷんあと"),
        ("8分と60分と100回", "はっぷんとろくじゅっぷんとひゃくかい"),
        ("タイマーは10分です", "タイマーわじゅっぷんです"),
        ("湿度は50%、3.5度", "しつどわごじゅうパーセント、さんてんごど"),
        ("3人で2つ", "さんにんでふたつ"),
        ("はい、はじめます", "はい、はじめます"),
        ("Queen の曲を流します", "Queen のきょくおながします"),
    ],
)
def test_what_is_read(text, spoken):
    assert readable(text) == spoken


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        (0, "ゼロ"),
        (10, "じゅう"),
        (300, "さんびゃく"),
        (3_650, "さんぜんろっぴゃくごじゅう"),
        (8_888, "はっせんはっぴゃくはちじゅうはち"),
        (10_000, "いちまん"),
        (120_000_000, "いちおくにせんまん"),
    ],
)
def test_numbers(value, spoken):
    assert number(value) == spoken


def test_a_kanji_without_a_reading_is_left_out_and_can_be_asked_for():
    assert readable("鬱です") == "です"
    assert unknown("今日は鬱です、12分後") == ["鬱"]


@pytest.mark.parametrize(
    "text", ["9" * 400, "1" * 17 + "分", "", "、。", "\ud800", "12.", ",", "0時", "00:00", "99:99"]
)
def test_whatever_the_text_it_is_read(text):
    assert isinstance(readable(text), str)


def test_nearly_all_that_the_assistant_says_can_be_read():
    """Names of songs and places cannot be known; its own words can."""
    package = Path(slipway_assistant.__file__).parent
    spoken = [
        sentence
        for folder in ("", "skills", "backends")
        for path in (package / folder).glob("*.py")
        for sentence in re.findall(r'"([^"\n]*[ぁ-ん]。)"', path.read_text("utf-8"))
    ]
    left = [sign for sentence in spoken for sign in unknown(sentence)]
    kanji = sum(len(re.findall(r"[一-鿿]", sentence)) for sentence in spoken)
    assert kanji > 300
    assert len(left) / kanji < 0.05, sorted(set(left))
