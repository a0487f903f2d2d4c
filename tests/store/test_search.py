"""Searching all names at once gives what searching each by itself gives."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.store.search import Lines

NAMES = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "loss",
    "loss/train",
    "loss train",
    "α/β",
    "ab\ncd",
    "\n",
    "a b",
    "_x",
    "A",
    "日本",
    "a\tb",
    "x\x01y",
]
PIECES = [
    "a", "b", "α", ".", "^", "$", "|", "*", "+", "?", "*?", "[^a]", "[a-c]", r"\s", r"\S", r"\W", r"\w", r"\D", r"\b", r"\B",
    r"\n", r"[^\w]", r"\x0a", r"\A", r"\z", "(?i)", "(?s).", "(?-m)", "(?m)", "(?:ab)", "(a|)", "{2}",
    r"\Q.", r"\E", r"\C", r"\pL", "/", " ", "[[:space:]]", "(?U)",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=0, max_size=5).map("".join))
def test_all_at_once_finds_what_one_by_one_finds(pattern):
    options = re2.Options()
    options.log_errors = False
    try:
        alone = re2.compile(pattern, options)
    except re2.error:
        with pytest.raises(DataError):
            Lines(NAMES).search(pattern)
        return
    assert Lines(NAMES).search(pattern) == sorted(name for name in NAMES if alone.search(name)), pattern


def test_no_names():
    assert Lines([]).search("a") == Lines([]).search(".*") == Lines([]).search("^$") == []
    assert Lines([""]).search("^$") == [""]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "((a{1,30}){1,30}){1,30}$", "(.*)*x"])
def test_t38_no_pattern_hangs(pattern):
    names = ["a" * 5_000 + "!", *[f"layer/{n}/" + "a" * 40 + "!" for n in range(2_000)]]
    before = time.process_time()
    with suppress(DataError):  # RE2 refuses a pattern that would grow too large
        Lines(names).search(pattern)
    assert time.process_time() - before < 5.0  # Python's re needs longer than the universe has


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(a", "missing )"),
        ("a[", "missing ]"),
        ("*a", "correct it at character 1"),
        ("ab(*x", "correct it"),
        (r"a(?=b)", "no look-around"),
        (r"(a)\1", "no backreferences"),
        ("\ud800", "lone surrogate"),
        ("a" * 20_000, "at most 10000"),
    ],
)
def test_a_pattern_that_is_none_is_answered_with_what_to_write(pattern, says):
    with pytest.raises(DataError, match=re.escape(says)):
        Lines(NAMES).search(pattern)
