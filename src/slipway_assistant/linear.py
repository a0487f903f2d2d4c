"""A linear text classifier: fitted with scikit-learn's LinearSVC, used and kept with numpy alone.

Features come in groups (words, letter n-grams); each group is TF-IDF weighted and scaled to length one. The scores
become probabilities by a softmax of one temperature (Guo et al., On Calibration of Modern Neural Networks, 2017).
Start in `LinearModel`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import MissingExtra

Floats = NDArray[np.float32]
FeatureGroups = Sequence[Sequence[str]]


class Vocabulary:
    """Which column a feature has, and its inverse document frequency."""

    def __init__(self, columns: dict[str, int], idf: Floats) -> None:
        self.columns = columns
        self.idf = idf

    @classmethod
    def count(cls, documents: Sequence[FeatureGroups], *, at_least: int = 2) -> Vocabulary:
        """The features that stand in `at_least` documents; rarer ones teach nothing about other sentences."""
        seen: Counter[str] = Counter()
        for groups in documents:
            seen.update({feature for group in groups for feature in group})
        kept = sorted(feature for feature, count in seen.items() if count >= at_least)
        idf = [math.log((1 + len(documents)) / (1 + seen[feature])) + 1 for feature in kept]
        return cls({feature: i for i, feature in enumerate(kept)}, np.array(idf, dtype=np.float32))

    def encode(self, groups: FeatureGroups) -> tuple[NDArray[np.int64], Floats]:
        """The columns and weights of one document; unknown features are left out."""
        columns: list[int] = []
        weights: list[Floats] = []
        for group in groups:
            counts = Counter(self.columns[feature] for feature in group if feature in self.columns)
            if not counts:
                continue
            at = list(counts)
            weight = (1 + np.log(np.array(list(counts.values()), dtype=np.float32))) * self.idf[at]
            columns += at
            weights.append(weight / np.sqrt((weight**2).sum()))
        if not weights:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        return np.array(columns), np.concatenate(weights).astype(np.float32)

    def matrix(self, documents: Sequence[FeatureGroups]) -> Any:
        """The documents as a scipy sparse matrix, one row each."""
        from scipy.sparse import csr_matrix

        encoded = [self.encode(groups) for groups in documents]
        starts = np.cumsum([0, *(len(columns) for columns, _ in encoded)])
        columns = np.concatenate([columns for columns, _ in encoded])
        weights = np.concatenate([weights for _, weights in encoded])
        return csr_matrix((weights, columns, starts), shape=(len(documents), len(self.columns)))


class LinearModel:
    """Scores and probabilities of each label for a document's features."""

    def __init__(
        self, vocabulary: Vocabulary, labels: Sequence[str], weights: Floats, bias: Floats, temperature: float
    ) -> None:
        self.vocabulary = vocabulary
        self.labels = list(labels)
        self.weights = weights  # features x labels
        self.bias = bias
        self.temperature = temperature

    @classmethod
    def fit(
        cls, documents: Sequence[FeatureGroups], labels: Sequence[str], *, cost: float = 1.0, at_least: int = 2
    ) -> LinearModel:
        """One-against-the-rest squared-hinge classifiers; deterministic. `cost` is LinearSVC's C."""
        vocabulary = Vocabulary.count(documents, at_least=at_least)
        matrix = vocabulary.matrix(documents)
        names = sorted(set(labels))
        if len(names) == 1:
            weights = np.zeros((len(vocabulary.columns), 1), dtype=np.float32)
            return cls(vocabulary, names, weights, np.zeros(1, dtype=np.float32), 1.0)
        svc = _linear_svc(cost)
        svc.fit(matrix, [names.index(label) for label in labels])
        weights, bias = svc.coef_.T, svc.intercept_
        if len(names) == 2:  # scikit-learn keeps one column for two labels
            weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
        return cls(vocabulary, names, weights.astype(np.float32), bias.astype(np.float32), 0.25)

    def scores(self, groups: FeatureGroups) -> Floats:
        """The distance from each label's boundary, in the order of `labels`."""
        columns, values = self.vocabulary.encode(groups)
        result: Floats = values @ self.weights[columns] + self.bias
        return result

    def probabilities(self, groups: FeatureGroups) -> Floats:
        """A probability for each label; they add up to one."""
        return softmax(self.scores(groups) / self.temperature)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The model as plain arrays, for one .npz without pickles."""
        return {
            f"{prefix}.features": text_array(list(self.vocabulary.columns)),
            f"{prefix}.idf": self.vocabulary.idf,
            f"{prefix}.labels": text_array(self.labels),
            f"{prefix}.weights": self.weights,
            f"{prefix}.bias": self.bias,
            f"{prefix}.temperature": np.array([self.temperature], dtype=np.float64),
        }

    @classmethod
    def from_arrays(cls, arrays: Any, prefix: str) -> LinearModel:
        """The model that `arrays(prefix)` gave."""
        features = array_text(arrays[f"{prefix}.features"])
        vocabulary = Vocabulary({f: i for i, f in enumerate(features)}, arrays[f"{prefix}.idf"])
        return cls(
            vocabulary,
            array_text(arrays[f"{prefix}.labels"]),
            arrays[f"{prefix}.weights"],
            arrays[f"{prefix}.bias"],
            float(arrays[f"{prefix}.temperature"][0]),
        )


def _linear_svc(cost: float) -> Any:
    try:
        from sklearn.svm import LinearSVC
    except ImportError as error:
        raise MissingExtra.named("assistant", "scikit-learn") from error
    return LinearSVC(C=cost, random_state=0)


def softmax(scores: Floats) -> Floats:
    """Exponentials that add up to one."""
    raised = np.exp(scores - scores.max())
    result: Floats = raised / raised.sum()
    return result


def best_temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature with the least log loss on held-out scores (rows x labels); a grid of 40 is fine enough."""
    grid = np.geomspace(0.03, 3.0, 40)
    rows = np.arange(len(truth))

    def loss(temperature: float) -> float:
        z = scores / temperature
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[rows, truth]))

    return float(min(grid, key=loss))


def text_array(lines: Sequence[str]) -> NDArray[np.uint8]:
    """Lines of text as bytes, so that an .npz holds them without a pickle. No line may hold a line break."""
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def array_text(array: NDArray[np.uint8]) -> list[str]:
    """The lines that `text_array` was given."""
    return array.tobytes().decode().split("\n")


def save_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write an .npz; never a pickle."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read an .npz that `save_arrays` wrote; refuses one that holds pickles."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
