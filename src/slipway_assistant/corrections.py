"""What a turn says about the one before it, and the sentences that may teach the next mind something.

`comment()` reads a correction, a complaint, a repetition or a rephrasing out of two turns. A sentence that was probably
misunderstood becomes a candidate: a row of `candidates.jsonl` in the assistant's folder, where it stays until somebody
accepts it into the next version of the dataset `assistant-said`, or drops it. Start in `Candidates`.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from slipway.errors import DataError, NotFound, StoreError
from slipway_assistant.schema import validate
from slipway_assistant.text import KANA_OR_KANJI, tokenize

SOON_S = 60.0
"""What is said later than this is no comment on the turn before."""
DATASET = "assistant-said"
FILE, ACCEPTED = "candidates.jsonl", "accepted.jsonl"
ALIKE = 0.5
"""A sentence that shares this much with the one before, which failed, says the same in other words."""

MEANT_TWICE = frozenset(
    {"music.control", "volume.set", "joke.tell", "news.get", "timer.manage", "home.set", "list.edit"}
)
"""Functions that people ask for twice because they want it twice: the next song, one step louder, another joke."""
ALONE = frozenset({"", "understood", "nothing understood"})
"""Reasons for a call that leave the sentence to speak for itself. What follows another turn teaches nothing alone."""


class Taken(Protocol):
    """As much of a turn as is looked at."""

    @property
    def text(self) -> str:
        """What was said."""

    @property
    def call(self) -> Mapping[str, Any] | None:
        """What was called."""

    @property
    def answer(self) -> Any:
        """What was answered; None where nobody was spoken to."""

    @property
    def why(self) -> str:
        """The dialogue's reason."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What a turn says about the one before: feedback (name, value, kind), and the call that may have been meant.

    `teaches`: the sentence before says that call by itself, so that a mind could learn it.
    """

    name: str
    value: Any
    kind: str
    why: str
    call: Mapping[str, Any] | None
    teaches: bool = True


def comment(before: Taken, made: Taken, seconds: float) -> Comment | None:
    """What `made`, said so many seconds after `before`, says about it; None where it is just the next thing."""
    if seconds > SOON_S:
        return None
    teaches = before.why in ALONE
    if made.why == "correction":
        return Comment("meant", made.call, "correction", "corrected", made.call, teaches and made.call is not None)
    if made.why == "wrong":
        return Comment("helpful", False, "thumb", "called wrong", before.call, teaches)
    if made.why not in ALONE or not made.text.strip():
        return None
    if _same(before.text, made.text):
        # A question is not answered by its words, and nobody wants the same weather twice.
        odd = not _asked(before) and (before.call is None or before.call["name"] not in MEANT_TWICE)
        said = Comment("repeated", "said again right after", "label", "repeated", before.call, teaches)
        return said if odd else None
    if _failed(before) and made.call is not None and alike(before.text, made.text) >= ALIKE:
        return Comment("repeated", "said in other words right after", "label", "rephrased", made.call, teaches)
    return None


def alike(one: str, other: str) -> float:
    """How much of the words of the shorter sentence are in the other, from 0 to 1; in Japanese, which has no spaces, of its
    pairs of signs."""
    first, second = _pieces(one), _pieces(other)
    return len(first & second) / min(len(first), len(second)) if first and second else 0.0


def _pieces(text: str) -> frozenset[str]:
    low = [token.low for token in tokenize(text)]
    if KANA_OR_KANJI.search(text):
        return frozenset(a + b for a, b in pairwise(low)) or frozenset(low)
    return frozenset(low)


def _same(one: str, other: str) -> bool:
    return one.strip(" .!?。！？").casefold() == other.strip(" .!?。！？").casefold()


def _asked(turn: Taken) -> bool:
    return turn.answer is not None and bool(turn.answer.ask or turn.answer.confirm)


def _failed(turn: Taken) -> bool:
    return not _asked(turn) and (turn.call is None or (turn.answer is not None and not turn.answer.ok))


class Candidates:
    """The candidates in a folder, for several programs at once: they are added, looked at, and accepted or dropped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep one more row ({"id", "lang", "text", "call", ...}). It is on the disk when this returns."""
        with self._alone():
            number = os.open(self.folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(number, _line(row))
                os.fsync(number)
            finally:
                os.close(number)

    def rows(self) -> list[dict[str, Any]]:
        """All candidates, oldest first; the last that was said of a sentence counts. A line that is torn is passed over."""
        return list(_read(self.folder / FILE).values())

    def accept(
        self, ids: Iterable[str], save: Callable[[list[dict[str, Any]]], None], *, call: Any = ...
    ) -> list[dict[str, Any]]:
        """Take candidates into the dataset: `save` gets all rows ever accepted and these, and makes a version of them.

        `call` is what was really meant, where the row does not know. Raises `DataError` for a row whose call is none, before
        anything is saved; nothing is taken off the list unless `save` succeeds.
        """
        with self._alone():
            waiting = _read(self.folder / FILE)
            chosen = [dict(row) for row in _chosen(waiting, ids)]
            for row in chosen:
                if call is not ...:
                    row["call"] = call
                if problems := validate(row["call"]):
                    raise DataError(
                        f"{row['id']} cannot be accepted as it is: {problems[0]}", mend="say what was meant with --call"
                    )
            accepted = {**_read(self.folder / ACCEPTED), **{row["id"]: row for row in chosen}}
            save(list(accepted.values()))
            self._write(ACCEPTED, accepted.values())
            self._take_off(waiting, chosen)
        return chosen

    def drop(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Take candidates off the list; their sentences are gone."""
        with self._alone():
            waiting = _read(self.folder / FILE)
            chosen = _chosen(waiting, ids)
            self._take_off(waiting, chosen)
        return chosen

    def _take_off(self, waiting: Mapping[str, dict[str, Any]], gone: Iterable[Mapping[str, Any]]) -> None:
        ids = {row["id"] for row in gone}
        self._write(FILE, (row for name, row in waiting.items() if name not in ids))

    def _write(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Beside, then renamed: a reader sees the old rows or the new ones."""
        number, beside = tempfile.mkstemp(prefix=f".{name}-", dir=self.folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.writelines(_line(row) for row in rows)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.folder / name)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(beside)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One program at a time changes the files: a row that is added while others are dropped is not lost."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self.folder / f".{FILE}.lock", "w", opener=lambda n, flags: os.open(n, flags, 0o600)) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise StoreError(
                f"the candidates in {self.folder} cannot be written: {error}", mend="see that the folder may be written"
            ) from error


def example_rows(accepted: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Accepted rows as rows of the dataset, in the form of the other datasets of the assistant."""
    return [
        {
            "id": row["id"],
            "input": {"text": row["text"], "lang": row["lang"]},
            "expected": {"call": row["call"], "grade": row.get("grade", "call"), "also": []},
            "cluster": row["id"],
            "lang": row["lang"],
            "source": row.get("source", "said"),
            "function": row["call"]["name"] if row["call"] else "none",
            "why": (row.get("extra") or {}).get("why", ""),
            "trace_id": (row.get("extra") or {}).get("trace_id", ""),
        }
        for row in accepted
    ]


def _chosen(waiting: Mapping[str, dict[str, Any]], ids: Iterable[str]) -> list[dict[str, Any]]:
    """The rows that the ids begin; in their order, each once."""
    found: dict[str, dict[str, Any]] = {}
    for one in ids:
        fitting = [name for name in waiting if name == one] or [
            name for name in waiting if name.startswith(one) or name.removeprefix("said-").startswith(one)
        ]
        if not fitting:
            raise NotFound.among("candidate", one, waiting)
        if len(fitting) > 1:
            raise DataError(f"{one!r} begins several candidates", mend="give more of the id")
        found[fitting[0]] = waiting[fitting[0]]
    return list(found.values())


def _read(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("text"), str) and "call" in row and "id" in row:
            found[str(row["id"])] = {"lang": "en", **row}
    return found


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
