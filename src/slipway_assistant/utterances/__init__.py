"""Utterances written for this repository, with the call each should make: `load()` reads them.

README.md beside this file says how they were written, annotated and split.
"""

from importlib.resources import files
from typing import Any

import msgspec

LANGUAGES = ("en", "ja", "fr")
SPLITS = ("train", "dev")


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One utterance.

    `call` is `{"name", "arguments"}`, or None when nothing may be called. `grade` is "call" (name and
    arguments count). Rows of one `cluster` are alike and lie in one split. `extra` may hold `also` (a list of
    calls that are right as well), `note`, and `near_miss` (true on a row that mentions a skill but asks for
    none).
    """

    id: str
    source: str
    lang: str
    text: str
    call: dict[str, Any] | None
    grade: str
    cluster: str
    split: str
    must_pass: bool
    extra: dict[str, Any]


def load(split: str | None = None, lang: str | None = None) -> list[Row]:
    """The rows of one split and language (None: all), in file order: English, Japanese, French.

    Raises ValueError for a split or language that the set does not have.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"no split {split!r}; choose one of {', '.join(SPLITS)}")
    if lang is not None and lang not in LANGUAGES:
        raise ValueError(f"no utterances in {lang!r}; choose one of {', '.join(LANGUAGES)}")
    decoder = msgspec.json.Decoder(Row)
    folder = files(__name__)
    rows = (
        row
        for language in (LANGUAGES if lang is None else (lang,))
        for row in decoder.decode_lines(folder.joinpath(f"{language}.jsonl").read_bytes())
    )
    return [row for row in rows if split is None or row.split == split]
