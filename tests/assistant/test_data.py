"""Which utterances are used, and what is said when they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.errors import DataError
from slipway_assistant import data


@pytest.mark.usefixtures("own_data")
def test_our_own_are_used_when_no_folder_is_named() -> None:
    source = data.describe()
    assert source.name == "own"
    assert source.counts == {split: len(data.own(split)) for split in data.SPLITS}
    assert {u.lang for u in data.load("train")} == {"en", "fr", "ja"}


def test_the_real_ones_are_read_where_they_lie(real_data: Path) -> None:
    source = data.describe()
    assert source.name == "real"
    assert source.folder == str(real_data)
    assert source.counts["train"] > 10_000
    # What counts as variants of one sentence is finer than the source says and coarser than none at all.
    dev = data.load("dev")
    assert len({u.cluster for u in dev}) < len(dev)


def test_a_folder_without_the_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_NLU_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no train.jsonl and no dev.jsonl.*unset SLIPWAY_NLU_DATA"):
        data.load("train")


def test_a_broken_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"id": "1", "source": "s", "lang": "en", "text": "hi", "call": None}
    (tmp_path / "train.jsonl").write_text(json.dumps(good) + "\n{}\n", "utf-8")
    (tmp_path / "dev.jsonl").write_text("", "utf-8")
    monkeypatch.setenv("SLIPWAY_NLU_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"train.jsonl, line 2"):
        data.load("train")


def test_there_are_two_splits() -> None:
    with pytest.raises(DataError, match="train or dev"):
        data.load("test")


@pytest.mark.usefixtures("real_data")
def test_must_pass_rows_are_ours_whichever_data_are_used() -> None:
    rows = data.must_pass()
    assert rows
    assert {u.source for u in rows} == {"slipway"}


def test_variants_of_a_sentence_share_a_cluster() -> None:
    assert data.cluster_of("a-1", "x", "Please set it to 4") == data.cluster_of("b-7", "y", "could you set it to 9")
    assert data.cluster_of("a-1", "x", "set it to 4") != data.cluster_of("a-2", "x", "set that to 4")
    assert data.cluster_of("ha-en-t-3-11", "ha-en", "one") == data.cluster_of("ha-en-t-3-2", "ha-en", "two")


def test_the_hash_is_of_what_can_be_learned() -> None:
    first = data.Utterance("1", "s", "en", "hi", None)
    renamed = data.Utterance("2", "s", "en", "hi", None)
    other = data.Utterance("1", "s", "en", "ho", None)
    assert data.content_hash([first]) == data.content_hash([renamed])
    assert data.content_hash([first]) != data.content_hash([other])


def test_slices_and_counts() -> None:
    rows = data.own("dev", "fr")
    assert data.count_by(rows, "lang") == {"fr": len(rows)}
    assert sum(data.count_by(rows, "function").values()) == len(rows)
