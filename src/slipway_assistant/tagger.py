"""Which words are which argument: one conditional random field for each function (python-crfsuite).

Start in `Taggers`. The models are crfsuite's own files, packed one after another into one array.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import MissingExtra
from slipway_assistant.data import Utterance
from slipway_assistant.spans import OUTSIDE, add_hints, read_tags, span_arguments, tag_tokens
from slipway_assistant.text import Token, tokenize

TokenFeatures = Callable[[str, Sequence[Token], str], list[list[str]]]
"""(text, tokens, function) -> the features of each token."""

PARAMETERS = {
    "c1": 0.05,
    "c2": 0.05,
    "max_iterations": 50,
    "feature.minfreq": 1,
    "feature.possible_transitions": True,
}


class Taggers:
    """The arguments of an utterance once its function is known."""

    def __init__(self, models: Mapping[str, bytes], features: TokenFeatures) -> None:
        self.models = dict(models)
        self.features = features
        self._open: dict[str, Crf] = {}

    @classmethod
    def fit(
        cls,
        rows: Sequence[Utterance],
        features: TokenFeatures,
        *,
        while_fitting: Callable[[Utterance], TokenFeatures] | None = None,
        hints: bool = False,
        parameters: Mapping[str, Any] | None = None,
    ) -> Taggers:
        """One model for each function that has arguments in the text; rows whose words cannot be found are left out.

        `while_fitting` gives the features of a training row where they must differ from those in use (see lexicon.py).
        `hints` has the taggers learn the source's own slots too (an album's "soundtrack", a list's owner); in use they
        are read as outside.
        """
        models: dict[str, bytes] = {}
        for function in sorted({row.function for row in rows} - {"none"}):
            if not span_arguments(function):
                continue
            labelled = [row for row in rows if row.function == function and row.grade == "call"]
            sequences = [
                sequence
                for row in labelled
                if (sequence := _sequence(row, while_fitting(row) if while_fitting else features, hints))
            ]
            if any(tag != OUTSIDE for _, tags in sequences for tag in tags):
                models[function] = train_crf(sequences, parameters)
        return cls(models, features)

    def tag(self, function: str, text: str, tokens: Sequence[Token]) -> tuple[list[str], float]:
        """The tag of each token and the probability of the whole tagging; all outside for an unknown function."""
        if function not in self.models or not tokens:
            return [OUTSIDE] * len(tokens), 1.0
        if function not in self._open:
            self._open[function] = Crf(self.models[function])
        return self._open[function].tag(self.features(text, tokens, function))

    def chances(self, function: str, text: str, tokens: Sequence[Token], tags: Sequence[str]) -> NDArray[np.float64]:
        """The probability of each of `tags` at each token; all outside (the first tag) for an unknown function."""
        found = np.zeros((len(tokens), len(tags)))
        if function not in self.models or not tokens:
            found[:, 0] = 1.0
            return found
        if function not in self._open:
            self._open[function] = Crf(self.models[function])
        return self._open[function].chances(self.features(text, tokens, function), tags)

    def arguments(self, function: str, text: str, tokens: Sequence[Token]) -> tuple[dict[str, str], float]:
        """The arguments that the tags mark and the probability of the tagging."""
        tags, probability = self.tag(function, text, tokens)
        return read_tags(text, tokens, tags), probability

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The models as plain arrays, for one .npz without pickles."""
        return {f"{prefix}.{name}": np.frombuffer(m, dtype=np.uint8) for name, m in self.models.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str, features: TokenFeatures) -> Taggers:
        """The taggers that `arrays(prefix)` gave."""
        start = f"{prefix}."
        models = {n.removeprefix(start): a.tobytes() for n, a in arrays.items() if n.startswith(start)}
        return cls(models, features)


def _sequence(row: Utterance, features: TokenFeatures, hints: bool) -> tuple[list[list[str]], list[str]] | None:
    """The features and tags of a row; None where its arguments cannot be found in its text."""
    tokens = tokenize(row.text)
    tags = tag_tokens(row.text, tokens, row.function, row.arguments)
    if tags is None or not tokens:
        return None
    if hints:
        tags = add_hints(row.text, tokens, tags, row.extra.get("slots") or [])
    return features(row.text, tokens, row.function), tags


def train_crf(
    sequences: Sequence[tuple[list[list[str]], list[str]]], parameters: Mapping[str, Any] | None = None
) -> bytes:
    """A linear-chain CRF by L-BFGS with elastic-net penalty, as the bytes of a crfsuite file."""
    crf = _crfsuite()
    trainer = crf.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({**PARAMETERS, **(parameters or {})})
    for features, tags in sequences:
        trainer.append(features, tags)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.crfsuite"
        trainer.train(str(path))
        return path.read_bytes()


class Crf:
    """One opened model. crfsuite reads the model's bytes in place and does not keep them alive: this object does."""

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._tagger = _crfsuite().Tagger()
        self._tagger.open_inmemory(model)

    def tag(self, features: list[list[str]]) -> tuple[list[str], float]:
        """The most probable tags and the probability of the whole tagging."""
        tags: list[str] = self._tagger.tag(features)
        return tags, float(self._tagger.probability(tags))

    def chances(self, features: list[list[str]], tags: Sequence[str]) -> NDArray[np.float64]:
        """The probability of each of `tags` at each token; 0 for a tag that was never seen."""
        known = set(self._tagger.labels())
        self._tagger.set(features)
        places = range(len(features))
        return np.array([[self._tagger.marginal(tag, at) if tag in known else 0.0 for tag in tags] for at in places])


def _crfsuite() -> Any:
    try:
        import pycrfsuite
    except ImportError as error:
        raise MissingExtra.named("assistant", "python-crfsuite") from error
    return pycrfsuite
