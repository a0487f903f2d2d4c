"""When: "tomorrow at nine", "vendredi prochain au soir", "5分後" as a moment, from where the person is now.

    when = parse("half past six", "en", now)
    when.at, when.timed, when.rule

Our own rules come first; what they do not know goes to dateparser. Start in `parse()`. The words are in when_words.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from slipway_assistant import when_words as words
from slipway_assistant.numbers import find_numbers
from slipway_assistant.when_days import Days, find_days

Direction = Literal["future", "past", "any"]
WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST = 300


@dataclass(frozen=True, slots=True)
class When:
    """A moment, or a stretch of time from `at` to `until`; both are aware.

    `timed`: a time of day was said, so `at` is meant to the minute. `dated`: a day was said. `part`: a part of the day was
    ("evening"), and `at` is its usual hour. `rule` is a recurrence (RFC 5545) such as "FREQ=WEEKLY;BYDAY=MO". `relative`: a
    length of time was said ("in five minutes"), and no day or hour.
    """

    at: datetime
    until: datetime
    timed: bool = False
    dated: bool = False
    part: bool = False
    rule: str = ""
    relative: bool = False


@dataclass(frozen=True, slots=True)
class _Clock:
    """A time of day as it was said: 9 may mean two hours of the day."""

    hours: tuple[int, ...]
    minute: int


def parse(text: str, lang: str, now: datetime, *, direction: Direction = "future", waking: bool = False) -> When | None:
    """The moment that `text` says, or None. Never raises.

    `direction` "future": what is wholly over is not meant, and "nine" is the next nine o'clock; "past": the other way
    round. `waking`: "tomorrow at five" is five in the morning, as for an alarm; otherwise it is the afternoon.
    """
    try:
        found = _ours(text[:LONGEST], lang, now, direction, waking) or _theirs(text[:LONGEST], lang, now, direction)
    except (ValueError, OverflowError, OSError):  # the year 12026, or one beyond what a calendar holds
        return None
    if found is None:
        return None
    # Two moments of one zone compare by their wall clocks, which run backwards once a year.
    if direction == "future" and found.until.timestamp() <= now.timestamp():
        return None
    if direction == "past" and found.at.timestamp() > now.timestamp():
        return None
    return found


def length(text: str, lang: str) -> timedelta | None:
    """A length of time ("an hour and a half", "dix minutes", "5分間"), or None."""
    found = _length(plain(text[:LONGEST], lang), lang)
    try:
        return found and timedelta(**found[0]) if found and not {"months", "years"} & set(found[0]) else None
    except OverflowError:
        return None


def lengths(text: str, lang: str) -> list[timedelta]:
    """Every length of time that is said, those that follow each other as one: "add 5 minutes to the 1 hour 20 timer"."""
    low = plain(text[:LONGEST], lang)
    found: list[timedelta] = []
    last = -1
    for match in re.finditer(rf"\d+(?:[.,]\d+)?\s*-?{words.MORE}(?:{words.UNIT})(?:{words.HALVES[lang]})?", low):
        one = length(match[0], lang)
        if one is None:
            continue
        if found and re.fullmatch(r"\s*(?:,|and|et)?\s*", low[last : match.start()]) and one < found[-1]:
            found[-1] += one
        else:
            found.append(one)
        last = match.end()
    return found


def repetition(text: str, lang: str) -> str:
    """The recurrence rule of a whole sentence ("wake me every day at ten"), or nothing."""
    return _rule(plain(text[:LONGEST], lang), lang)[0]


def plain(text: str, lang: str) -> str:
    """Lower case, narrow digits, number words as digits: "Half past SIX" -> "half past 6"."""
    low = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    for pattern, written in words.SINGLE.get(lang, []):
        low = re.sub(pattern, written, low)
    if lang == "en":
        low = words.ORDINAL.sub(_ordinal, low)
        low = re.sub(r"\ban? (?=(?:second|minute|hour|day|week|month|year)\b)", "1 ", low)
        low = re.sub(r"\b(?:couple of|a few) (?=(?:seconds|minutes|hours|days|weeks)\b)", "2 ", low)
    elif lang == "fr":
        low = re.sub(r"\b(?:premier|1er)\b", "1", low)
        low = re.sub(r"\bune? (?=(?:seconde|minute|heure|jour|semaine|mois|an|année)\b)", "1 ", low)
    if lang == "ja" and re.search(r"[a-z]", low):  # "7 AM" is said there, too
        low = re.sub(r"(\d{1,2})\s*am\b", r"午前\1時", re.sub(r"(\d{1,2})\s*pm\b", r"午後\1時", low))
    for number in reversed(find_numbers(low)):
        said = low[number.start : number.end]
        if not said[0].isdecimal() and number.value == int(number.value):
            low = f"{low[: number.start]}{int(number.value)}{low[number.end :]}"
    return low


def _ordinal(match: re.Match[str]) -> str:
    ten = {"twenty": 20, "thirty": 30}.get(match["ten"] or "", 0)
    one = words.ORDINALS[match["one"]]
    after = match.string[match.end() :]
    # "a second" is a length of time, "second march" and "second of march" are a day.
    if one == 2 and not ten and not re.match(rf" (?:of |{'|'.join(words.MONTHS['en'])})\b", after):
        return match[0]
    return f"{ten + one}th"


def _ours(text: str, lang: str, now: datetime, direction: Direction, waking: bool) -> When | None:
    low = plain(text, lang)
    rule, rest = _rule(low, lang)
    if not rule and (relative := _relative(rest, lang, now)):
        return relative
    days, rest = find_days(rest, lang, now.date(), past=direction == "past")
    if not rule and (stretch := _stretch(rest, lang, days, now, direction)):
        return stretch
    clock = _clock(rest, lang, alone=True)
    part = next((hours for pattern, hours in words.PARTS if re.search(pattern, low)), None)
    if clock and part:
        clock = _of_the_part(clock, part)
    if clock and waking and lang != "en":
        clock = _Clock(clock.hours[:1], clock.minute)
    if rule:
        return _repeated(rule, days, clock, part, now, waking)
    if clock:
        return _timed(days, clock, now, direction, waking)
    if part:
        return _part(days, part, now)
    if days:
        return When(_at(days.first, now), _at(days.after, now), dated=True)
    return None


def _stretch(low: str, lang: str, days: Days | None, now: datetime, direction: Direction) -> When | None:
    """ "from 3 to 4 pm": what is said of the end counts for the beginning."""
    match = re.search(words.RANGE[lang], low)
    if match is None:
        return None
    said = [part for part in match.groups() if part]
    begin, end = _clock(said[0], lang, alone=True), _clock(said[1], lang, alone=True)
    if begin is None or end is None:
        return None
    last = _timed(days, end, now, direction, False)
    if last is None:
        return None
    before = [_at(last.at.date(), now, hour, begin.minute) for hour in begin.hours]
    earlier = [at for at in before if at.timestamp() < last.at.timestamp()]
    return When(max(earlier), last.at, timed=True, dated=days is not None) if earlier else None


def _rule(low: str, lang: str) -> tuple[str, str]:
    """The recurrence that is said, and the text without it."""
    for pattern, frequency in words.REPEATS.get(lang, []):
        if match := re.search(pattern, low):
            rule = f"FREQ={frequency}"
            if "days" in match.re.groupindex and match["days"]:
                named = [
                    WEEK[i] for i, day in enumerate(words.WEEKDAYS[lang]) if re.search(rf"(?<!\w){day}", match["days"])
                ]
                rule += ";BYDAY=" + ",".join(named)
            return rule, low[: match.start()] + " " + low[match.end() :]
    return "", low


def _length(low: str, lang: str) -> tuple[dict[str, float], str] | None:
    """Amounts by unit, and the text without them."""
    low = re.sub(r"(\d+) et demie? ?(?=heures?|h\b)", r"\1.5 ", low)
    found: dict[str, float] = {}
    rest, at = "", 0
    for match in re.finditer(rf"(\d+(?:[.,]\d+)?)(?P<and> and (?:a|1) half)?\s*-?{words.MORE}(?:{words.UNIT})", low):
        if match["days"] == "日" and not low[match.end() :].startswith(("後", "前")):
            continue  # 5日 is a day of the month
        unit = next(name for name, _ in words.UNITS if match[name])
        amount = float(match[1].replace(",", "."))
        half = re.match(words.HALVES[lang], low[match.end() :])
        found[unit] = found.get(unit, 0) + amount + (0.5 if half or match["and"] else 0)
        rest += low[at : match.start()] + " "
        at = match.end() + (half.end() if half else 0)
    return (found, rest + low[at:]) if found else None


def _relative(low: str, lang: str, now: datetime) -> When | None:
    """ "in five minutes", "il y a deux jours", "3時間後": days and longer keep the hour, shorter ones count it."""
    ago = re.search(words.AGO[lang], low)
    lengths = _length(low, lang)
    if lengths is None:
        return None
    amounts, rest = lengths
    # "half an hour", and nothing else: that long from now. "7 heures" is a time of day.
    if re.search(words.NEXT[lang], low):  # "the next three days" begin now
        return _from_now(amounts, now)
    bare = not rest.strip() and (lang != "fr" or set(amounts) != {"hours"})
    if not ago and not bare and not re.search(words.LATER[lang], low):
        return None
    sign = -1 if ago else 1
    short = {unit: amounts[unit] * sign for unit in amounts if unit in ("seconds", "minutes", "hours")}
    if short:
        long = {unit: amounts[unit] * sign for unit in amounts if unit in ("days", "weeks")}
        at = (now.astimezone(UTC) + timedelta(**short) + timedelta(**long)).astimezone(now.tzinfo)
        return When(at, at, timed=True, relative=True)
    day = now.date() + timedelta(**{unit: amounts[unit] * sign for unit in amounts if unit in ("days", "weeks")})
    months = sign * (amounts.get("months", 0) + 12 * amounts.get("years", 0))
    day = months_on(day, int(months)) + timedelta(days=round(30 * (months - int(months))))
    if clock := _clock(rest, lang, alone=False):
        return _timed(Days(day, day + timedelta(days=1)), clock, now, "any", False)
    return When(_at(day, now), _at(day + timedelta(days=1), now), dated=True, relative=True)


def _from_now(amounts: dict[str, float], now: datetime) -> When:
    months = amounts.get("months", 0) + 12 * amounts.get("years", 0)
    until = now.astimezone(UTC) + timedelta(
        **{unit: n for unit, n in amounts.items() if unit not in ("months", "years")}
    )
    return When(now, until.astimezone(now.tzinfo) + timedelta(days=30.5 * months), relative=True)


def months_on(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            if not 1 <= year <= 9999:
                raise
    raise ValueError(f"no day {day.day} in month {month + 1}")


def _clock(low: str, lang: str, *, alone: bool) -> _Clock | None:
    """The time of day that is said. `alone`: a number with no word beside it is one, too."""
    for pattern in words.TIMES.get(lang, []):
        for match in re.finditer(pattern, low):
            if clock := _read_clock(match.groupdict(), lang):
                return clock
    numbers = re.findall(r"\d+", low) if alone and words.NOTHING_ELSE.fullmatch(low) else []
    if len(numbers) == 1 and len(numbers[0]) <= 2 and int(numbers[0]) < 24:
        return _hours(int(numbers[0]), 0, lang, "", numbers[0])
    if alone and numbers and 100 <= int(numbers[0]) < 2400 and int(numbers[0]) % 100 < 60:  # "five thirty" as 530
        return _hours(int(numbers[0]) // 100, int(numbers[0]) % 100, lang, "", numbers[0])
    return None


def _read_clock(said: dict[str, str | None], lang: str) -> _Clock | None:
    hour = 12 if said.get("noon") else 24 if said.get("midnight") else int(said.get("h") or 0)
    minute = int(said.get("m") or 0)
    fraction = (said.get("fraction") or "").removeprefix("a ")
    if fraction:
        minute = words.FRACTIONS.get(fraction, 0) or int((re.findall(r"\d+", fraction) or ["0"])[0])
    if said.get("side") in ("to", "before", "till", "moins", "前"):
        hour, minute = (hour - 1) % 24, (60 - minute) % 60 if minute else 0
        hour += 0 if minute or not fraction else 1
    if hour > 24 or minute > 59:
        return None
    if said.get("noon") or said.get("midnight"):
        return _Clock((hour % 24,), minute)
    half = "am" if said.get("am") else "pm" if said.get("pm") else ""
    return _hours(hour, minute, lang, half, said.get("h") or "")


def _hours(hour: int, minute: int, lang: str, half: str, written: str) -> _Clock:
    """The hours of the day that are meant: one, or two where English leaves it open."""
    if half == "am" and hour <= 12:
        return _Clock((hour % 12,), minute)
    if half == "pm" and hour <= 12:
        return _Clock((hour % 12 + 12,), minute)
    # French and Japanese count to 24, and still meet "at three" in the afternoon.
    if hour > (12 if lang == "en" else 6) or hour == 0 or written.startswith("0"):
        return _Clock((hour % 24,), minute)
    return _Clock((hour % 12, hour % 12 + 12), minute)


def _of_the_part(clock: _Clock, part: tuple[int, int, int]) -> _Clock:
    """ "nine" with "evening" is 21; in French and Japanese "9 heures" with "soir" is, too."""
    first, last, _ = part
    either = {hour % 24 for h in clock.hours for hour in (h, h + 12 if h < 12 else h)}
    inside = sorted(hour for hour in either if first <= hour < last or first <= hour + 24 < last)
    # A window of the night spans twelve o'clock: 9 is 21 and 2 is 2.
    return _Clock(tuple(inside[-1:]) if inside else clock.hours, clock.minute)


def _at(day: date, now: datetime, hour: int = 0, minute: int = 0) -> datetime:
    """That wall clock in the person's zone; one that daylight saving skips is moved on by the hour that is skipped."""
    wall = datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), tzinfo=now.tzinfo)
    return wall.astimezone(UTC).astimezone(now.tzinfo)


def _timed(days: Days | None, clock: _Clock, now: datetime, direction: Direction, waking: bool) -> When | None:
    candidates = sorted(_candidates(days, clock, now), key=lambda at: at.timestamp())
    ahead = [at for at in candidates if at.timestamp() > now.timestamp()]
    behind = [at for at in candidates if at.timestamp() <= now.timestamp()]
    if direction == "past":
        at = behind[-1] if behind else None
    elif days is not None and days.first != now.date() and len(clock.hours) > 1:
        at = _at(days.first, now, _usual(clock, waking), clock.minute)
    else:
        at = ahead[0] if ahead else None if direction == "future" else candidates[-1]
    return When(at, at, timed=True, dated=days is not None) if at else None


def _candidates(days: Days | None, clock: _Clock, now: datetime) -> Iterator[datetime]:
    around = [days.first] if days else [now.date() + timedelta(days=n) for n in (-1, 0, 1)]
    for day in around:
        for hour in clock.hours:
            # Midnight of a day that is named is the one at its end.
            yield _at(day, now, 24 if days and hour == 0 and clock.hours == (0,) and days.named else hour, clock.minute)


def _usual(clock: _Clock, waking: bool) -> int:
    """Of two hours the one that is meant when neither is nearer: alarms ring in the morning, people meet in daylight."""
    early, late = min(clock.hours), max(clock.hours)
    return early if waking or early >= 7 else late


def _part(days: Days | None, part: tuple[int, int, int], now: datetime) -> When:
    _, last, usual = part
    day = days.first if days else now.date()
    at, until = _at(day, now, usual), _at(day, now, last)
    if days is None and until.timestamp() <= now.timestamp():  # "in the morning", said at noon
        day += timedelta(days=1)
        at, until = _at(day, now, usual), _at(day, now, last)
    return When(at, until, dated=days is not None, part=True)


def _repeated(
    rule: str, days: Days | None, clock: _Clock | None, part: tuple[int, int, int] | None, now: datetime, waking: bool
) -> When | None:
    """The first time that a recurrence comes round after now."""
    hour, minute = (clock.hours[0], clock.minute) if clock else (part[2], 0) if part else (0, 0)
    if clock and len(clock.hours) > 1:
        hour = _usual(clock, waking)
    named = rule.partition("BYDAY=")[2].split(",") if "BYDAY" in rule else []
    day = days.first if days else now.date()
    for on in range(400):
        candidate = day + timedelta(days=on)
        at = _at(candidate, now, hour, minute)
        fits = not named or WEEK[candidate.weekday()] in named
        if fits and (at if clock or part else _at(candidate, now, 24)).timestamp() > now.timestamp():
            until = at if clock else _at(candidate, now, 24)
            return When(at, until, timed=clock is not None, dated=True, part=part is not None, rule=rule)
    return None


def _theirs(text: str, lang: str, now: datetime, direction: Direction) -> When | None:
    """What dateparser makes of it: dates written in ways that our rules do not know."""
    from slipway.errors import MissingExtra

    if not re.search(r"\w{3}|\d", text):
        return None
    try:
        import dateparser  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra.named("assistant", "dateparser") from None
    prefer = {"future": "future", "past": "past", "any": "current_period"}[direction]
    settings = {"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": prefer, "STRICT_PARSING": True}
    try:
        found = dateparser.parse(text, languages=[lang], settings=settings)
    except Exception:  # it fails in many ways on what is no date, and none of them is more than "not understood"
        return None
    if found is None:
        return None
    timed = bool(found.time()) and found.time() != now.time().replace(tzinfo=None)
    day = found.date()
    if not timed:
        return When(_at(day, now), _at(day, now, 24), dated=True)
    at = _at(day, now, found.hour, found.minute)
    return When(at, at, timed=True, dated=True)
