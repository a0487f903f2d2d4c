"""What words and phrases have been as arguments: "boston" was a location 40 times, "blue" a colour 30 times.

Counted from labelled utterances. While a tagger is being fitted, the lexicon for a sentence must not have seen that
sentence, or the tagger would learn to trust it blindly: `CrossFitted` gives each row the lexicon of the other folds.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway_assistant.data import Utterance
from slipway_assistant.spans import OUTSIDE, segments, tag_tokens
from slipway_assistant.text import Token, tokenize

# Free text: that a whole title stood in another sentence says little, and its words stand everywhere.
_NOT_PHRASES = frozenset({"title", "query", "item", "topic"})
_LONGEST = 7
_Parts = tuple[frozenset[str], list[tuple[str, str]], list[tuple[str, str]]]
FOLDS = 5


class Lexicon:
    """Counts of words and phrases by argument, and the common words of the data."""

    def __init__(
        self, words: Mapping[str, Mapping[str, int]], phrases: Mapping[str, Sequence[str]], common: Sequence[str]
    ) -> None:
        self.words = words
        self.phrases = phrases
        self.common = frozenset(common)

    @classmethod
    def count(cls, rows: Sequence[Utterance]) -> Lexicon:
        """Count the rows that call something and whose arguments are labelled."""
        return cls.of([_parts(row) for row in rows])

    @classmethod
    def of(cls, parts: Sequence[_Parts]) -> Lexicon:
        """Add up what the rows hold."""
        words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        phrases: defaultdict[str, set[str]] = defaultdict(set)
        seen: Counter[str] = Counter()
        for all_words, tagged, named in parts:
            seen.update(all_words)
            for word, name in tagged:
                words[word][name] += 1
            for phrase, name in named:
                phrases[phrase].add(name)
        common = [word for word, count in seen.items() if count >= 0.004 * len(parts)]
        return cls(words, {phrase: sorted(names) for phrase, names in phrases.items()}, sorted(common))

    def features(self, tokens: Sequence[Token]) -> list[list[str]]:
        """For each token: which arguments it has been and how often, the known phrase it is in, the nearest common words."""
        low = [token.low for token in tokens]
        found = [self._word(word) for word in low]
        for first in range(len(low)):
            for last in range(min(len(low), first + _LONGEST), first, -1):
                names = self.phrases.get(" ".join(low[first:last]))
                if names:
                    for name in names:
                        for i in range(first, last):
                            found[i].append(f"in={'B' if i == first else 'I'}{name}{min(last - first, 3)}")
                    break
        for i, (before, after) in enumerate(self._cues(low)):
            found[i] += [f"before={before}", f"after={after}", f"between={before}|{after}"]
            found[i].append("common" if low[i] in self.common else "rare")
        return found

    def _word(self, word: str) -> list[str]:
        counts = self.words.get(word)
        if not counts:
            return ["was=nothing"]
        total = sum(counts.values())
        return [f"was={name}:{4 * count // total}" for name, count in counts.items()]

    def _cues(self, low: Sequence[str]) -> list[tuple[str, str]]:
        """The nearest common word before and after each token: what stands around a name of any length."""
        before, after = ["<s>"] * len(low), ["</s>"] * len(low)
        for i in range(1, len(low)):
            before[i] = low[i - 1] if low[i - 1] in self.common else before[i - 1]
        for i in range(len(low) - 2, -1, -1):
            after[i] = low[i + 1] if low[i + 1] in self.common else after[i + 1]
        return list(zip(before, after, strict=True))

    def array(self) -> NDArray[np.uint8]:
        """The lexicon as bytes of JSON, for one .npz without pickles."""
        content = {"words": self.words, "phrases": self.phrases, "common": sorted(self.common)}
        return np.frombuffer(json.dumps(content, ensure_ascii=False).encode(), dtype=np.uint8)

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Lexicon:
        """The lexicon that `array()` gave."""
        content = json.loads(array.tobytes())
        return cls(content["words"], content["phrases"], content["common"])


def _parts(row: Utterance) -> _Parts:
    """The words of a row, its words with their arguments, and its named phrases."""
    tokens = tokenize(row.text)
    low = [token.low for token in tokens]
    if row.call is None or row.grade != "call":
        return frozenset(low), [], []
    tags = tag_tokens(row.text, tokens, row.function, row.arguments)
    if tags is None:
        return frozenset(low), [], []
    named = [
        (" ".join(low[first : last + 1]), name) for name, first, last in segments(tags) if name not in _NOT_PHRASES
    ]
    return frozenset(low), [(word, tag[2:] or OUTSIDE) for word, tag in zip(low, tags, strict=True)], named


class CrossFitted:
    """The lexicon of all rows, and for each row the lexicon of the folds that it is not in."""

    def __init__(self, rows: Sequence[Utterance]) -> None:
        parts = [(fold(row), _parts(row)) for row in rows]
        self.whole = Lexicon.of([part for _, part in parts])
        self._without = [Lexicon.of([part for at, part in parts if at != k]) for k in range(FOLDS)]

    def for_row(self, row: Utterance) -> Lexicon:
        """A lexicon that has not seen the row, nor any variant of it."""
        return self._without[fold(row)]


def fold(row: Utterance, folds: int = FOLDS) -> int:
    """Which fold a row is in; the variants of one sentence are all in one."""
    return zlib.crc32((row.cluster or row.id).encode()) % folds
