"""Text for people: hostile characters made visible, numbers with their units and their doubt, long values shortened.

What is printed here was often written by a model or a stranger. A terminal obeys escape sequences (retitle the window, write
to the clipboard, hide lines) and reorders text at bidirectional marks, so neither reaches it (decision 0062).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

# C0 except newline and tab, DEL, C1, invisible and bidirectional marks (not the joiners that Persian, Hindi and emoji need), line
# separators, tags, lone surrogates.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def clean(text: object) -> str:
    """``text`` with every character that a terminal would obey written as an escape: ``\\x1b[2J``."""
    text = str(text)
    return (
        text if text.isprintable() else _HOSTILE.sub(_visible, text)
    )  # nothing hostile is printable, and this is quicker


def one_line(text: object) -> str:
    """As `clean`, with line breaks and tabs as single spaces."""
    return clean(" ".join(str(text).split(" ")).replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(value: Any, width: int) -> str:
    """Any JSON value on one line of at most ``width`` characters."""
    if isinstance(value, str):
        text = value[: 4 * width]
    elif isinstance(value, dict) and "$blob" in value:
        text = f"{value.get('preview', '')} ({size(int(value.get('bytes', 0)))})"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    text = one_line(text[: 4 * width])
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``1.4 MB``."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def duration(milliseconds: float | None) -> str:
    """``0.04 ms``, ``12 ms``, ``3.4 s``, ``2 min 05 s``."""
    if milliseconds is None:
        return "-"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def money(usd: float | None) -> str:
    """``$0.0042``, ``$12.50``; a dash when no price is known."""
    if usd is None:
        return "-"
    return f"${usd:,.2f}" if abs(usd) >= 1 or usd == 0 else f"${usd:.2g}"


def moment(nanoseconds: int, *, brief: bool = False) -> str:
    """Local date and time to the second; ``brief``: to the minute."""
    try:
        found = datetime.fromtimestamp(nanoseconds / 1e9).astimezone()
        return found.strftime("%Y-%m-%d %H:%M" if brief else "%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{nanoseconds} ns"  # year 9999 and beyond: shown as it is


def number(value: float | None) -> str:
    """Six significant digits at most, no trailing zeros."""
    return "-" if value is None else f"{value:.6g}"


def score(value: float | None, low: float | None = None, high: float | None = None, *, signed: bool = False) -> str:
    """``0.790 [0.731, 0.839]``: an estimate and its interval, with the decimals that the interval's width deserves."""
    if value is None:
        return "-"
    ends = [end for end in (low, high) if end is not None and math.isfinite(end)]
    style = f"{'+' if signed else ''}z,.{decimals([value, *ends])}f"  # z: no -0.000
    middle = format(value, style)
    if not ends:
        return middle
    around = ("?" if end is None or not math.isfinite(end) else format(end, style) for end in (low, high))
    return f"{middle} [{', '.join(around)}]"


def decimals(figures: Sequence[float], least: int = 3) -> int:
    """Two digits of half the width between them; ``least`` at least for figures below 10, fewer for large ones."""
    largest = max(map(abs, figures))
    width = (max(figures) - min(figures)) / 2 or largest
    least = least if largest < 10 else min(least, 2) if largest < 1000 else 0
    return least if not width else min(max(1 - math.floor(math.log10(width)), least), 9)


def many(count: int) -> str:
    """A number of examples to collect: exact while it is small, then ``about 21,000``, ``over a million``."""
    if count < 1_000:
        return f"{count:,}"
    if count >= 1_000_000:
        return "over a million"
    step = int(10 ** (math.floor(math.log10(count)) - 1))
    return f"about {round(count / step) * step:,}"
