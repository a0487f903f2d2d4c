"""contains: the output has the expected text in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from slipway.data import Score
from slipway.registry import register
from slipway.scorers.base import text_of


@register("scorer", "contains")
def contains(
    output: str,
    expected: Any,
    *,
    text: str | Sequence[str] = "",
    case: bool = False,
    any: bool = False,  # noqa: A002 - the word that reads best
) -> Score:
    """1 when the output contains what is expected, 0 when not, None when nothing is expected.

    ``text`` is looked for instead of the example's expected value. A list means all of them, or with ``any`` at least one.
    Case is ignored unless ``case``; texts are compared after Unicode NFC normalisation.
    """
    wanted: Any = text or expected
    listed = wanted if isinstance(wanted, list | tuple) else [wanted]
    parts = [folded for part in listed if (folded := _folded(text_of(part), case))]
    if not parts:
        return Score("contains", None, "nothing is expected; give text=, or an expected value")
    said = _folded(output, case)
    missing = [part for part in parts if part not in said]
    right = len(missing) < len(parts) if any else not missing
    return Score("contains", float(right), "" if right else f"missing: {', '.join(missing)[:200]}")


def _folded(text: str, case: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    return text if case else text.casefold()
