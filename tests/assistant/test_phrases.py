"""What is known by heart is matched whole, and nothing else is."""

from __future__ import annotations

import pytest

from slipway_assistant.data import load, must_pass
from slipway_assistant.grade import grade
from slipway_assistant.minds.phrases import phrase


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("Stop!", ("music.control", {"action": "pause"})),
        ("please stop the music", ("music.control", {"action": "pause"})),
        ("turn off the bedroom lights, please", ("home.set", {"action": "off", "room": "bedroom"})),
        ("éteins la lumière du salon", ("home.set", {"action": "off", "room": "salon"})),
        ("寝室の電気を消して", ("home.set", {"action": "off", "room": "寝室"})),
        ("could you hand me the towel", None),
    ],
)
def test_a_phrase_is_known(text, call):
    assert phrase(text) == (True, call and {"name": call[0], "arguments": call[1]})


@pytest.mark.parametrize("text", ["stop sign", "when does the music stop", "", "turn off the bedroom lights at ten"])
def test_what_only_begins_like_one_is_not(text):
    assert phrase(text) == (False, None)


def test_no_phrase_contradicts_a_label():
    wrong = [row.text for row in [*load("train"), *load("dev"), *must_pass()] if phrase(row.text)[0]]
    known = {row.text: row for row in [*load("train"), *load("dev"), *must_pass()]}
    graded = [grade(known[text].as_row(), phrase(text)[1]).right for text in wrong]
    assert len(graded) >= 8
    assert sum(graded) / len(graded) >= 0.9  # about one label in twenty is arguable itself
