"""datetime.get: the time and the date, here and elsewhere, and how many days there are until a day."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from slipway_assistant import saying
from slipway_assistant.skill import Answer, Context, SkillError, Soft, Span, pick, skill

_HOW_LONG = re.compile(
    r"how (?:many (?:days|weeks)|long|far)|days? (?:until|till|left)|countdown|combien de (?:jours|temps|semaines)|"
    r"あと何日|何日(?:後|間|ある|です)|まであと"
)

_HERE = re.compile(
    r"here|(?:this|my|our) \w+|where i (?:am|live)|ici|(?:cette|ma|notre) \w+|chez (?:moi|nous)|ここ|こちら"
)


@skill("datetime.get")
def get_datetime(ctx: Context, *, field: Literal["time", "date"], location: Soft = "", when: Span = "") -> Answer:
    """Tell the time or the date.

    field: The time of day, or the day and date.
    location: Place whose time is asked for; left out for here.
    when: Day or holiday whose date is asked for, as it was said.
    """
    now, place = ctx.now, ""
    if location and not _HERE.fullmatch(location.strip().lower()):
        from slipway_assistant.places import find

        found = find(location, ctx.lang)
        if found is None:
            raise SkillError(pick(ctx.lang, _NO_PLACE).format(place=location))
        now, place = now.astimezone(found.zone), found.name
    if when:
        return _day_of(when, now, ctx)
    facts = {"now": now.isoformat(), "zone": str(now.tzinfo)}
    if field == "date":
        said = saying.calendar_day(now.date(), ctx.lang, year=True)
        form = _DATE_THERE if place else _DATE
    else:
        said = saying.clock(now, ctx.lang)
        # Where it is another day already, the day belongs to the time.
        if place and now.date() != ctx.now.date():
            said = saying.moment(now, ctx.now, ctx.lang)
        form = _TIME_THERE if place else _TIME
    return Answer(pick(ctx.lang, form).format(said, place=place), facts)


def _day_of(when: str, now: datetime, ctx: Context) -> Answer:
    """The date of a day that is named, or how far away it is."""
    from slipway_assistant.when import parse

    found = parse(when, ctx.lang, now) or parse(when, ctx.lang, now, direction="any")
    if found is None:
        raise SkillError(_NO_DAY)
    day = found.at.date()
    ahead = saying.days_between(now.date(), day)
    facts = {"date": day.isoformat(), "days": ahead}
    said = saying.calendar_day(day, ctx.lang, year=True)
    if found.timed and not found.dated:
        return Answer(pick(ctx.lang, _THEN).format(saying.moment(found.at, now, ctx.lang)), facts)
    if not _HOW_LONG.search(ctx.heard.lower()):
        return Answer(pick(ctx.lang, _THAT_IS).format(said), facts)
    if ahead == 0:
        return Answer(pick(ctx.lang, _TODAY), facts)
    form = (_ONE_DAY if ahead == 1 else _DAYS) if ahead > 0 else _AGO
    return Answer(pick(ctx.lang, form).format(abs(ahead), said), facts)


_TIME = {"en": "It is {0}.", "fr": "Il est {0}.", "ja": "{0}です。"}
_TIME_THERE = {"en": "In {place} it is {0}.", "fr": "À {place}, il est {0}.", "ja": "{place}は{0}です。"}
_DATE = {"en": "It is {0}.", "fr": "Nous sommes le {0}.", "ja": "今日は{0}です。"}
_DATE_THERE = {"en": "In {place} it is {0}.", "fr": "À {place}, nous sommes le {0}.", "ja": "{place}は{0}です。"}
_THAT_IS = {"en": "That is {0}.", "fr": "C'est le {0}.", "ja": "{0}です。"}
_THEN = {"en": "That is {0}.", "fr": "C'est {0}.", "ja": "{0}です。"}
_TODAY = {"en": "That is today.", "fr": "C'est aujourd'hui.", "ja": "今日です。"}
_ONE_DAY = {"en": "That is tomorrow, {1}.", "fr": "C'est demain, le {1}.", "ja": "明日、{1}です。"}
_DAYS = {"en": "{0} days, until {1}.", "fr": "Dans {0} jours, le {1}.", "ja": "あと{0}日で、{1}です。"}
_AGO = {"en": "That was {0} days ago, on {1}.", "fr": "C'était il y a {0} jours, le {1}.", "ja": "{0}日前、{1}でした。"}
_NO_PLACE = {
    "en": "I do not know the time in {place}.",
    "fr": "Je ne connais pas l'heure pour {place}.",
    "ja": "{place}の時刻はわかりません。",
}
_NO_DAY = {
    "en": "I do not know which day you mean.",
    "fr": "Je ne sais pas de quel jour vous parlez.",
    "ja": "どの日のことかわかりませんでした。",
}
