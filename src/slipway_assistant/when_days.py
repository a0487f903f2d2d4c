"""Which days are said: "next friday", "le 5 mars", "来週の月曜日", Christmas. Start in `find_days()`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from slipway_assistant import when_words as words

DAY = timedelta(days=1)
_NEXT = r"next|coming|following|prochaine?|次の|今度の"
_LAST = r"last|previous|past|derni(?:er|ère)|passée?|前の|最後の"


@dataclass(frozen=True, slots=True)
class Days:
    """From `first` until before `after`. `named`: the day itself was said, and not only its week or month."""

    first: date
    after: date
    named: bool = True


def find_days(low: str, lang: str, today: date, *, past: bool = False) -> tuple[Days | None, str]:
    """The days that are said in a text in lower case, with digits for numbers, and the text without them."""
    for find in (_written, _holiday, _nth, _season, _worded, _weekday, _month, _of_this_month):
        if found := find(low, lang, today, past):
            days, start, end = found
            return days, low[:start] + " " + low[end:]
    return None, low


Found = tuple[Days, int, int]


def _one(day: date) -> Days:
    return Days(day, day + DAY)


def _year(match: re.Match[str], month: int, day: int, today: date, past: bool) -> date:
    """The year that was said, or the one that makes the date lie in the asked direction."""
    if match.groupdict().get("y"):
        year = int(match["y"])
        return date(year + 2000 if year < 100 else year, month, day)
    step = -1 if past else 1
    for year in range(today.year, today.year + 9 * step, step):  # a leap year is at most eight years away
        try:
            made = date(year, month, day)
        except ValueError:  # February 29th
            continue
        if (made <= today) if past else (made >= today):
            return made
    raise ValueError(f"no day {day} in month {month}")


def _written(low: str, lang: str, today: date, past: bool) -> Found | None:
    """2026-11-24, 24/11, march 5th 2027, the 5th of march, le 5 mars, 3月5日."""
    months = "|".join(f"(?P<m{i}>{month})" for i, month in enumerate(words.MONTHS[lang], 1))
    year = r"(?:,? (?:in )?(?P<y>\d{4}))?(?!\d)"
    patterns = [r"(?<!\d)(?P<y>\d{4})[-/.年](?P<mm>\d{1,2})[-/.月](?P<d>\d{1,2})日?(?!\d)"]
    if lang == "en":
        patterns += [
            rf"\b(?:{months})\b\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?! ?(?:[ap]\.?m|:|o'?clock)){year}"
        ]
        patterns += [rf"\b(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: day)? (?:of )?(?:{months})\b{year}"]
        patterns += [r"(?<!\d)(?P<mm>\d{1,2})/(?P<d>\d{1,2})(?:/(?P<y>\d{4}|\d{2}))?(?!\d)"]
    elif lang == "fr":
        patterns += [rf"\b(?:le )?(?P<d>\d{{1,2}}) (?:{months})\b{year}"]
        patterns += [r"(?<!\d)(?P<d>\d{1,2})/(?P<mm>\d{1,2})(?:/(?P<y>\d{4}|\d{2}))?(?!\d)"]
    else:
        patterns += [r"(?P<mm>\d{1,2})月(?P<d>\d{1,2})日", r"(?<!\d)(?P<mm>\d{1,2})/(?P<d>\d{1,2})(?!\d)"]
    for pattern in patterns:
        if match := re.search(pattern, low):
            said = match.groupdict()
            month = int(said["mm"]) if said.get("mm") else next(i for i in range(1, 13) if said.get(f"m{i}"))
            return _one(_year(match, month, int(match["d"]), today, past)), match.start(), match.end()
    return None


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    o = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * o) // 451
    month, day = divmod(h + o - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _holiday_of(rule: str, year: int) -> date:
    if rule.startswith("easter"):
        return easter(year) + timedelta(days=int(rule.removeprefix("easter")))
    if rule == "thanksgiving":
        return _nth_weekday(year, 11, 3, 4)
    if rule.endswith(("-sunday-05", "-sunday-06")):
        return _nth_weekday(year, int(rule[-2:]), 6, int(rule[0]))
    month, day = rule.split("-")
    return date(year, int(month), int(day))


def _holiday(low: str, lang: str, today: date, past: bool) -> Found | None:
    for pattern, rule in words.HOLIDAYS:
        match = re.search(rf"(?<![a-z]){pattern}", low)
        if match is None:
            continue
        said = re.search(r"\b(\d{4})\b|(\d{4})年", low)
        if said:
            return _one(_holiday_of(rule, int(said[1] or said[2]))), match.start(), match.end()
        years = (today.year, today.year - 1) if past else (today.year, today.year + 1)
        days = [_holiday_of(rule, year) for year in years]
        day = next((d for d in days if (d <= today if past else d >= today)), days[0])
        return _one(day), match.start(), match.end()
    return None


def _worded(low: str, lang: str, today: date, past: bool) -> Found | None:
    """today, next week, 来月: the first of the list that stands in the text."""
    for pattern, meaning in words.DAYS[lang]:
        match = re.search(pattern if lang == "ja" else rf"(?<!\w){pattern}(?!\w)", low)
        if match is None:
            continue
        unit, count = re.fullmatch(r"([a-z]+)([+-]\d)", meaning).groups()  # type: ignore[union-attr]
        days = _UNITS[unit](today, int(count))
        if unit == "week" and (day := _day_name(low, lang)):  # 来週の月曜日, monday of next week
            weekday, start, end = day
            days = _one(days.first + timedelta(days=weekday))
            return days, min(start, match.start()), max(end, match.end())
        return days, match.start(), match.end()
    return None


def _week(today: date, count: int) -> Days:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=count)
    return Days(monday, monday + timedelta(days=7), named=False)


def _weekend(today: date, count: int) -> Days:
    saturday = _week(today, count).first + timedelta(days=5)
    return Days(saturday, saturday + timedelta(days=2), named=False)


def _months(today: date, count: int) -> Days:
    year, month = divmod(today.year * 12 + today.month - 1 + count, 12)
    after_year, after = divmod(year * 12 + month + 1, 12)
    return Days(date(year, month + 1, 1), date(after_year, after + 1, 1), named=False)


_UNITS: dict[str, Callable[[date, int], Days]] = {
    "day": lambda today, count: _one(today + timedelta(days=count)),
    "week": _week,
    "weekend": _weekend,
    "month": _months,
    "year": lambda today, count: Days(date(today.year + count, 1, 1), date(today.year + count + 1, 1, 1), named=False),
}


def _day_name(low: str, lang: str) -> tuple[int, int, int] | None:
    for i, day in enumerate(words.WEEKDAYS[lang]):
        if match := re.search(day if lang == "ja" else rf"\b{day}\b", low):
            return i, match.start(), match.end()
    return None


def _weekday(low: str, lang: str, today: date, past: bool) -> Found | None:
    """friday: the coming one, today included; "next friday": the coming one, today not; "last friday": the one before."""
    found = _day_name(low, lang)
    if found is None:
        return None
    weekday, start, end = found
    ahead = (weekday - today.weekday()) % 7
    beside = low[max(0, start - 12) : start] + " " + low[end : end + 12]
    if past or re.search(rf"\b(?:{_LAST})\b" if lang != "ja" else _LAST, beside):
        return _one(today - timedelta(days=7 - ahead)), start, end
    if not ahead and re.search(rf"\b(?:{_NEXT})\b" if lang != "ja" else _NEXT, beside):
        ahead = 7
    return _one(today + timedelta(days=ahead)), start, end


def _month(low: str, lang: str, today: date, past: bool) -> Found | None:
    """A month alone: the one that goes on, or the next of that name."""
    for i, month in enumerate(words.MONTHS[lang], 1):
        match = re.search(
            rf"(?<!\d)(?:{month})(?!\d)" if lang == "ja" else rf"\b(?:{month})\b(?:,? (?P<y>\d{{4}}))?", low
        )
        if match is None:
            continue
        year = int(match.groupdict().get("y") or 0) or today.year + (i < today.month and not past) - (
            i > today.month and past
        )
        return Days(first := date(year, i, 1), _months(first, 1).first, named=False), match.start(), match.end()
    return None


def _nth(low: str, lang: str, today: date, past: bool) -> Found | None:
    """The last friday of the month, le 2e lundi de mars, 来月の第2月曜日."""
    match = re.search(words.NTH[lang], low)
    day = _day_name(match[0], lang) if match else None
    if match is None or day is None:
        return None
    of = match[0].replace(match["nth"], " ")  # 第2月曜日 says no February
    months = _month(of, lang, today, past) or _worded(of, lang, today, past)
    first = months[0].first if months and months[0].first.day == 1 else _months(today, 0).first
    if re.search(_LAST, match["nth"]):
        last = _months(first, 1).first
        found = last - timedelta(days=(last.weekday() - day[0] - 1) % 7 + 1)
    else:
        number = re.search(r"\d", match["nth"])
        found = _nth_weekday(first.year, first.month, day[0], int(number[0]) if number else 2)
    return (_one(found), match.start(), match.end()) if found.month == first.month else None


def _season(low: str, lang: str, today: date, past: bool) -> Found | None:
    """A season of the northern half: the one that goes on, or the next; "last winter" the one before."""
    for i, season in enumerate(words.SEASONS[lang]):
        match = re.search(season if lang == "ja" else rf"\b(?:{season})\b", low)
        if match is None:
            continue
        back = past or re.search(_LAST, low[: match.start()])
        years = (today.year, today.year - 1, today.year - 2) if back else (today.year - 1, today.year, today.year + 1)
        for year in years:
            first = date(year, 3 * i + 3, 1)
            days = Days(first, _months(first, 3).first, named=False)
            if (days.after <= today) if back else (days.after > today):
                return days, match.start(), match.end()
    return None


def _of_this_month(low: str, lang: str, today: date, past: bool) -> Found | None:
    """the 5th, le 5, 5日: of this month or the next one that has such a day."""
    pattern = {"en": r"\b(?:the )?(?P<d>\d{1,2})(?:st|nd|rd|th)\b", "fr": r"\ble (?P<d>\d{1,2})\b(?! ?(?:h\b|heure))"}
    match = re.search(pattern.get(lang, r"(?<!\d)(?P<d>\d{1,2})日(?![後前間])"), low)
    if match is None:
        return None
    for count in range(0, -13, -1) if past else range(13):
        try:
            day = _months(today, count).first.replace(day=int(match["d"]))
        except ValueError:
            continue
        if (day <= today) if past else (day >= today):
            return _one(day), match.start(), match.end()
    return None
