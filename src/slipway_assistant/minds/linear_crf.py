"""A linear classifier says the function and its action; a CRF for that function marks the arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from slipway_assistant.data import Utterance
from slipway_assistant.features import sentence_features, word_features
from slipway_assistant.linear import LinearModel, load_arrays, save_arrays
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.tagger import Taggers
from slipway_assistant.text import tokenize
from slipway_assistant.values import value_arguments

CHOICES = {"datetime.get": "field"}
"""The enum argument of each function that the classifier decides together with the name; `action` elsewhere."""


def joint_label(row: Utterance) -> str:
    """The function with its action, such as `home.set|on`; `none` where nothing is called."""
    chosen = row.arguments.get(CHOICES.get(row.function, "action"), "")
    return f"{row.function}|{chosen}"


def assemble(label: str, words: dict[str, str], text: str) -> dict[str, Any] | None:
    """The call from a joint label, the marked words, and the values read from the text."""
    function, _, chosen = label.partition("|")
    if function == "none":
        return None
    arguments: dict[str, Any] = {}
    if chosen:
        arguments[CHOICES.get(function, "action")] = chosen
    arguments |= words
    arguments |= value_arguments(function, text, chosen)
    return {"name": function, "arguments": arguments}


@mind(
    "linear_crf",
    step=40,
    parent="nearest",
    note="a linear classifier over words and letters for the function and its action, a CRF per function for the words",
)
class LinearCrf:
    """Start in `understand`. The variants that follow change one of the three steps of `fit`."""

    cost = 1.0

    def __init__(self, classifier: LinearModel, taggers: Taggers) -> None:
        self.classifier = classifier
        self.taggers = taggers

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Learn the classifier from all rows and each tagger from the rows of its function."""
        rows = cls.more_rows(rows)
        return cls(cls.fit_classifier(rows), Taggers.fit(rows, word_features))

    @classmethod
    def more_rows(cls, rows: Sequence[Utterance]) -> Sequence[Utterance]:
        """The rows to learn from."""
        return rows

    @classmethod
    def fit_classifier(cls, rows: Sequence[Utterance]) -> LinearModel:
        """Words and letters to function and action."""
        documents = [cls.sentence_features(row.text) for row in rows]
        return LinearModel.fit(documents, [joint_label(row) for row in rows], cost=cls.cost)

    @staticmethod
    def sentence_features(text: str) -> list[list[str]]:
        """What the classifier looks at."""
        return sentence_features(text)

    def understand(self, text: str, lang: str) -> Understanding:
        """The most probable function; confidence is its probability times that of the tagging."""
        probabilities = self.classifier.probabilities(self.sentence_features(text))
        best = int(probabilities.argmax())
        call, sure = self.call_for(self.classifier.labels[best], text)
        return Understanding(call, float(probabilities[best]) * sure)

    def call_for(self, label: str, text: str) -> tuple[dict[str, Any] | None, float]:
        """The call of a joint label, and the probability of its arguments."""
        words, sure = self.taggers.arguments(label.partition("|")[0], text, tokenize(text))
        return assemble(label, words, text), sure

    def save(self, folder: Path) -> None:
        """One .npz."""
        save_arrays(folder / "model.npz", self.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learned."""
        return self.classifier.arrays("classifier") | self.taggers.arrays("tagger")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        return cls.from_arrays(load_arrays(folder / "model.npz"))

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        taggers = Taggers.from_arrays(arrays, "tagger", word_features)
        return cls(LinearModel.from_arrays(arrays, "classifier"), taggers)
