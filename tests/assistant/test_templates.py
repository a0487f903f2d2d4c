"""The sentences made of patterns: valid, findable, and not those of the real collection."""

from __future__ import annotations

import re

import pytest

from slipway_assistant.data import load
from slipway_assistant.schema import FUNCTIONS, validate
from slipway_assistant.spans import tag_tokens
from slipway_assistant.templates import LANGUAGES, generate
from slipway_assistant.text import tokenize


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_call_is_valid_and_its_words_are_in_the_sentence(lang: str) -> None:
    rows = generate(lang, each=8)
    assert len({row.text for row in rows}) == len(rows) > 400
    for row in rows:
        assert validate(row.call) == [], row
        if row.call:
            assert tag_tokens(row.text, tokenize(row.text), row.function, row.arguments) is not None, row
        assert not set("{}()[]|?") & set(row.text), row.text
    assert {row.function for row in rows} == {*FUNCTIONS, "none"}


def test_the_same_seed_makes_the_same_sentences() -> None:
    assert generate("fr", each=3, seed=5) == generate("fr", each=3, seed=5)
    assert generate("fr", each=3, seed=5) != generate("fr", each=3, seed=6)


def squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_of_the_real_collection_is_made(lang: str) -> None:
    """No sentence of its dev split at all; of train a few stock phrases ("what's the time") that are nobody's."""
    real = {split: {squeezed(u.text) for u in load(split) if u.lang == lang} for split in ("train", "dev")}
    made = {row.text for seed in range(3) for row in generate(lang, each=60, seed=seed)}
    assert not [text for text in made if squeezed(text) in real["dev"]]
    same = [text for text in made if squeezed(text) in real["train"]]
    assert len(same) <= 8, same
    assert all(len(re.findall(r"\w+", text)) <= 4 for text in same), same
    assert lang != "ja" or all(len(text) <= 10 for text in same), same
