"""The most similar labelled sentence says the function; its arguments are found again in the new sentence.

Similarity is the cosine of TF-IDF weighted words and letter n-grams. The two sentences are laid side by side: what
stands where the labelled one has an argument is the new one's argument.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from slipway_assistant.data import Utterance
from slipway_assistant.features import sentence_features
from slipway_assistant.linear import Vocabulary, array_text, load_arrays, save_arrays, text_array
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.spans import read_tags, segments, tag_tokens
from slipway_assistant.text import tokenize
from slipway_assistant.values import value_arguments

NEIGHBOURS = 5


def features(text: str) -> list[list[str]]:
    """Words, pairs and triples, and letter n-grams of three to five."""
    return sentence_features(text, shortest=3)


class Example:
    """A labelled sentence: its words, with each argument's words replaced by a mark."""

    def __init__(self, text: str, call: Mapping[str, Any] | None) -> None:
        self.call = call
        self.words: list[str] = []
        tokens = tokenize(text)
        tags = tag_tokens(text, tokens, call["name"], call["arguments"]) if call else None
        marked = {first: (name, last) for name, first, last in segments(tags or [])}
        at = 0
        while at < len(tokens):
            if at in marked:
                name, last = marked[at]
                self.words.append(f"<{name}>")
                at = last + 1
            else:
                self.words.append(tokens[at].low)
                at += 1

    def words_of(self, text: str) -> dict[str, str]:
        """The arguments of a new sentence, found where this example has its own."""
        tokens = tokenize(text)
        tags = ["O"] * len(tokens)
        matcher = SequenceMatcher(None, self.words, [token.low for token in tokens], autojunk=False)
        for kind, i1, i2, j1, j2 in matcher.get_opcodes():
            names = [word[1:-1] for word in self.words[i1:i2] if word.startswith("<")]
            if kind != "replace" or len(names) != 1:
                continue
            for j in range(j1, j2):
                tags[j] = f"{'B' if j == j1 else 'I'}-{names[0]}"
        return read_tags(text, tokens, tags)

    def call_for(self, text: str) -> dict[str, Any] | None:
        """This example's call with the arguments of a new sentence."""
        if self.call is None:
            return None
        function = FUNCTIONS[self.call["name"]]
        chosen = {a.name for a in function.arguments if a.kind == "enum"}
        arguments = {name: value for name, value in self.call["arguments"].items() if name in chosen}
        arguments |= self.words_of(text)
        arguments |= value_arguments(function.name, text, arguments.get("action"))
        return {"name": function.name, "arguments": arguments}

    def missing(self, call: Mapping[str, Any] | None) -> int:
        """How many of this example's arguments the new call lacks."""
        if self.call is None or call is None:
            return 0
        return len(set(self.call["arguments"]) - set(call["arguments"]))


@mind(
    "nearest",
    step=20,
    parent="keywords",
    note="the most similar labelled sentence instead of rules; its arguments are found again by laying both side by side",
)
class Nearest:
    """Start in `understand`."""

    threshold = 0.0

    def __init__(self, vocabulary: Vocabulary, postings: Mapping[str, NDArray[Any]], examples: list[str]) -> None:
        self.vocabulary = vocabulary
        self.starts, self.rows, self.weights = (postings[key] for key in ("starts", "rows", "weights"))
        self.examples = examples  # JSON of [text, call]; read when a sentence comes near

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Weigh the features of every row and keep them by feature."""
        documents = [features(row.text) for row in rows]
        vocabulary = Vocabulary.count(documents)
        by_feature = vocabulary.matrix(documents).tocsc()
        by_feature.sort_indices()
        postings = {
            "starts": by_feature.indptr.astype(np.int64),
            "rows": by_feature.indices.astype(np.int32),
            "weights": by_feature.data.astype(np.float32),
        }
        return cls(vocabulary, postings, [json.dumps([row.text, row.call], ensure_ascii=False) for row in rows])

    def similarities(self, text: str) -> NDArray[np.float64]:
        """The cosine of the sentence with each example."""
        groups = features(text)
        columns, values = self.vocabulary.encode(groups)
        if not len(columns):
            return np.zeros(len(self.examples))
        pieces = [slice(self.starts[c], self.starts[c + 1]) for c in columns]
        rows = np.concatenate([self.rows[piece] for piece in pieces])
        weights = np.concatenate([self.weights[p] * v for p, v in zip(pieces, values, strict=True)])
        # Each group has length one, so the dot product of two sentences is at most the number of groups.
        return np.bincount(rows, weights=weights, minlength=len(self.examples)) / len(groups)

    def understand(self, text: str, lang: str) -> Understanding:
        """The call of the nearest example; of several near ones the one whose arguments are all found."""
        return self.from_similarities(text, self.similarities(text))

    def from_similarities(self, text: str, similar: NDArray[np.float64]) -> Understanding:
        """As `understand`, once the similarities are known."""
        best = np.argsort(-similar, kind="stable")[:NEIGHBOURS]
        nearest = self._example(best[0])
        confidence = float(min(1.0, similar[best[0]]))
        if nearest.call is None or confidence < self.threshold:
            return Understanding(None, confidence if nearest.call is None else 1 - confidence)
        near = [self._example(i) for i in best if similar[i] >= 0.8 * similar[best[0]]]
        alike = [example for example in near if example.call and example.call["name"] == nearest.call["name"]]
        calls = [(example.missing(call := example.call_for(text)), call) for example in alike]
        return Understanding(min(calls, key=lambda pair: pair[0])[1], confidence)

    def _example(self, index: int) -> Example:
        text, call = json.loads(self.examples[index])
        return Example(text, call)

    def save(self, folder: Path) -> None:
        """One .npz."""
        save_arrays(folder / "model.npz", self.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learned."""
        return {
            "features": text_array(list(self.vocabulary.columns)),
            "idf": self.vocabulary.idf,
            "starts": self.starts,
            "rows": self.rows,
            "weights": self.weights,
            "examples": text_array(self.examples),
        }

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls.from_arrays(load_arrays(folder / "model.npz"))

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        columns = {feature: i for i, feature in enumerate(array_text(arrays["features"]))}
        return cls(Vocabulary(columns, arrays["idf"]), arrays, array_text(arrays["examples"]))
