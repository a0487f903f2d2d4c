"""What a model must be able to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from slipway.data import Reply, Request


@runtime_checkable
class Model(Protocol):
    """Anything that answers a `Request`. Wrappers (Retry, Cached) are models that hold a model."""

    name: str

    async def complete(self, request: Request) -> Reply:
        """The whole answer. Raises `slipway.errors.ModelError` when there is none."""
        ...

    def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer's text, piece by piece."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Anything that makes a vector of each text: ``await embedder(["a", "b"])``."""

    name: str

    async def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector for each text, in order. Raises `slipway.errors.ModelError`."""
        ...
