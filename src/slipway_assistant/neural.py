"""A small transformer that reads a sentence once and says its function and which words are which argument.

The layers run in onnxruntime as 8-bit integers; the embeddings, half of the weights, are looked up here with one scale for each
row. Start in `Reader.read`; `train/` makes what is read here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import MissingExtra
from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.spans import OUTSIDE, span_arguments
from slipway_assistant.text import Token

Floats = NDArray[np.float32]
UNKNOWN, START, END, MASK = "[UNK]", "[CLS]", "[SEP]", "[MASK]"
LONGEST = 120
"""Pieces of a sentence that are read; no sentence that is spoken to an assistant has as many."""
SHAPES = 4
_CONTINUED = "##"
_LONGEST_WORD = 40


def tag_names() -> list[str]:
    """What a word can be: outside, or the first or a further word of an argument of a function."""
    places = [f"{function}.{name}" for function in FUNCTIONS for name in span_arguments(function)]
    return [OUTSIDE, *(f"{kind}-{place}" for place in places for kind in "BI")]


def tags_of(function: str, tags: Sequence[str]) -> list[int]:
    """The columns of the tags that the words of a function's sentence can have; outside comes first."""
    return [0, *(i for i, tag in enumerate(tags) if i and tag[2:].rpartition(".")[0] == function)]


def shape_of(word: str) -> int:
    """0 for lower case and signs, 1 for Capital, 2 for CAPITALS, 3 for digits."""
    if word[:1].isdecimal():
        return 3
    if word.isupper() and len(word) > 1:
        return 2
    return 1 if word[:1].isupper() else 0


@dataclass(frozen=True, slots=True)
class Pieced:
    """A sentence in pieces of words: their numbers, the shape of the word each is of, and where each word begins."""

    pieces: list[int]
    shapes: list[int]
    firsts: list[int]


class Pieces:
    """WordPiece (Wu et al., 2016): each word is cut into the longest known pieces from the left."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self._number = {piece: i for i, piece in enumerate(self.vocabulary)}
        self._known: dict[str, list[int]] = {}

    def encode(self, tokens: Sequence[Token]) -> Pieced:
        """The pieces of the words, with a start and an end; words beyond `LONGEST` pieces are left out."""
        pieces, shapes, firsts = [self._number[START]], [0], []
        for token in tokens:
            of_word = self._cut(token.low)
            if len(pieces) + len(of_word) >= LONGEST:
                break
            firsts.append(len(pieces))
            pieces += of_word
            shapes += [shape_of(token.text)] * len(of_word)
        return Pieced([*pieces, self._number[END]], [*shapes, 0], firsts)

    def _cut(self, word: str) -> list[int]:
        found = self._known.get(word)
        if found is None:
            found = self._longest(plain(word))
            if len(self._known) < 50_000:
                self._known[word] = found
        return found

    def _longest(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(min(len(word), start + _LONGEST_WORD), start, -1):
                number = self._number.get((_CONTINUED if start else "") + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [self._number[UNKNOWN]]
        return found or [self._number[UNKNOWN]]


def plain(word: str) -> str:
    """Without accents and control characters, as the pieces were made; kana keep their marks."""
    if word.isascii():
        return word
    if re.search(r"[぀-ヿ]", word):
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cc", "Cf"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: a score for each label, and for each word a score for each tag."""

    labels: Floats
    tags: Floats


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One row of bytes and one scale for each piece; places and shapes are added."""

    rows: NDArray[np.int8]
    scales: Floats
    places: Floats
    shapes: Floats

    def look_up(self, sentence: Pieced) -> Floats:
        """One vector for each piece."""
        numbers = np.array(sentence.pieces)
        found = self.rows[numbers].astype(np.float32) * self.scales[numbers, None]
        result: Floats = found + self.places[: len(numbers)] + self.shapes[sentence.shapes]
        return result


class Reader:
    """The trained network, ready to read."""

    def __init__(self, layers: bytes, embeddings: Embeddings, description: Mapping[str, Any]) -> None:
        self.layers = layers
        self.embeddings = embeddings
        self.description = dict(description)
        self.labels: list[str] = list(description["labels"])
        self.tags: list[str] = list(description["tags"])
        self.pieces = Pieces(description["vocabulary"])

    @cached_property
    def _session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra.named("assistant", "onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(self.layers, options, providers=["CPUExecutionProvider"])

    def read(self, tokens: Sequence[Token]) -> Reading:
        """Read the words once. Words that were left out as too many are outside of every argument."""
        sentence = self.pieces.encode(tokens)
        labels, tags = self._session.run(None, {"x": self.embeddings.look_up(sentence)[None]})
        scores = np.full((len(tokens), len(self.tags)), -30.0, dtype=np.float32)
        scores[:, 0] = 0.0
        if sentence.firsts:
            scores[: len(sentence.firsts)] = tags[0][sentence.firsts]
        return Reading(labels[0], scores)

    def save(self, folder: Path) -> None:
        """Three files: the layers (ONNX), the embeddings (npz), and what the numbers mean (JSON)."""
        (folder / "layers.onnx").write_bytes(self.layers)
        e = self.embeddings
        with (folder / "embeddings.npz").open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, rows=e.rows, scales=e.scales, places=e.places, shapes=e.shapes
            )
        text = json.dumps(self.description, ensure_ascii=False, separators=(",", ":"))
        (folder / "reader.json").write_text(text, "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Reader:
        """What `save` wrote."""
        with np.load(folder / "embeddings.npz", allow_pickle=False) as file:
            embeddings = Embeddings(file["rows"], file["scales"], file["places"], file["shapes"])
        description = json.loads((folder / "reader.json").read_text("utf-8"))
        return cls((folder / "layers.onnx").read_bytes(), embeddings, description)


def best_tags(scores: Floats, tags: Sequence[str]) -> tuple[list[str], float]:
    """The likeliest tags that can follow one another, and their summed log probability.

    `scores` holds a log probability for each word and tag. A further word follows only a word of the same argument, and
    no argument stands twice: where it would, the likelier place keeps it (Viterbi, then the weaker one is closed).
    """
    allowed = np.ones(scores.shape, dtype=bool)
    while True:
        path, total = _viterbi(np.where(allowed, scores, np.float32(-1e4)), tags)
        twice = _stands_twice(path, scores)
        if twice is None:
            return [tags[i] for i in path], total
        for word in twice:
            allowed[word, path[word]] = False


def _viterbi(scores: Floats, tags: Sequence[str]) -> tuple[list[int], float]:
    may_follow = _may_follow(tuple(tags))
    if not len(scores):
        return [], 0.0
    first = np.array([0.0 if tag[0] != "I" else -1e4 for tag in tags], dtype=np.float32)
    total = scores[0] + first
    back = np.zeros(scores.shape, dtype=np.int64)
    for word in range(1, len(scores)):
        through = total[:, None] + may_follow
        back[word] = through.argmax(axis=0)
        total = through.max(axis=0) + scores[word]
    path = [int(total.argmax())]
    for word in range(len(scores) - 1, 0, -1):
        path.append(int(back[word, path[-1]]))
    return path[::-1], float(total.max())


def _may_follow(tags: tuple[str, ...]) -> Floats:
    found = np.zeros((len(tags), len(tags)), dtype=np.float32)
    for after, tag in enumerate(tags):
        if tag[0] == "I":
            for before, other in enumerate(tags):
                found[before, after] = 0.0 if other[2:] == tag[2:] and other != OUTSIDE else -1e4
    return found


def _stands_twice(path: Sequence[int], scores: Floats) -> list[int] | None:
    """The words of the weaker place of an argument that stands twice. Tags come in pairs B, I: 2n-1 and 2n."""
    places: dict[int, list[list[int]]] = {}
    for word, tag in enumerate(path):
        if tag and tag % 2:
            places.setdefault((tag + 1) // 2, []).append([word])
        elif tag:
            places[tag // 2][-1].append(word)
    for found in places.values():
        if len(found) > 1:
            return min(found, key=lambda words: float(np.mean([scores[w, path[w]] - scores[w, 0] for w in words])))
    return None
