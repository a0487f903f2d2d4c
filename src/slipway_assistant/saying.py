"""Times, days, lengths and lists as they are said aloud in English, French and Japanese.

Start in `moment()`. Written so that a voice reads them well: "7:30 am", "7 heures 30", "午前7時30分".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

DAY_NAMES = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "ja": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
}
MONTH_NAMES = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
        *("November", "December"),
    ),
    "fr": (
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre"),
        *("novembre", "décembre"),
    ),
}
_NEAR = {
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
    "fr": {-1: "hier", 0: "aujourd'hui", 1: "demain"},
    "ja": {-1: "昨日", 0: "今日", 1: "明日"},
}
_UNITS = {
    "en": (("day", "days"), ("hour", "hours"), ("minute", "minutes"), ("second", "seconds")),
    "fr": (("jour", "jours"), ("heure", "heures"), ("minute", "minutes"), ("seconde", "secondes")),
    "ja": (("日", "日"), ("時間", "時間"), ("分", "分"), ("秒", "秒")),
}
_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def clock(at: datetime, lang: str) -> str:
    """The time of day: "7:30 am", "19 heures 30", "午後7時30分"."""
    hour, minute = at.hour, at.minute
    if lang == "fr":
        named = {0: "minuit", 12: "midi"}.get(hour) or f"{hour} heure{'s' if hour > 1 else ''}"
        return f"{named} {minute:02}" if minute else named
    if lang == "ja":
        half = "午前" if hour < 12 else "午後"
        return f"{half}{hour % 12}時" + (f"{minute}分" if minute else "")
    if not minute and hour in (0, 12):
        return "noon" if hour else "midnight"
    half = "am" if hour < 12 else "pm"
    return f"{hour % 12 or 12}:{minute:02} {half}" if minute else f"{hour % 12 or 12} {half}"


def calendar_day(day: date, lang: str, *, year: bool = False) -> str:
    """The date with its weekday: "Tuesday, March 5", "mardi 5 mars", "3月5日火曜日"."""
    name = DAY_NAMES[lang][day.weekday()]
    if lang == "ja":
        return (f"{day.year}年" if year else "") + f"{day.month}月{day.day}日{name}"
    month = MONTH_NAMES[lang][day.month - 1]
    if lang == "fr":
        return f"{name} {'1er' if day.day == 1 else day.day} {month}" + (f" {day.year}" if year else "")
    return f"{name}, {month} {day.day}" + (f", {day.year}" if year else "")


def day(at: date, now: datetime, lang: str) -> str:
    """The day as seen from now: "tomorrow", "on Friday", "vendredi", "on Tuesday, March 5"."""
    here = at.date() if isinstance(at, datetime) else at
    ahead = (here - now.date()).days
    if ahead in _NEAR[lang]:
        return _NEAR[lang][ahead]
    if 1 < ahead < 7:
        name = DAY_NAMES[lang][here.weekday()]
        return f"on {name}" if lang == "en" else name
    said = calendar_day(here, lang, year=here.year != now.year)
    return {"en": f"on {said}", "fr": f"le {said}"}.get(lang, said)


def moment(at: datetime, now: datetime, lang: str) -> str:
    """Day and time: "tomorrow at 7:30 am", "demain à 7 heures 30", "明日の午前7時30分"."""
    when, time = day(at, now, lang), clock(at, lang)
    if (at.hour, at.minute) == (0, 0) and days_between(now.date(), at.date()) == 1:  # few would call that tomorrow
        return {"en": "tonight at midnight", "fr": "ce soir à minuit", "ja": "今夜の午前0時"}[lang]
    return {"en": f"{when} at {time}", "fr": f"{when} à {time}"}.get(lang, f"{when}の{time}")


def length(seconds: float, lang: str) -> str:
    """A length of time in its two or three greatest units: "1 hour and 20 minutes", "1時間20分"."""
    left = max(0, round(seconds))
    amounts = []
    for size, (one, many) in zip((86_400, 3_600, 60, 1), _UNITS[lang], strict=True):
        count, left = divmod(left, size)
        if count:
            amounts.append(f"{count}{one}" if lang == "ja" else f"{count} {one if count == 1 else many}")
    if not amounts:
        amounts = ["0秒" if lang == "ja" else f"0 {_UNITS[lang][3][lang == 'en']}"]
    return "".join(amounts[:3]) if lang == "ja" else listed(amounts[:3], lang)


def listed(things: Sequence[str], lang: str) -> str:
    """ "a, b and c", "a, b et c", "a、b、c"."""
    if lang == "ja":
        return "、".join(things)
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} {'et' if lang == 'fr' else 'and'} {things[-1]}"


def repetition(rule: str, lang: str) -> str:
    """A recurrence rule: "every weekday", "tous les lundis", "毎週月曜日"; empty for none."""
    if not rule:
        return ""
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    days = [_WEEK.index(name) for name in parts.get("BYDAY", "").split(",") if name in _WEEK]
    if days == [0, 1, 2, 3, 4]:
        return {"en": "every weekday", "fr": "tous les jours de la semaine", "ja": "平日毎日"}[lang]
    if days:
        names = [DAY_NAMES[lang][i] for i in days]
        if lang == "ja":
            return "毎週" + "・".join(names)
        every = listed(names if lang == "en" else [f"{name}s" for name in names], lang)
        return f"every {every}" if lang == "en" else f"tous les {every}"
    if parts.get("INTERVAL") == "2":
        other = {"DAILY": ("every other day", "un jour sur deux", "1日おき")}
        other["WEEKLY"] = ("every other week", "une semaine sur deux", "隔週")
        if parts.get("FREQ") in other:
            return other[parts["FREQ"]][("en", "fr", "ja").index(lang)]
    every_one = {
        "DAILY": ("every day", "tous les jours", "毎日"),
        "WEEKLY": ("every week", "toutes les semaines", "毎週"),
        "MONTHLY": ("every month", "tous les mois", "毎月"),
        "YEARLY": ("every year", "tous les ans", "毎年"),
    }
    return every_one.get(parts.get("FREQ", ""), ("again and again", "régulièrement", "繰り返し"))[
        ("en", "fr", "ja").index(lang)
    ]


def days_between(first: date, last: date) -> int:
    """Whole days from one day to another; negative when the other is earlier."""
    return (last - first) // timedelta(days=1)
