"""A trigram language model of given sentences, as an ARPA file: `Trigrams(sentences).write(path)`.

Witten-Bell smoothing, interpolated: what follows a history seldom or in many ways is trusted less. An interpolated model is
exactly a back-off model, which is what the file says: `p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h))`, where `t(h)` is
how many different words followed `h`, and `t(h) / (c(h) + t(h))` is the weight that `h` leaves to the shorter history.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

START, END = "<s>", "</s>"
Words = tuple[str, ...]


class Trigrams:
    """Counts of weighted sentences; `base` gives words that no sentence has (or seldom has) a probability of their own, and
    `pairs` a second word one after the first (at most 1 in all after each)."""

    def __init__(
        self,
        sentences: Iterable[tuple[Sequence[str], float]],
        *,
        base: Mapping[str, float] | None = None,
        share: float = 0.0,
        pairs: Mapping[Words, float] | None = None,
        trust: float = 0.5,
    ) -> None:
        self._counts: tuple[Counter[Words], ...] = (Counter(), Counter(), Counter())
        for words, weight in sentences:
            marked = (START, *words, END)
            for order in range(3):
                for at in range(len(marked) - order):
                    self._counts[order][marked[at : at + order + 1]] += weight  # type: ignore[assignment]
        self._base, self._share = base or {}, share if base else 0.0
        self._totals: dict[Words, float] = {}
        self._kinds: dict[Words, int] = {}
        for order in (1, 2):
            for words, count in self._counts[order].items():
                self._totals[words[:-1]] = self._totals.get(words[:-1], 0.0) + count
                self._kinds[words[:-1]] = self._kinds.get(words[:-1], 0) + 1
        self._unigrams = self._mixed()
        # Of what another model says about pairs, `trust` is believed where the sentences say nothing.
        self._pairs = {words: trust * said for words, said in (pairs or {}).items()}
        self._left: dict[str, float] = {}
        for (history, _), said in self._pairs.items():
            self._left[history] = self._left.get(history, 1.0) - said

    @property
    def vocabulary(self) -> list[str]:
        """All words of the model, the marks of a sentence's start and end left out."""
        return sorted(word for word in self._unigrams if word not in (START, END))

    def _mixed(self) -> dict[str, float]:
        counted = {words[0]: count for words, count in self._counts[0].items() if words[0] != START}
        total = sum(counted.values()) or 1.0
        mixed = {word: (1 - self._share) * count / total for word, count in counted.items()}
        weight = sum(self._base.values()) or 1.0
        for word, probability in self._base.items():
            mixed[word] = mixed.get(word, 0.0) + self._share * probability / weight
        return mixed

    def probability(self, words: Words) -> float:
        """How probable the last of up to three words is after the others."""
        if len(words) == 1:
            return self._unigrams.get(words[0], 0.0)
        lower = self.probability(words[1:])
        history = words[:-1]
        if len(history) == 1:
            lower = self._pairs.get(words, 0.0) + self._left.get(history[0], 1.0) * lower
        total = self._totals.get(history)
        if total is None:
            return lower
        kinds = self._kinds[history]
        return (self._counts[len(history)].get(words, 0) + kinds * lower) / (total + kinds)

    def _backoff(self, history: Words) -> float:
        left = self._left.get(history[0], 1.0) if len(history) == 1 else 1.0
        total = self._totals.get(history)
        return left if total is None else left * self._kinds[history] / (total + self._kinds[history])

    def write(self, path: Path) -> None:
        """Write the ARPA file."""
        with path.open("w", encoding="utf-8") as out:
            singles: list[Words] = [(word,) for word in sorted({*self._unigrams, START, END})]
            rows = [singles, sorted({*self._counts[1], *self._pairs}), sorted(self._counts[2])]
            out.write("\\data\\\n" + "".join(f"ngram {order}={len(of)}\n" for order, of in enumerate(rows, 1)))
            for order, of in enumerate(rows, 1):
                self._section(out, order, of)
            out.write("\n\\end\\\n")

    def _section(self, out: TextIO, order: int, rows: Sequence[Words]) -> None:
        out.write(f"\n\\{order}-grams:\n")
        for words in rows:
            # A sentence never has its start inside.
            log = -99.0 if words == (START,) else math.log10(max(self.probability(words), 1e-9))
            line = f"{log:.4f}\t{' '.join(words)}"
            if order < 3 and words[-1] != END:
                line += f"\t{math.log10(self._backoff(words)):.4f}"
            out.write(line + "\n")
