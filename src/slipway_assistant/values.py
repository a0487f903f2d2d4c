"""Arguments that are values rather than words: how long a timer runs, how loud or bright, which sum.

Start in `value_arguments()`.
"""

from __future__ import annotations

import re
from typing import Any

from slipway_assistant.arithmetic import expression
from slipway_assistant.numbers import find_numbers

_UNITS: dict[str, str] = {
    "hours": r"hours?|hrs?|h\b|heures?|時間",
    "minutes": r"minutes?|mins?|min\b|m\b|分間?",
    "seconds": r"seconds?|secs?|s\b|secondes?|秒間?",
}
_UNIT = re.compile("|".join(rf"(?P<{name}>{pattern})" for name, pattern in _UNITS.items()))
_UNSAID = frozenset({10, 15, 20, 30, 40, 45, 50})
_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
_QUARTER_AFTER = re.compile(r"\s*(?:and a quarter|et quart)\b")
_NEXT_SMALLER = {"hours": "minutes", "minutes": "seconds"}
_HALF_AFTER = re.compile(r"\s*(?:and a half|and a half hours?|et demie?|半)")
# Said without a number: "an hour", "half an hour", "une minute", "un quart d'heure".
_UNNUMBERED: list[tuple[re.Pattern[str], dict[str, int]]] = [
    (re.compile(r"three[- ]quarters of an hour|trois quarts d'heure"), {"minutes": 45}),
    (re.compile(r"half[- ](?:an[- ])?hour|demi[- ]?(?:e[- ])?heure|半時間"), {"minutes": 30}),
    (re.compile(r"quarter of an hour|quart d'heure"), {"minutes": 15}),
    (re.compile(r"half a minute|demi[- ]minute"), {"seconds": 30}),
    (re.compile(r"\ban? hour and a half|une heure et demie"), {"hours": 1, "minutes": 30}),
    (re.compile(r"\ban? hour and a quarter|une heure et quart"), {"hours": 1, "minutes": 15}),
    (re.compile(r"\b(?:an?|une) (?:hour|heure)\b"), {"hours": 1}),
    (re.compile(r"\b(?:an?|une) minute\b"), {"minutes": 1}),
]
_TARGET = re.compile(r"(?:\bto|\bat|\blevel|\bà|\bau niveau|\bniveau|\bsur)\s*(?:level|about|around|niveau)?\s*$")
_PERCENT = re.compile(r"\s*(?:%|per ?cent|pour ?cent|パーセント|％)")


def duration(text: str) -> dict[str, int]:
    """Hours, minutes and seconds said in the text, such as {"hours": 1, "minutes": 30}; empty when none is."""
    low = text.lower().replace("’", "'")
    found: dict[str, int] = {}
    smaller, ended = "", -1
    for number in find_numbers(low):
        unit = _UNIT.match(low[number.end :].lstrip(" -"))
        if unit is None:
            # "one minute thirty": the seconds' name goes without saying where nothing stands between.
            if smaller and not low[ended : number.start].strip() and number.value in _UNSAID:
                found[smaller] = int(number.value)
            continue
        name = next(key for key, value in unit.groupdict().items() if value)
        seconds = round(number.value * _SECONDS[name])
        after = low[number.end :].lstrip(" -")[unit.end() :]
        ended = len(low) - len(after)
        smaller = _NEXT_SMALLER.get(name, "")
        if _HALF_AFTER.match(after):
            seconds += _SECONDS[name] // 2
        elif _QUARTER_AFTER.match(after) and name == "hours":
            found["minutes"] = found.get("minutes", 0) + 15
        if seconds % _SECONDS[name] == 0:
            found[name] = found.get(name, 0) + seconds // _SECONDS[name]
        else:
            smaller = "minutes" if seconds % 60 == 0 else "seconds"
            found[smaller] = found.get(smaller, 0) + seconds // _SECONDS[smaller]
    if not found:
        return next((dict(value) for pattern, value in _UNNUMBERED if pattern.search(low)), {})
    return found


def level(text: str) -> int | None:
    """The level asked for: the number with a percent sign, or after "to" or "at", or the only one; None without."""
    low = text.lower().replace("’", "'")
    numbers = [n for n in find_numbers(re.sub(r"\b(pour|per) cent\b", r"\1cent", low)) if n.value == int(n.value)]
    low = re.sub(r"\b(pour|per) cent\b", r"\1cent", low)
    for number in numbers:
        if _PERCENT.match(low[number.end :]):
            return int(number.value)
    for number in numbers:
        if _TARGET.search(low[: number.start]):
            return int(number.value)
    if numbers:
        return int(numbers[-1].value)
    if re.search(r"\b(?:maximum|max|full|fully|au max)\b", low):
        return 100
    return None


def value_arguments(function: str, text: str, action: str | None) -> dict[str, Any]:
    """The int and math arguments of a call, read from the text; `action` is the call's own action, if it has one."""
    if function == "timer.set":
        return dict(duration(text))
    if function == "math.eval":
        said = expression(text)
        return {"expression": said} if said else {}
    if function in {"volume.set", "home.set"} and action == "set":
        wanted = level(text)
        return {} if wanted is None else {"level": wanted}
    return {}
