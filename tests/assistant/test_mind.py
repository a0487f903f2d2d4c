"""Finding, fitting and keeping minds, whatever they are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from slipway.errors import DataError, NotFound
from slipway_assistant import mind as minds
from slipway_assistant.data import Utterance
from slipway_assistant.mind import Understanding, Variant, answer, code_hash, prepare, variant, variants

ROWS = [Utterance("1", "s", "en", "tell a joke", {"name": "joke.tell", "arguments": {}})]


class Echo:
    """A mind that keeps the sentences it was fitted on."""

    fits = 0

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        cls.fits += 1
        return cls([row.text for row in rows])

    def understand(self, text: str, lang: str) -> Understanding:
        return Understanding({"name": "joke.tell", "arguments": {"topic": f"{lang}:{text}"}}, 0.25)

    def save(self, folder: Path) -> None:
        (folder / "texts.json").write_text(json.dumps(self.texts), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(json.loads((folder / "texts.json").read_text("utf-8")))


@pytest.fixture
def echo() -> Variant:
    fresh: Any = type("Echo", (Echo,), {"fits": 0, "__module__": "slipway_assistant.minds.keywords"})
    return Variant("echo", None, "says what it heard", 0, fresh)


def test_the_journey_is_in_order_and_parents_come_first() -> None:
    seen: set[str | None] = {None}
    for found in variants():
        assert found.parent in seen, f"{found.name} comes before its parent {found.parent}"
        assert len(found.note) > 20
        seen.add(found.name)
    assert [v.step for v in variants()] == sorted(v.step for v in variants())


def test_one_file_adds_one_variant() -> None:
    folder = Path(minds.__file__).with_name("minds")
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {v.factory.__module__.rpartition(".")[2] for v in variants()} == files
    assert len(variants()) == len(files)


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean 'keywords'"):
        variant("keyword")


def test_two_minds_of_one_name_are_refused() -> None:
    variants()
    with pytest.raises(DataError, match="two minds are called 'keywords'"):
        minds.mind("keywords", step=1, parent=None, note="another")(Echo)


def test_fitted_once_then_loaded(echo: Variant, tmp_path: Path) -> None:
    first = prepare(echo, ROWS, tmp_path)
    second = prepare(echo, ROWS, tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert second.mind.texts == ["tell a joke"]  # type: ignore[attr-defined]
    assert echo.factory.fits == 1  # type: ignore[attr-defined]
    assert second.bytes_kept > 0


def test_other_data_are_fitted_anew(echo: Variant, tmp_path: Path) -> None:
    prepare(echo, ROWS, tmp_path)
    other = [dataclasses.replace(ROWS[0], text="tell another")]
    assert not prepare(echo, other, tmp_path).cached


def test_other_code_is_fitted_anew(echo: Variant, tmp_path: Path) -> None:
    prepare(echo, ROWS, tmp_path)
    elsewhere: Any = type("Echo", (Echo,), {"__module__": "slipway_assistant.minds.linear_crf"})
    assert not prepare(dataclasses.replace(echo, factory=elsewhere), ROWS, tmp_path).cached


def test_a_kept_mind_that_is_broken_is_fitted_again(echo: Variant, tmp_path: Path) -> None:
    prepare(echo, ROWS, tmp_path)
    kept = next(tmp_path.glob("echo-*"))
    (kept / "texts.json").write_text("{", "utf-8")
    assert not prepare(echo, ROWS, tmp_path).cached
    assert prepare(echo, ROWS, tmp_path).cached


def test_a_half_written_mind_is_not_used(echo: Variant, tmp_path: Path) -> None:
    prepare(echo, ROWS, tmp_path)
    kept = next(tmp_path.glob("echo-*"))
    (kept / "done.json").unlink()
    again = prepare(echo, ROWS, tmp_path)
    assert not again.cached
    assert again.mind.understand("x", "en").confidence == 0.25


def test_nothing_else_is_left_in_the_folder(echo: Variant, tmp_path: Path) -> None:
    prepare(echo, ROWS, tmp_path)
    assert [path.name[:5] for path in tmp_path.iterdir() if path.suffix != ".lock"] == ["echo-"]


def test_the_cache_is_in_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert minds.default_cache() == tmp_path / "slipway-assistant" / "minds"


def test_the_code_hash_covers_what_a_mind_imports() -> None:
    reached = minds._reached("slipway_assistant.minds.calibrated")
    assert "slipway_assistant.minds.linear_crf" in reached
    assert {"slipway_assistant.tagger", "slipway_assistant.numbers", "slipway_assistant.templates"} <= reached
    assert "slipway_assistant.minds.nearest" not in reached
    data_files = {path.name for name in reached for path in minds._data_files(name)}
    assert data_files == {"en.txt", "fr.txt", "ja.txt", "en.jsonl", "fr.jsonl", "ja.jsonl"}
    assert len({v.code_hash for v in variants()}) == len(variants())
    assert code_hash("slipway_assistant.minds.keywords") == variant("keywords").code_hash


def test_a_skill_counts_for_a_mind_by_its_signature_alone() -> None:
    reached = minds._reached("slipway_assistant.minds.nearest")
    assert "slipway_assistant.schema" in reached
    assert not any(name.startswith(("slipway_assistant.skill", "slipway_assistant.when")) for name in reached)
    assert b"Title of the song." in minds._signatures()


def test_an_answer_copes_with_what_people_send(echo: Variant) -> None:
    mind = echo.factory.fit(ROWS)
    assert answer(mind, "bonjour à tous").call == {"name": "joke.tell", "arguments": {"topic": "fr:bonjour à tous"}}
    odd = answer(mind, "half \ud800 pair", "en").call
    assert odd is not None
    assert odd["arguments"]["topic"] == "en:half ? pair"
    long = answer(mind, "a" * 10**6, "en").call
    assert long is not None
    assert len(long["arguments"]["topic"]) == minds.LONGEST + 3


def test_no_mind_is_kept_as_a_pickle() -> None:
    source = Path(minds.__file__).parent
    for path in source.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "import pickle" not in text, path
        assert "joblib" not in text, path
