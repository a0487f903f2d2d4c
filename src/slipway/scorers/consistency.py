"""consistency: whether repeats of one example agree. An aggregate scorer: it sees all samples of the example at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from slipway.data import Reply, Score, canonical_json
from slipway.errors import UsageError
from slipway.registry import register
from slipway.scorers.base import text_of
from slipway.scorers.call_text import parse_calls

WAYS = ("auto", "text", "call", "exact")


@register("scorer", "consistency")
def consistency(outputs: list[Any], samples: tuple[Any, ...], *, by: str = "auto") -> Score:
    """The share of pairs of repeats that agree: an unbiased estimate of the chance that two answers agree, 0 to 1.

    ``by`` says what agreeing is: "exact" (the same JSON), "text" (case and space aside), "call" (the same function calls), or
    "auto": text for texts, exact for the rest. Repeats that failed are left out; None with fewer than two others.
    ``metadata``: how many different answers, and the share of the most frequent.
    """
    if by not in WAYS:
        raise UsageError(f"by cannot be {by!r}", mend=f"use one of {', '.join(WAYS)}")
    failed = len(samples) - len(outputs)
    n = len(outputs)
    if n < 2:
        return Score("consistency", None, f"{n} of {len(samples)} repeats gave an answer; two are needed")
    counts = Counter(_key(output, by) for output in outputs)
    pairs = sum(count * (count - 1) for count in counts.values())
    return Score(
        "consistency",
        pairs / (n * (n - 1)),
        f"{len(counts)} different answers in {n} repeats" + (f", {failed} failed" if failed else ""),
        metadata={"different": len(counts), "majority": max(counts.values()) / n, "repeats": n, "failed": failed},
    )


def _key(output: Any, by: str) -> bytes:
    if by == "call":
        return canonical_json([[call.name, call.arguments] for call in parse_calls(output)])
    if by == "text" or (by == "auto" and isinstance(output, str | Reply)):
        return " ".join(text_of(output).casefold().split()).encode("utf-8", "surrogatepass")
    return canonical_json(output)
