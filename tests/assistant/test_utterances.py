"""The repository's own utterances: enough of each kind, well annotated, and nobody else's sentences."""

import importlib.util
import json
import os
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from slipway_assistant import utterances
from slipway_assistant.schema import FUNCTIONS, validate
from slipway_assistant.utterances import LANGUAGES, SPLITS, Row, load

ROWS = load()
NAMED = os.environ.get("SLIPWAY_NLU_DATA")
REAL = Path(NAMED) if NAMED else Path(__file__).parents[3] / "shared" / "data" / "nlu"
# A folder that is named must be there; only when nothing is named and nothing lies beside the checkout is there
# no data to compare with.
real_data = pytest.mark.skipif(not NAMED and not REAL.is_dir(), reason="set SLIPWAY_NLU_DATA to compare")
README = Path(utterances.__file__).with_name("README.md")


def plain(text: str) -> str:
    """Lower case, no punctuation, single spaces."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower()))


def function_of(row: Row) -> str | None:
    return row.call["name"] if row.call else None


def accepted(row: Row) -> Iterator[dict[str, Any]]:
    """Every call that is right for a row."""
    if row.call is not None:
        yield row.call
    yield from row.extra.get("also", [])


def imported(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def grade(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The reference grader of the folder of real utterances; it imports its schema by a bare name."""
    monkeypatch.setitem(sys.modules, "schema", imported(REAL / "schema.py", "schema"))
    return imported(REAL / "grade.py", "reference_grade").grade


def test_there_are_enough_of_every_kind() -> None:
    languages = Counter(row.lang for row in ROWS)
    assert languages["en"] >= 480
    assert min(languages["ja"], languages["fr"]) >= 75
    nothing = [row for row in ROWS if row.call is None]
    assert len(nothing) >= 100
    assert sum(row.extra.get("near_miss", False) for row in nothing) >= 60
    assert sum("also" in row.extra for row in ROWS) >= 15


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_every_function_and_no_call_in_each_language_and_split(lang: str, split: str) -> None:
    assert {function_of(row) for row in load(split, lang)} == {*FUNCTIONS, None}


def test_english_shows_every_argument_and_every_action() -> None:
    shown = defaultdict(set)
    for row in load(lang="en"):
        for name, value in (row.call or {"arguments": {}})["arguments"].items():
            shown[function_of(row), name].add(value)
    for function in FUNCTIONS.values():
        for argument in function.arguments:
            values = shown[function.name, argument.name]
            assert values, f"no English row shows {function.name} {argument.name}"
            assert values >= set(argument.values), f"{function.name} {argument.name}"


def test_every_call_obeys_the_schema() -> None:
    assert {row.id: problems for row in ROWS for call in accepted(row) if (problems := validate(call))} == {}


def test_ids_and_texts_are_unique() -> None:
    assert [row_id for row_id, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    texts = Counter((row.lang, plain(row.text)) for row in ROWS)
    assert [text for text, count in texts.items() if count > 1] == []


def test_texts_are_clean() -> None:
    """One line, composed characters, no space at either end: what a speech recogniser would hand over."""
    for row in ROWS:
        assert row.text == " ".join(unicodedata.normalize("NFC", row.text).split()), row.id


def test_spans_are_words_of_the_utterance() -> None:
    wrong = []
    for row in ROWS:
        words = f" {plain(row.text)} "
        for call in accepted(row):
            for name, value in call["arguments"].items():
                argument = FUNCTIONS[call["name"]].argument(name)
                assert argument is not None
                if argument.kind in ("span", "soft"):
                    # Japanese has no spaces between words, so there it is characters that must be found.
                    found = plain(value) in words if row.lang == "ja" else f" {plain(value)} " in words
                    wrong += [] if found else [(row.id, name, value)]
    assert wrong == []


def test_clusters_lie_in_one_split() -> None:
    splits = defaultdict(set)
    for row in ROWS:
        assert row.split in SPLITS
        splits[row.cluster].add(row.split)
    assert [cluster for cluster, where in splits.items() if len(where) > 1] == []
    assert max(Counter(row.cluster for row in ROWS).values()) <= 2, "at most two rows may be alike"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_split_is_about_55_to_45(lang: str) -> None:
    assert len(load("dev", lang)) / len(load(lang=lang)) == pytest.approx(0.45, abs=0.03)


def test_must_pass_rows_are_plain_and_lie_in_dev() -> None:
    rows = [row for row in ROWS if row.must_pass]
    assert 20 <= len(rows) <= 30
    assert {row.split for row in rows} == {"dev"}
    assert {row.lang for row in rows} == set(LANGUAGES)
    assert {row.lang for row in rows if row.call is None} == set(LANGUAGES), "a bystander in each language"
    assert max(len(row.text.split()) for row in rows) <= 10


def test_extra_holds_what_the_readme_says() -> None:
    for row in ROWS:
        assert set(row.extra) <= {"also", "note", "near_miss"}, row.id
        assert ("also" in row.extra) == ("note" in row.extra), row.id
        assert row.call not in row.extra.get("also", []), row.id
        if "near_miss" in row.extra:
            assert row.call is None, row.id


def counts(rows: list[Row]) -> dict[str, int]:
    return {
        "rows": len(rows),
        "train": sum(row.split == "train" for row in rows),
        "dev": sum(row.split == "dev" for row in rows),
        "call nothing": sum(row.call is None for row in rows),
        "near misses": sum("near_miss" in row.extra for row in rows),
        "two readings": sum("also" in row.extra for row in rows),
        "must-pass": sum(row.must_pass for row in rows),
    } | {name: sum(function_of(row) == name for row in rows) for name in FUNCTIONS}


def test_the_readme_states_the_counts() -> None:
    stated = re.findall(r"^\| `?([\w.\- ]+?)`? \| (\d+) \| (\d+) \| (\d+) \|$", README.read_text("utf-8"), re.M)
    by_language = [counts(load(lang=lang)) for lang in LANGUAGES]
    assert stated == [(kind, *(str(count[kind]) for count in by_language)) for kind in by_language[0]]


def test_rows_are_frozen() -> None:
    with pytest.raises(AttributeError):
        ROWS[0].text = "other words"  # type: ignore[misc]


@pytest.mark.parametrize(("split", "lang", "says"), [("test", None, "train, dev"), (None, "de", "en, ja, fr")])
def test_unknown_split_or_language_is_answered_with_the_known(split: str | None, lang: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load(split, lang)


def test_load_filters_and_keeps_all() -> None:
    parts = [row.id for lang in LANGUAGES for split in SPLITS for row in load(split, lang)]
    assert sorted(parts) == sorted(row.id for row in ROWS)
    assert load("dev", "fr") == [row for row in ROWS if row.split == "dev" and row.lang == "fr"]


@real_data
def test_the_reference_grader_accepts_each_annotation_and_no_other_call(grade: Any) -> None:
    for row in ROWS:
        plain_row = {"call": row.call, "grade": row.grade, "text": row.text}
        assert grade(plain_row, row.call)[0], row.id
        other = None if row.call else {"name": "joke.tell", "arguments": {}}
        assert not grade(plain_row, other)[0], row.id


@real_data
def test_second_readings_differ_for_the_reference_grader(grade: Any) -> None:
    """A second reading that the grader takes for the first would be no second reading."""
    same = [
        (row.id, call)
        for row in ROWS
        for call in row.extra.get("also", [])
        if grade({"call": row.call, "grade": row.grade}, call)[0]
    ]
    assert same == []


@real_data
def test_no_sentence_is_one_of_the_real_ones() -> None:
    real = {
        plain(json.loads(line)["text"])
        for file in sorted(REAL.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    }
    assert real, f"no utterances in {REAL}"
    assert [row.id for row in ROWS if plain(row.text) in real] == []
