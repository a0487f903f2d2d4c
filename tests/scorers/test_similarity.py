"""similarity: cosine of embeddings, lexical by default."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example
from slipway.errors import UsageError
from slipway.scorers import Outcome, is_scorer_error, resolve
from slipway.scorers.similarity import CharacterNgrams, cosine, similarity


def score(output, expected, scorer=None):
    (made,) = asyncio.run((scorer or similarity()).score(Outcome(Example("1", "in", expected), output)))
    return made


def test_texts_that_share_spelling_are_close():
    assert score("The weather in Oslo", "the weather in oslo").value == pytest.approx(1)
    near, far = (
        score("weather in Oslo", "the weather in oslo").value,
        score("play some jazz", "the weather in oslo").value,
    )
    assert 0.5 < near < 1
    assert far < 0.2
    assert score("明日の天気", "明日の天気は").value > 0.5
    assert score("b", ["a", "b", ""]).value == pytest.approx(1)


@pytest.mark.parametrize(("output", "expected"), [("", "a"), ("a", None), ("a", []), ("  ", "a"), (None, None)])
def test_without_text_there_is_no_score(output, expected):
    assert score(output, expected).value is None


def test_a_threshold_makes_it_right_or_wrong():
    scorer = resolve("similarity(threshold=0.9)")
    assert [score(text, "hello world", scorer).value for text in ("Hello world", "goodbye")] == [1.0, 0.0]


def test_an_embedder_of_ones_own_sync_or_async():
    def lengths(texts):
        return [[len(text), 1] for text in texts]

    async def later(texts):
        return lengths(texts)

    assert score("ab", "cd", similarity(lengths)).value == pytest.approx(1)
    assert similarity(later).awaits
    assert score("ab", "cd", similarity(later)).value == pytest.approx(1)
    assert is_scorer_error(score("ab", "c", similarity(lambda texts: [[1] * len(text) for text in texts])))


def test_rarity_counts_once_fitted():
    plain = CharacterNgrams()
    fitted = plain.fit(["please play jazz", "please play rock", "please stop"])
    assert fitted.name != plain.name
    pair = ["please play jazz", "please stop"]
    assert cosine(*fitted(pair)) < cosine(*plain(pair))
    with pytest.raises(UsageError):
        CharacterNgrams(4, 3)


@given(st.text(), st.text())
def test_it_is_symmetric_and_bounded(a, b):
    embed = CharacterNgrams(size=256)
    first, second = embed([a, b])
    assert 0 <= cosine(first, second) <= 1
    assert cosine(first, second) == cosine(second, first)
    if a.split():
        assert cosine(first, first) == pytest.approx(1)
