"""The utterances: real ones from the folder that SLIPWAY_NLU_DATA names, otherwise those written for this repository.

The real ones were said by real people and stay in their folder: nothing here copies them. Start in `load()`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import DataError
from slipway_assistant.text import word_set

ENVIRONMENT = "SLIPWAY_NLU_DATA"
SPLITS = ("train", "dev")
# Words that make another sentence of the same template.
_POLITE = word_set("please can could would will you u i d like want to need me my the a an hey olly alexa google s")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence and the call it should make.

    `call` is `{"name", "arguments"}`, or None when nothing may be called. `grade` is "call", or "name" where only
    the name counts. Utterances of one `cluster` are variants of one sentence: their scores are not independent.
    """

    id: str
    source: str
    lang: str
    text: str
    call: Mapping[str, Any] | None
    grade: str = "call"
    cluster: str = ""
    must_pass: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def function(self) -> str:
        """The function's name; "none" where nothing may be called."""
        return self.call["name"] if self.call else "none"

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The expected arguments; empty where nothing may be called."""
        return self.call["arguments"] if self.call else {}

    def as_row(self) -> dict[str, Any]:
        """The utterance as the plain dict that `grade()` takes."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Source:
    """Which utterances these are: `name` ("real" or "own"), content hash (SHA-256, 16 digits), rows per split."""

    name: str
    hash: str
    counts: Mapping[str, int]
    folder: str

    def __str__(self) -> str:
        rows = ", ".join(f"{count:,} {split}" for split, count in self.counts.items())
        return f"{self.name} utterances {self.hash} ({rows})"


def real_folder() -> Path | None:
    """The folder of real utterances, or None when SLIPWAY_NLU_DATA is not set.

    Raises DataError when the variable is set and the folder lacks train.jsonl or dev.jsonl.
    """
    named = os.environ.get(ENVIRONMENT, "")
    if not named:
        return None
    folder = Path(named).expanduser()
    missing = [f"{split}.jsonl" for split in SPLITS if not (folder / f"{split}.jsonl").is_file()]
    if missing:
        raise DataError(
            f"{ENVIRONMENT} names {str(folder)!r}, which has no {' and no '.join(missing)}",
            mend=f"name the folder that holds them, or unset {ENVIRONMENT} to use Slipway's own utterances",
        )
    return folder


def load(split: str) -> list[Utterance]:
    """The utterances of `train` or `dev`: the real ones when SLIPWAY_NLU_DATA is set, otherwise our own."""
    if split not in SPLITS:
        raise DataError(f"there is no split {split!r}", mend=f"choose {' or '.join(SPLITS)}")
    folder = real_folder()
    return own(split) if folder is None else _read(folder / f"{split}.jsonl")


def own(split: str | None = None, lang: str | None = None) -> list[Utterance]:
    """The utterances written for this repository, of one split and language or of all."""
    from slipway_assistant import utterances

    return [
        Utterance(row.id, row.source, row.lang, row.text, row.call, row.grade, row.cluster, row.must_pass, row.extra)
        for row in utterances.load(split, lang)
    ]


def must_pass() -> list[Utterance]:
    """The utterances that every variant must get right before it ships: ours, whichever data are in use."""
    return [utterance for utterance in own() if utterance.must_pass]


def describe() -> Source:
    """Which utterances `load` gives, with their content hash and counts."""
    folder = real_folder()
    splits = {split: load(split) for split in SPLITS}
    everything = [utterance for rows in splits.values() for utterance in rows]
    counts = {split: len(rows) for split, rows in splits.items()}
    return Source("own" if folder is None else "real", content_hash(everything), counts, str(folder or ""))


def content_hash(utterances: Iterable[Utterance]) -> str:
    """SHA-256 (first 16 hexadecimal digits) over what a mind can learn from: text, language, call, grade."""
    digest = hashlib.sha256()
    for u in utterances:
        line = json.dumps([u.text, u.lang, u.call, u.grade], ensure_ascii=False, sort_keys=True)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()[:16]


def slices(utterance: Utterance) -> dict[str, str]:
    """What scores are broken down by: language, source, function."""
    return {"lang": utterance.lang, "source": utterance.source, "function": utterance.function}


def count_by(utterances: Sequence[Utterance], key: str) -> dict[str, int]:
    """How many utterances there are for each value of a slice (`lang`, `source` or `function`), most first."""
    return dict(Counter(slices(u)[key] for u in utterances).most_common())


def cluster_of(name: str, source: str, text: str) -> str:
    """Which sentences are variants of this one, for rows that do not say it themselves.

    Home Assistant's test sentences carry it in their ids (the last number counts the variants of one template);
    of the others those count as variants that differ in politeness, articles, numbers and signs only.
    """
    if source.startswith("ha-"):
        return name.rpartition("-")[0]
    words = re.findall(r"[^\W\d_]+|\d+", text.lower())
    key = " ".join("0" if word.isdecimal() else word for word in words if word not in _POLITE)
    return hashlib.sha256((key or text).encode()).hexdigest()[:12]


def _read(path: Path) -> list[Utterance]:
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append(_utterance(row))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}, line {number}: not an utterance ({error!r})",
                mend="each line is a JSON object with id, source, lang, text, call and grade",
            ) from error
    return rows


def _utterance(row: Mapping[str, Any]) -> Utterance:
    return Utterance(
        id=row["id"],
        source=row["source"],
        lang=row["lang"],
        text=row["text"],
        call=row["call"],
        grade=row.get("grade", "call"),
        cluster=row.get("cluster") or cluster_of(row["id"], row["source"], row["text"]),
        extra=row.get("extra") or {},
    )
