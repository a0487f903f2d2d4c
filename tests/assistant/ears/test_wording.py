"""What is written is said in words, and what was heard is written as people write."""

from __future__ import annotations

import pytest

from slipway_assistant.ears.wording import cardinal, ordinal, spoken, written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Wake me at 7:30 am", "wake me at seven thirty a m"),
        ("set the lights to 20%", "set the lights to twenty percent"),
        ("at 7:05", "at seven oh five"),
        ("at 7:00", "at seven o'clock"),
        ("7.30pm", "seven thirty p m"),
        ("I am here", "i am here"),
        ("what is 3.5 plus 2.25", "what is three point five plus two point two five"),
        ("12/4 + 3*2", "twelve divided by four plus three times two"),
        ("hits of the 80s from 1985", "hits of the eighties from nineteen eighty five"),
        ("the 21st of May", "the twenty first of may"),
        ("$5", "five dollars"),
        ("Rosalía's lo-fi", "rosalía's lo fi"),
        ("1,205 sheep", "one thousand two hundred and five sheep"),
        ("!?", ""),
    ],
)
def test_numbers_times_and_signs_are_said_in_words(text: str, said: str) -> None:
    assert " ".join(spoken(text)) == said


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("wake me at seven thirty a m", "wake me at 7:30 am"),
        ("at seven oh five", "at 7:05"),
        ("at six forty five", "at 6:45"),
        ("seven", "seven"),
        ("four five", "four five"),
        ("six fifteen percent", "six fifteen percent"),
        ("a minute", "a minute"),
        ("nineteen eighty five", "nineteen eighty five"),
        ("", ""),
    ],
)
def test_times_are_written_with_digits_and_nothing_else_changes(said: str, text: str) -> None:
    assert written(said) == text


def test_every_number_has_words_and_no_digits() -> None:
    for number in [*range(2_200), 10_000, 999_999, 1_000_000]:
        assert cardinal(number).replace(" ", "").isalpha()
        assert ordinal(number).replace(" ", "").isalpha()
