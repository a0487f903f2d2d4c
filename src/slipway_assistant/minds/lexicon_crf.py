"""The taggers also know what each word and phrase has been in other sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from numpy.typing import NDArray

from slipway_assistant.data import Utterance
from slipway_assistant.features import more_word_features
from slipway_assistant.lexicon import CrossFitted, Lexicon
from slipway_assistant.linear import LinearModel
from slipway_assistant.mind import mind
from slipway_assistant.minds.linear_crf import LinearCrf
from slipway_assistant.tagger import Taggers, TokenFeatures
from slipway_assistant.text import Token


def with_lexicon(lexicon: Lexicon) -> TokenFeatures:
    """Word features and what the lexicon says."""

    def features(text: str, tokens: Sequence[Token], function: str) -> list[list[str]]:
        found = more_word_features(text, tokens, function)
        for of_word, of_lexicon in zip(found, lexicon.features(tokens), strict=True):
            of_word += of_lexicon
        return found

    return features


@mind(
    "lexicon_crf",
    step=50,
    parent="linear_crf",
    note="the taggers also know what each word, phrase and neighbouring common word has been in other sentences",
)
class LexiconCrf(LinearCrf):
    """A LinearCrf whose taggers look words up in a lexicon counted from the other folds."""

    hints = False

    def __init__(self, classifier: LinearModel, taggers: Taggers, lexicon: Lexicon) -> None:
        super().__init__(classifier, taggers)
        self.lexicon = lexicon

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """Count the lexicon first, then fit classifier and taggers."""
        rows = cls.more_rows(rows)
        lexicons = CrossFitted(rows)
        taggers = Taggers.fit(
            rows,
            with_lexicon(lexicons.whole),
            while_fitting=lambda row: with_lexicon(lexicons.for_row(row)),
            hints=cls.hints,
        )
        return cls(cls.fit_classifier(rows), taggers, lexicons.whole)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that was learned."""
        return super().arrays() | {"lexicon": self.lexicon.array()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave."""
        lexicon = Lexicon.from_array(arrays["lexicon"])
        taggers = Taggers.from_arrays(arrays, "tagger", with_lexicon(lexicon))
        return cls(LinearModel.from_arrays(arrays, "classifier"), taggers, lexicon)
