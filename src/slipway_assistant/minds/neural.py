"""A small transformer and the linear mind read the sentence, each in its way, and what they say is weighed together.

The weights are in the wheel (`weights/`, made by `slipway-assistant train`), so nothing is fitted and no data are needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError
from slipway_assistant.calibrate import Calibration
from slipway_assistant.data import Utterance
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.minds.linear_crf import assemble
from slipway_assistant.minds.phrases import phrase
from slipway_assistant.minds.tidied import Tidied, tidy
from slipway_assistant.neural import Floats, Reader, Reading, best_tags, tags_of
from slipway_assistant.slim import load_slim, save_slim
from slipway_assistant.spans import read_tags
from slipway_assistant.text import Token, tokenize
from slipway_assistant.weights import FOLDER, check

DOUBTS = 8
_TINY = 1e-4
NONE = "none|"


@dataclass(frozen=True, slots=True)
class Weighing:
    """How much each of the two is believed, fitted on sentences that neither had seen."""

    label_linear: float = 0.75
    """What the linear mind's log probability of a label counts beside the network's."""
    none_bias: float = 0.5
    """What is added for calling nothing."""
    tag_linear: float = 0.25
    label_linear_elsewhere: float = 2.0
    """The same for sentences that are not English, of which the network's first teacher read few."""
    tag_linear_elsewhere: float = 1.0
    calibration: tuple[float, ...] = (0.0,) * DOUBTS + (0.0,)


@dataclass(frozen=True, slots=True)
class Heard:
    """What both made of a sentence, before it is weighed. `of_linear` is in the order of the reader's labels."""

    tokens: Sequence[Token]
    reading: Reading
    of_linear: Floats


@dataclass(frozen=True, slots=True)
class Weighed:
    """A call, and what speaks for and against it."""

    call: dict[str, Any] | None
    doubts: list[float]


@mind(
    "neural",
    step=130,
    parent="phrases",
    note="a transformer of six layers, trained by our own recipe and shipped, is weighed together with the linear mind",
)
class Neural:
    """Start in `weigh`."""

    ships_in = FOLDER

    def __init__(self, reader: Reader, linear: Tidied, weighing: Weighing) -> None:
        self.reader = reader
        self.linear = linear
        self.weighing = weighing
        known = {label: i for i, label in enumerate(linear.classifier.labels)}
        self._in_linear = [known.get(label, -1) for label in reader.labels]
        self._calibration = Calibration(np.array(weighing.calibration))
        self._none = reader.labels.index(NONE)
        self._columns = {
            label.partition("|")[0]: tags_of(label.partition("|")[0], reader.tags) for label in reader.labels
        }

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Refused: the training takes an hour and torch, and its outcome is shipped."""
        del rows
        raise DataError("this mind is not fitted on first use", mend="slipway-assistant train")

    def understand(self, text: str, lang: str) -> Understanding:
        """The call and the probability that it is right. Phrases that must never fail are matched first."""
        known, call = phrase(text)
        if known:
            return Understanding(call, 1.0)
        weighed = self.weigh(text, lang, self.hear(text))
        return Understanding(weighed.call, self._calibration.probability(weighed.doubts))

    def hear(self, text: str) -> Heard:
        """Have both read the sentence."""
        tokens = tokenize(text)
        found = self.linear.classifier.probabilities(self.linear.sentence_features(text))
        mine = np.array([found[i] if i >= 0 else 0.0 for i in self._in_linear], dtype=np.float32)
        return Heard(tokens, self.reader.read(tokens), np.log(mine + np.float32(_TINY)))

    def weigh(self, text: str, lang: str, heard: Heard) -> Weighed:
        """The likeliest function of both together, then the likeliest arguments of both for that function."""
        alone = log_softmax(heard.reading.labels)
        w = self.weighing
        scores = alone + (w.label_linear if lang == "en" else w.label_linear_elsewhere) * heard.of_linear
        scores[self._none] += w.none_bias
        together = log_softmax(scores)
        order = np.argsort(-together)
        best, second = int(order[0]), int(order[1])
        of_tags = w.tag_linear if lang == "en" else w.tag_linear_elsewhere
        call, sure, same = self.call_for(self.reader.labels[best], text, heard, of_tags)
        doubts = [
            float(together[best]),
            float(together[best] - together[second]),
            float(alone[best]),
            float(heard.of_linear[best]),
            float(int(alone.argmax()) == best and int(heard.of_linear.argmax()) == best),
            sure,
            float(same),
            float(call is None),
        ]
        return Weighed(call, doubts)

    def call_for(self, label: str, text: str, heard: Heard, weight: float) -> tuple[dict[str, Any] | None, float, bool]:
        """The call of a label, the log probability of its words being so marked, and whether both mark them so.

        `weight` is what the linear mind's tags count.
        """
        function = label.partition("|")[0]
        columns = self._columns[function]
        if len(columns) < 2 or not heard.tokens:
            return assemble(label, {}, text), 0.0, True
        names = [short(self.reader.tags[i]) for i in columns]
        of_neural = log_softmax(heard.reading.tags[:, columns])
        of_linear = np.log(self.linear.taggers.chances(function, text, heard.tokens, names) + _TINY)
        together = log_softmax(of_neural + weight * of_linear)
        tags, sure = best_tags(together, names)
        at = [names.index(tag) for tag in tags]
        same = bool(((of_neural.argmax(axis=1) == at) & (of_linear.argmax(axis=1) == at)).all())
        words = tidy(function, read_tags(text, heard.tokens, tags))
        return assemble(label, words, text), max(sure, -20.0), same

    def weighed_by(self, weighing: Weighing) -> Self:
        """The same two minds, believed otherwise."""
        return type(self)(self.reader, self.linear, weighing)

    def save(self, folder: Path) -> None:
        """The reader's files, the linear mind made small, and how they are weighed."""
        self.reader.save(folder)
        save_slim(folder / "linear.npz", self.linear.arrays())
        (folder / "weighing.json").write_text(json.dumps(asdict(self.weighing)), "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; in the shipped folder each file is first checked against its SHA-256."""
        if folder == FOLDER:
            check()
        said = json.loads((folder / "weighing.json").read_text("utf-8"))
        weighing = Weighing(**{**said, "calibration": tuple(said["calibration"])})
        return cls(Reader.load(folder), Tidied.from_arrays(load_slim(folder / "linear.npz")), weighing)


def short(tag: str) -> str:
    """The tag without its function: `B-music.play.song` is `B-song` in the linear mind."""
    return tag[:2] + tag.rpartition(".")[2] if len(tag) > 1 else tag


def log_softmax(scores: NDArray[Any]) -> Floats:
    """Scores as log probabilities along the last axis."""
    moved = scores - scores.max(axis=-1, keepdims=True)
    result: Floats = (moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True))).astype(np.float32)
    return result
