"""exact: the output is the expected one."""

from __future__ import annotations

import unicodedata
from typing import Any

from slipway.data import Reply, Score, canonical_json
from slipway.registry import register


@register("scorer", "exact")
def exact(output: Any, expected: Any, *, strip: bool = True, case: bool = True) -> Score:
    """1 when output and expected are the same, 0 otherwise; never None.

    Texts are compared after Unicode NFC normalisation and, with ``strip``, without the space around them; ``case=False``
    ignores case. Anything else is compared as JSON: 1 equals 1.0, the order of keys does not matter, True is not 1.
    """
    if isinstance(output, Reply):
        output = output.text
    if isinstance(output, str) and isinstance(expected, str):
        same = output == expected or _folded(output, strip, case) == _folded(expected, strip, case)
    else:
        same = comparable(output) == comparable(expected)
    return Score(name="exact", value=1.0 if same else 0.0)


def _folded(text: str, strip: bool, case: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    text = text.strip() if strip else text
    return text if case else text.casefold()


def comparable(value: Any) -> bytes:
    """One byte string for equal JSON values: 1 and 1.0 are equal, 1 and True are not."""
    return canonical_json(_whole(value))


def _whole(value: Any) -> Any:
    """1.0 as 1: JSON does not tell them apart."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value
