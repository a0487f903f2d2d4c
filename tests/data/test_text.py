"""Text for a terminal: harmless, short, with units."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import text

HOSTILE = [
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;title\x07",  # retitle the window
    "\x1b]52;c;cm0gLXJm\x07",  # write to the clipboard
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",  # a link that is not what it says
    "\x9b31m",  # the one-byte form of CSI
    "a\rb",  # overwrite the line
    "a\x08b",  # rub out
    "\u202egnp.exe",  # right to left
    "zero\u200bwidth",
    "\ufeffbom",
    "tag\U000e0041",
    "lone \ud83d surrogate",
    "nul \x00",
    "line\u2028separator",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_t31_nothing_that_a_terminal_obeys_is_printed(hostile):
    shown = text.one_line(hostile)
    assert shown.isprintable()
    shown.encode("utf-8")


@given(st.text())
def test_t31_any_text_is_printable_on_one_line(value):
    shown = text.one_line(value)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in {"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"}
    ]


def test_what_people_write_stays_as_it_is():
    for said in [
        "naïve café",
        "音楽をかけて",
        "joue du Brel, s'il te plaît",
        "👍🏽 done",
        "👩‍👩‍👧",
        "می‌خواهم",
        "[red]not markup[/red]",
    ]:
        assert text.clean(said) == said


def test_shorten_keeps_to_its_width():
    assert text.shorten({"city": "boston"}, 40) == '{"city": "boston"}'
    assert text.shorten("x" * 100, 10) == "x" * 9 + "…"
    assert len(text.shorten(["\x1b"] * 100, 30)) <= 30
    assert text.shorten({"$blob": "ab", "bytes": 2_500_000, "preview": "lorem"}, 40) == "lorem (2.5 MB)"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.04, "0.04 ms"),
        (3.14159, "3.14 ms"),
        (412.3, "412 ms"),
        (3400, "3.4 s"),
        (125_000, "2 min 05 s"),
        (7_500_000, "2 h 05 min"),
        (None, "-"),
    ],
)
def test_durations(value, shown):
    assert text.duration(value) == shown


def test_sizes_money_scores_and_moments():
    assert [text.size(n) for n in (812, 1_400, 250_000, 3_200_000_000)] == ["812 B", "1.4 kB", "250 kB", "3.2 GB"]
    assert [text.money(v) for v in (None, 0, 0.0042, 12.5)] == ["-", "$0.00", "$0.0042", "$12.50"]
    assert text.moment(10**30) == f"{10**30} ns"


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ((0.79, 0.731, 0.839), "0.790 [0.731, 0.839]"),
        ((1.0, 0.541, 1.0), "1.000 [0.541, 1.000]"),
        ((0.9987, 0.9975, 0.9993), "0.99870 [0.99750, 0.99930]"),
        ((0.000242, -0.0000196, 0.000504), "0.00024 [-0.00002, 0.00050]"),
        ((1234.5, 1200.0, 1300.0), "1,234 [1,200, 1,300]"),
        ((37.44, 36.9, 38.1), "37.44 [36.90, 38.10]"),
        ((-0.0001, -0.03, 0.03), "0.000 [-0.030, 0.030]"),
        ((0.5, 0.1, None), "0.500 [0.100, ?]"),
        ((0.5, None, None), "0.500"),
        ((0.0, 0.0, 0.0), "0.000 [0.000, 0.000]"),
        ((None, None, None), "-"),
    ],
)
def test_a_number_carries_its_doubt_in_one_form(figures, shown):
    assert text.score(*figures) == shown


def test_differences_carry_their_sign():
    assert text.score(0.04, -0.01, 0.09, signed=True) == "+0.040 [-0.010, +0.090]"


def test_how_many_more_is_said_as_a_person_would():
    assert [text.many(n) for n in (292, 9_949, 22_768, 99_999, 999_999, 1_204_331)] == [
        "292",
        "about 9,900",
        "about 23,000",
        "about 100,000",
        "about 1,000,000",
        "over a million",
    ]
