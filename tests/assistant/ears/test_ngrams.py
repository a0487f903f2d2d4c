"""The language model is a probability distribution, and the file says the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from slipway_assistant.ears.ngrams import END, START, Trigrams

SENTENCES = [
    (["turn", "on", "the", "light"], 1.0),
    (["turn", "off", "the", "light"], 1.0),
    (["play", "the", "song"], 3.0),
]
BASE = {"the": 0.6, "zebra": 0.4}
PAIRS = {("the", "zebra"): 0.5, ("zebra", "light"): 0.9}


def model_of_all() -> Trigrams:
    return Trigrams(SENTENCES, base=BASE, share=0.2, pairs=PAIRS, trust=0.6)


def test_what_may_follow_adds_up_to_one() -> None:
    model = model_of_all()
    words = [*model.vocabulary, END]
    for history in itertools.product([START, "the", "zebra"], [START, "turn", "the", "zebra"]):
        assert sum(model.probability((*history, word)) for word in words) == pytest.approx(1.0)


def test_what_was_seen_is_likelier_and_what_was_not_is_possible() -> None:
    model = model_of_all()
    assert model.probability((START, "play", "the")) > model.probability((START, "turn", "the"))
    assert 0 < model.probability(("on", "the", "zebra")) < model.probability(("on", "the", "light"))


def test_pairs_of_another_model_count_where_no_sentence_speaks_against_them() -> None:
    plain, helped = Trigrams(SENTENCES, base=BASE, share=0.2), model_of_all()
    assert helped.probability(("zebra", "light")) > 3 * plain.probability(("zebra", "light"))
    assert helped.probability(("the", "light")) > helped.probability(("the", "zebra"))


def test_the_file_is_read_by_pocketsphinx_with_the_same_probabilities(tmp_path: Path) -> None:
    import pocketsphinx

    model = model_of_all()
    model.write(tmp_path / "model.arpa")
    logs = pocketsphinx.LogMath()
    config = pocketsphinx.Config(lm=None, hmm=None, dict=None, loglevel="FATAL")
    read = pocketsphinx.NGramModel(config, logs, str(tmp_path / "model.arpa"))
    for words in [
        ("light",),
        ("the", "light"),
        ("on", "the", "light"),
        ("play", "the", "zebra"),
        ("turn", "zebra", "on"),
    ]:
        # pocketsphinx takes the word first and then its history backwards
        assert logs.exp(read.prob(list(reversed(words)))) == pytest.approx(model.probability(words), rel=0.02)
