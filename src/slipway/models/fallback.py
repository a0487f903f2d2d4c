"""Fallback: a model that asks the next one when one fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

from slipway.data import Reply, Request
from slipway.errors import ModelError, UsageError
from slipway.models.protocol import Model

OUR_FAULT = (400, 413, 422)


class Fallback:
    """Asks each model in turn until one answers. A request that is itself wrong (400, 413, 422) is not passed on. A stream
    falls back only before its first piece: no answer is made of two models' halves."""

    def __init__(self, *models: Model) -> None:
        if not models:
            raise UsageError("a Fallback needs at least one model", mend="Fallback(first, second)")
        self.models = models
        self.name = models[0].name

    async def complete(self, request: Request) -> Reply:
        """The first answer. Raises the last `ModelError`, with the earlier ones as notes."""
        failed: list[str] = []
        for model in self.models:
            try:
                return await model.complete(request)
            except ModelError as error:
                self._go_on(error, model, failed)
        raise AssertionError("unreachable: the last model answers or raises")

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """The answer of the first model that begins one. Raises `ModelError`."""
        failed: list[str] = []
        for model in self.models:
            begun = False
            try:
                async for piece in model.stream(request):
                    begun = True
                    yield piece
            except ModelError as error:
                if begun:
                    raise
                self._go_on(error, model, failed)
            else:
                return

    def _go_on(self, error: ModelError, model: Model, failed: list[str]) -> None:
        if error.status in OUR_FAULT or model is self.models[-1]:
            for note in failed:
                error.add_note(note)
            raise error
        failed.append(f"before that, {model.name}: {error}")
