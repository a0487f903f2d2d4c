"""Facts: what is kept about one span to search it. Made from the row by a function that the server passes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from slipway.data import Span


@dataclass(frozen=True, slots=True)
class Facts:
    """What a span says about itself, whatever dialect it says it in. None: it does not say.

    ``call``: it is one call of a model, so that its tokens and cost count in sums; a span around calls that repeats their
    totals is none. ``text`` is what full text finds (name, input, output, error); ``input`` and ``output`` are previews of a
    root.
    """

    kind: str
    call: bool = False
    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    session_id: str | None = None
    user_id: str | None = None
    text: str = ""
    input: str | None = None
    output: str | None = None


Derive: TypeAlias = Callable[[Sequence[Span]], Sequence[Facts]]
"""Facts of each span, in order. Must not raise, and must give the same for the same rows."""
