"""regex: the output matches a pattern. RE2 syntax, so no pattern can hang (no look-around, no back references)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from slipway.data import Score
from slipway.errors import UsageError
from slipway.registry import register
from slipway.scorers.base import Scorer, text_of


@register("scorer", "regex")
def regex(pattern: str = "", *, full: bool = False, case: bool = True) -> Scorer:
    """1 when ``pattern`` is found in the output (with ``full``: is all of it), 0 when not.

    Without a pattern, the example's expected value is one; None when there is neither. Raises `UsageError` for a pattern
    that RE2 does not know; an example's own bad pattern is a scorer error.
    """
    if pattern:
        compiled(pattern, case)

    def match(output: str, expected: Any) -> Score:
        wanted = pattern or text_of(expected)
        if not wanted:
            return Score("regex", None, "there is no pattern; write regex:PATTERN, or give an expected value")
        expression = compiled(wanted, case)
        said = output.encode("utf-8", "replace").decode()  # RE2 wants valid UTF-8, which a lone surrogate is not
        found = expression.fullmatch(said) if full else expression.search(said)
        return Score("regex", float(found is not None), "" if found else f"no match of {wanted[:200]}")

    return Scorer.of(match, name="regex", parameters={"pattern": pattern, "full": full, "case": case})


@lru_cache(maxsize=512)
def compiled(pattern: str, case: bool = True) -> Any:
    """The RE2 expression. Raises `UsageError` saying what RE2 dislikes."""
    import re2

    options = re2.Options()
    options.case_sensitive = case
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else error
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else why
        raise UsageError(f"{pattern!r} is not a pattern: {why}", mend="RE2 syntax: no look-around, no \\1") from None
