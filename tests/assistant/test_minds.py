"""The variants themselves, fitted on the utterances of this repository (small, so this is quick)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slipway_assistant.calibrate import Calibration, calibration_error
from slipway_assistant.data import Utterance, must_pass, own
from slipway_assistant.grade import grade
from slipway_assistant.lexicon import CrossFitted, Lexicon, fold
from slipway_assistant.linear import LinearModel, best_temperature, load_arrays, save_arrays
from slipway_assistant.mind import Mind, Variant, answer, variant, variants
from slipway_assistant.minds.calibrated import Calibrated
from slipway_assistant.minds.tidied import names_every_room, tidy
from slipway_assistant.schema import validate
from slipway_assistant.spans import add_hints, find_span, read_tags, segments, tag_tokens
from slipway_assistant.tagger import Taggers
from slipway_assistant.text import tokenize

QUICK = ("keywords", "nearest", "nearest_threshold", "linear_crf", "lexicon_crf", "hinted_crf")
ODD = ["", " ", "?!", "🙂🙂", "\x00", "a" * 3000, "\u202eabc", "１２３", "l'", "9" * 400, "\ud800", "か", "plus plus"]


@pytest.fixture(scope="module")
def best() -> Calibrated:
    """The best variant, fitted on our own utterances."""
    return Calibrated.fit(own("train"))


@pytest.fixture(scope="module")
def fitted(best: Calibrated) -> dict[str, Mind]:
    """All variants; those that learn what the best one learns share its arrays."""
    found: dict[str, Mind] = {name: variant(name).factory.fit(own("train")) for name in QUICK}
    for v in variants():
        if v.name not in found:
            factory: Any = v.factory
            shipped = v.ships_in
            found[v.name] = factory.load(shipped) if shipped else factory.from_arrays(best.arrays())
    return found


def accuracy(mind: Mind, rows: list[Utterance]) -> float:
    return sum(grade(u.as_row(), answer(mind, u.text, u.lang).call).right for u in rows) / len(rows)


@pytest.mark.parametrize("v", variants(), ids=lambda v: v.name)
def test_every_call_keeps_to_the_schema_and_odd_input_does_no_harm(v: Variant, fitted: dict[str, Mind]) -> None:
    for text in [*ODD, *(u.text for u in own("dev"))]:
        said = answer(fitted[v.name], text)
        assert 0 <= said.confidence <= 1
        problems = validate(said.call)
        # A required word may not be found in the text; nothing else may be wrong with a call.
        assert [p for p in problems if " needs the argument " not in p] == [], (text, said.call)


@pytest.mark.parametrize("v", variants(), ids=lambda v: v.name)
def test_what_is_kept_answers_as_what_was_fitted(v: Variant, fitted: dict[str, Mind], tmp_path: Path) -> None:
    mind = fitted[v.name]
    mind.save(tmp_path)
    loaded = v.factory.load(tmp_path)
    for u in own("dev")[::5]:
        assert loaded.understand(u.text, u.lang) == mind.understand(u.text, u.lang)


def test_learning_beats_rules_on_our_own_sentences(fitted: dict[str, Mind]) -> None:
    rows = own("dev")
    assert accuracy(fitted["calibrated"], rows) > accuracy(fitted["linear_crf"], rows) + 0.15


def test_japanese_and_french_are_understood_from_our_own_sentences_alone(best: Calibrated) -> None:
    """Measured 0.69 in French and 0.74 in Japanese when this was written."""
    assert accuracy(best, own("dev", "fr")) > 0.6
    assert accuracy(best, own("dev", "ja")) > 0.6


def test_most_must_pass_sentences_pass(best: Calibrated) -> None:
    failed = [u.text for u in must_pass() if not grade(u.as_row(), answer(best, u.text, u.lang).call).right]
    assert len(failed) <= len(must_pass()) // 3, failed


def test_a_mind_says_the_same_twice(best: Calibrated) -> None:
    again = Calibrated.from_arrays(best.arrays())
    for u in own("dev")[:80]:
        assert best.understand(u.text, u.lang) == again.understand(u.text, u.lang)


def test_words_are_found_in_the_text_and_read_back() -> None:
    text = "put Ode to Joy by the Joy Choir on my joy playlist"
    tokens = tokenize(text)
    wanted = {"song": "Ode to Joy", "artist": "Joy Choir", "playlist": "joy"}
    tags = tag_tokens(text, tokens, "playlist.add", wanted)
    assert tags is not None
    assert read_tags(text, tokens, tags) == wanted
    assert tag_tokens(text, tokens, "playlist.add", {"song": "Ode to Sorrow"}) is None


def test_whole_words_are_preferred() -> None:
    assert find_span("smart art", "art") == (6, 9)
    assert find_span("smartart", "art") == (2, 5)
    assert find_span("art art", "art", [(0, 3)]) == (4, 7)
    assert find_span("İx", "x") is None  # lower case of another length: no place can be told


def test_hints_mark_only_free_words_and_are_not_read() -> None:
    text = "play the best album by Abba"
    tokens = tokenize(text)
    tags = tag_tokens(text, tokens, "music.play", {"artist": "Abba"})
    assert tags is not None
    hinted = add_hints(text, tokens, tags, [["sort", "best"], ["who", "Abba"], ["gone", "missing"]])
    assert hinted == ["O", "O", "B-~sort", "O", "O", "B-artist"]
    assert segments(hinted) == [("artist", 5, 5)]


def test_the_lexicon_of_a_row_has_not_seen_it() -> None:
    rows = own("train")
    lexicons = CrossFitted(rows)
    row = next(u for u in rows if u.text and fold(u) == 2)
    others = Lexicon.count([u for u in rows if fold(u) != 2])
    assert lexicons.for_row(row).words == others.words
    assert lexicons.whole.words == Lexicon.count(rows).words
    kept = Lexicon.from_array(lexicons.whole.array())
    tokens = tokenize("put some jazz on in the kitchen")
    assert kept.features(tokens) == lexicons.whole.features(tokens)


def test_every_room_is_no_room() -> None:
    assert names_every_room("the whole house")
    assert names_every_room("家中")
    assert not names_every_room("house guest room suite")
    assert tidy("home.set", {"room": "every room", "device": "lamp,"}) == {"device": "lamp"}
    assert tidy("alarm.set", {"when": " 7:30?"}) == {"when": "7:30"}


def test_a_classifier_of_one_or_two_labels_works(tmp_path: Path) -> None:
    documents = [[["w=a"]], [["w=a"]], [["w=b"]], [["w=b"]]]
    two = LinearModel.fit(documents, ["x", "x", "y", "y"])
    save_arrays(tmp_path / "m.npz", two.arrays("m"))
    two = LinearModel.from_arrays(load_arrays(tmp_path / "m.npz"), "m")
    assert [two.labels[int(two.scores(d).argmax())] for d in documents] == ["x", "x", "y", "y"]
    assert two.probabilities([["w=a"]]).sum() == pytest.approx(1)
    one = LinearModel.fit(documents, ["x"] * 4)
    assert one.probabilities([["w=never"]]).tolist() == [1]


def test_a_pickle_in_a_kept_mind_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "m.npz").open("wb") as file:
        np.savez(file, m=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        load_arrays(tmp_path / "m.npz")


def test_taggers_survive_their_arrays_being_thrown_away() -> None:
    """crfsuite reads a model in place: the bytes must live as long as the tagger."""
    rows = own("train")
    arrays = Taggers.fit(rows, lambda text, tokens, function: [[f"w={t.low}"] for t in tokens]).arrays("t")
    taggers = Taggers.from_arrays(arrays, "t", lambda text, tokens, function: [[f"w={t.low}"] for t in tokens])
    arrays.clear()
    for _ in range(50):
        taggers.arguments("music.play", "play jazz", tokenize("play jazz"))
    assert taggers.arguments("joke.tell", "a joke", tokenize("a joke")) == ({}, 1.0)


def test_calibration_learns_what_the_doubts_mean() -> None:
    chance = np.random.default_rng(0)
    doubts = chance.normal(size=(4000, 2))
    truth = chance.random(4000) < 1 / (1 + np.exp(-(2 * doubts[:, 0] - doubts[:, 1] + 0.5)))
    learned = Calibration.fit(doubts[:2000].tolist(), truth[:2000].tolist())
    assert learned.weights == pytest.approx([2, -1, 0.5], abs=0.3)
    said = [learned.probability(d) for d in doubts[2000:].tolist()]
    assert calibration_error(said, truth[2000:].tolist()) < 0.04
    assert calibration_error([0.9] * 100, [False] * 100) == pytest.approx(0.9)


def test_calibration_of_calls_that_are_all_right_stays_finite() -> None:
    learned = Calibration.fit([[1.0], [2.0]], [True, True])
    assert 0.5 < learned.probability([1.0]) <= 1


def test_the_best_temperature_is_found() -> None:
    scores = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]], dtype=np.float32)
    sure = best_temperature(scores, np.array([0, 1, 0, 0]))
    unsure = best_temperature(scores, np.array([0, 1, 1, 0]))
    assert sure < unsure
