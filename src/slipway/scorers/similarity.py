"""similarity: how close the output is to the expected text, as the cosine of their embeddings."""

from __future__ import annotations

import inspect
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from slipway.data import Score, content_hash
from slipway.errors import UsageError
from slipway.registry import register
from slipway.scorers.base import Scorer, text_of

Embedder = Callable[[Sequence[str]], Any]
"""Texts to one vector each (a 2-D array or list of lists); may be async."""


@register("scorer", "similarity")
def similarity(embedder: Embedder | str | None = None, *, threshold: float | None = None) -> Scorer:
    """The cosine between output and expected text, -1 to 1 (0 to 1 with the default embedder); with ``threshold``, 1 at or
    above it and 0 below. Of several expected texts the closest counts. None when one side is empty.

    The default embedder, `CharacterNgrams`, is lexical: it sees shared spelling, not shared meaning ("cheap" and
    "inexpensive" are strangers), and works without a download. For meaning pass a callable from texts to vectors, or
    ``"openai/text-embedding-3-small"`` (any OpenAI-compatible endpoint).
    """
    if isinstance(embedder, str):
        from slipway.models import open_embedder

        embed: Embedder = open_embedder(embedder)
    else:
        embed = embedder or CharacterNgrams()
    recorded = getattr(embed, "name", None) or getattr(embed, "__qualname__", type(embed).__qualname__)
    parameters = {"embedder": recorded, "threshold": threshold}

    def prepare(output: Any, expected: Any) -> list[str] | None:
        wanted = expected if isinstance(expected, list | tuple) else [expected]
        texts = [text_of(output), *(text for text in map(text_of, wanted) if text.strip())]
        return texts if texts[0].strip() and len(texts) > 1 else None

    def finish(vectors: Any) -> Score:
        best = max(cosine(vectors[0], vector) for vector in vectors[1:])
        value = best if threshold is None else float(best >= threshold)
        return Score("similarity", value, f"cosine {best:.3f}", metadata={"cosine": best})

    def score_now(output: Any, expected: Any) -> Score:
        texts = prepare(output, expected)
        return finish(embed(texts)) if texts else Score("similarity", None, "one side has no text")

    async def score_later(output: Any, expected: Any) -> Score:
        texts = prepare(output, expected)
        if not texts:
            return Score("similarity", None, "one side has no text")
        vectors = embed(texts)
        return finish(await vectors if inspect.isawaitable(vectors) else vectors)

    waits = inspect.iscoroutinefunction(embed) or inspect.iscoroutinefunction(getattr(embed, "__call__", None))  # noqa: B004
    return Scorer.of(score_later if waits else score_now, name="similarity", parameters=parameters)


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """The cosine of two vectors; 0 when one of them is all zero. Raises ValueError when their lengths differ."""
    import numpy as np

    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"embeddings of different length: {first.shape} and {second.shape}")
    norm = math.sqrt(float(first @ first) * float(second @ second))
    return max(-1.0, min(1.0, float(first @ second) / norm)) if norm else 0.0


class CharacterNgrams:
    """A lexical embedder: hashed character n-grams within words, weighted 1 + log(count), and by rarity once `fit`.

    Deterministic on every machine, without a model. Texts that share no three letters in a row are at about 0.
    """

    def __init__(self, shortest: int = 3, longest: int = 5, size: int = 4096) -> None:
        if not 1 <= shortest <= longest or size < 1:
            raise UsageError("n-grams need 1 <= shortest <= longest and size >= 1", mend="CharacterNgrams(3, 5, 4096)")
        self.name = f"character-ngrams-{shortest}-{longest}-{size}"
        self._lengths = range(shortest, longest + 1)
        self._size = size
        self._idf: Any = None

    def fit(self, texts: Iterable[str]) -> CharacterNgrams:
        """An embedder that weighs an n-gram by log((1 + texts) / (1 + texts that have it)) + 1, over these texts."""
        import numpy as np

        listed = list(texts)
        seen = np.zeros(self._size)
        for text in listed:
            seen[list(self._counts(text))] += 1
        made = CharacterNgrams(self._lengths[0], self._lengths[-1], self._size)
        made._idf = np.log((1 + len(listed)) / (1 + seen)) + 1
        made.name = f"{self.name}-fit-{content_hash(listed)[:8]}"
        return made

    def __call__(self, texts: Sequence[str]) -> Any:
        """An array of (texts, size), each row of length 1 (or 0 for a text without letters)."""
        import numpy as np

        vectors = np.zeros((len(texts), self._size))
        for row, text in enumerate(texts):
            for bucket, count in self._counts(text).items():
                vectors[row, bucket] = 1 + math.log(count)
        if self._idf is not None:
            vectors *= self._idf
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.divide(vectors, norms, out=vectors, where=norms > 0)

    def _counts(self, text: str) -> dict[int, int]:
        counts: dict[int, int] = {}
        for word in text.casefold().split():
            padded = f" {word} ".encode("utf-8", "replace").decode()
            for length in self._lengths:
                for start in range(max(1, len(padded) - length + 1)):
                    bucket = zlib.crc32(padded[start : start + length].encode()) % self._size
                    counts[bucket] = counts.get(bucket, 0) + 1
        return counts
