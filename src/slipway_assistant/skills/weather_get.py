"""The weather, now or at the time that was said: from Open-Meteo, and without a network from the last forecast."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from slipway_assistant.backends import sentences
from slipway_assistant.backends.forecast import Forecast, Moment, Place, Weather
from slipway_assistant.backends.net import NetError
from slipway_assistant.skill import Answer, Context, SkillError, Soft, Span, pick, skill
from slipway_assistant.when import parse

MOST_DAYS = 3
MUCH_RAIN = 30
STRONG_WIND = {"metric": 40, "imperial": 25}


@skill("weather.get", timeout_s=8.0)
def get(ctx: Context, *, location: Soft = "", when: Span = "") -> Answer:
    """Tell the weather, now or forecast.

    location: Town, region, country or sight; left out for here.
    when: Day or time of the weather asked for, as it was said; left out for now.
    """
    settings = ctx.settings
    service = Weather(settings.weather_url, ctx.folder / "weather", units=settings.units)
    try:
        place = _place(ctx, service, "" if _HERE.fullmatch(location.strip().lower()) else location)
        if place is None:
            return Answer(pick(ctx.lang, _WHERE), {"missing": "location"}, ok=False, ask="location")
        forecast = service.forecast(place, ctx.now)
    except NetError as error:
        raise sentences.unreachable(error, _SERVICE) from None
    if location:
        ctx.memory.count("place", place.name)
    said, data = _said(ctx, forecast, when)
    if forecast.stale:
        ago = sentences.age(ctx.lang, max(ctx.now - forecast.at, timedelta()))
        said = pick(ctx.lang, _OLD).format(ago=ago) + said
    return Answer(said, {"place": place.name, "stale": forecast.stale, **data})


def _place(ctx: Context, service: Weather, location: str) -> Place | None:
    settings = ctx.settings
    if not location and settings.latitude is not None and settings.longitude is not None:
        return Place(settings.place or pick(ctx.lang, _AT_HOME), settings.latitude, settings.longitude)
    name = location or settings.place or ctx.memory.favourite("place")
    if not name:
        return None
    place = service.place(name, ctx.lang, ctx.now)
    if place is None:
        raise SkillError({lang: text.format(place=name) for lang, text in _UNKNOWN.items()}, mend="name a town nearby")
    return place


def _said(ctx: Context, forecast: Forecast, when: str) -> tuple[str, dict[str, object]]:
    """The sentence for the time that was asked, in the place's own time."""
    lang, now = ctx.lang, ctx.now.astimezone(forecast.zone)
    at_once = not when or _NOW.fullmatch(when.strip().lower()) is not None
    asked = None if at_once else parse(when, lang, now, direction="any")
    if at_once or (asked is not None and asked.relative and abs(asked.at - now) < timedelta(minutes=50)):
        # What was measured hours ago is not now; what was forecast for this hour is.
        moment = (None if forecast.stale else forecast.now()) or forecast.hour(now)
        if moment is None:
            raise _too_far()
        return _sentence(ctx, moment, pick(lang, _NOW_IN), forecast.place), {"when": now.isoformat()}
    if (
        asked is not None
        and (asked.timed or asked.part or asked.relative)
        and asked.until - asked.at < timedelta(hours=20)
    ):
        moment = forecast.hour(asked.at)
        if moment is None:
            raise _too_far()
        label = _day_name(lang, asked.at.date(), now.date()) + _hour_name(lang, asked.at)
        return _sentence(ctx, moment, pick(lang, _THEN_IN), forecast.place, label), {"when": asked.at.isoformat()}
    first = asked.at.date() if asked else now.date()
    last = (asked.until - timedelta(minutes=1)).date() if asked else first
    return _days(ctx, forecast, now, max(first, now.date()) if last >= now.date() else first, last)


def _days(ctx: Context, forecast: Forecast, now: datetime, first: date, last: date) -> tuple[str, dict[str, object]]:
    found: list[tuple[date, Moment]] = []
    day = first
    while day <= last and len(found) < 16:
        moment = forecast.day(day)
        if moment is not None:
            found.append((day, moment))
        elif found:
            break
        day += timedelta(days=1)
        if (day - first).days > 40:
            break
    if not found:
        raise _too_far()
    lang, place = ctx.lang, forecast.place
    data: dict[str, object] = {"days": [day.isoformat() for day, _ in found]}
    parts: list[str] = []
    for day, moment in found[:MOST_DAYS]:
        label = _day_name(lang, day, now.date())
        if not parts:
            parts.append(_sentence(ctx, moment, pick(lang, _THEN_IN), place, label))
        else:
            parts.append(_sentence(ctx, moment, pick(lang, _ALSO), place, label))
    rest = [moment for _, moment in found[MOST_DAYS:]]
    if rest:
        lows = [m.low for m in rest if m.low is not None]
        highs = [m.high for m in rest if m.high is not None]
        if lows and highs:
            parts.append(pick(lang, _LATER).format(low=_degrees(min(lows)), high=_degrees(max(highs))))
    return ("" if lang == "ja" else " ").join(parts), data


def _sentence(ctx: Context, moment: Moment, frame: str, place: Place, label: str = "") -> str:
    lang = ctx.lang
    sky = pick(lang, _SKY[_kind(moment.code)]) if moment.code is not None else ""
    parts = [sky] if sky else []
    if moment.low is not None and moment.high is not None:
        if round(moment.low) == round(moment.high):
            parts.append(pick(lang, _ONE if _is_many(lang, moment.high) else _SINGLE).format(_degrees(moment.high)))
        else:
            parts.append(pick(lang, _BETWEEN).format(low=_degrees(moment.low), high=_degrees(moment.high)))
    if moment.rain_percent is not None and moment.rain_percent >= MUCH_RAIN:
        parts.append(pick(lang, _RAIN).format(moment.rain_percent))
    if moment.wind is not None and moment.wind >= STRONG_WIND[ctx.settings.units]:
        parts.append(pick(lang, _WIND[ctx.settings.units]).format(round(moment.wind)))
    if not parts:
        raise _too_far()
    weather = pick(lang, {"en": ", ", "fr": ", ", "ja": "、"}).join(parts)
    text = frame.format(place=place.name, label=label, weather=weather)
    return text[0].upper() + text[1:]


def _degrees(value: float) -> str:
    return str(round(value) or 0)


def _is_many(lang: str, degrees: float) -> bool:
    """Whether the plural stands after the number: from 2 on, in English for 0, too."""
    return abs(round(degrees)) > 1 or (lang == "en" and round(degrees) == 0)


def _kind(code: int) -> str:
    """The kind of weather of a code of the WMO (table 4677, as Open-Meteo uses it)."""
    for kind, codes in _CODES.items():
        if code in codes:
            return kind
    return "cloudy"


def _day_name(lang: str, day: date, today: date) -> str:
    near = (day - today).days
    if near in (0, 1, 2):
        return pick(lang, _NEAR[near])
    name = _WEEKDAYS[lang if lang in _WEEKDAYS else "en"][day.weekday()]
    if 0 < near < 7:
        return pick(lang, {"en": "on {d}", "fr": "{d}", "ja": "{d}"}).format(d=name)
    month = _MONTHS[lang if lang in _MONTHS else "en"][day.month - 1]
    return pick(lang, _DATED).format(d=name, month=month, day=day.day)


def _hour_name(lang: str, at: datetime) -> str:
    if lang == "fr":
        return f" à {at.hour} heures" if at.hour > 1 else f" à {at.hour} heure"
    if lang == "ja":
        return f"{at.hour}時"
    twelve = at.hour % 12 or 12
    return f" at {twelve} {'AM' if at.hour < 12 else 'PM'}"


def _too_far() -> SkillError:
    return SkillError(_FAR, mend="ask for one of the next days")


_NOW = re.compile(
    r"(?:right |just )?now|currently|at (?:the|this) moment|this (?:very )?(?:moment|minute)|outside|maintenant|actuellement|"
    r"en ce moment|tout de suite|今|いま|今現在|現在|今すぐ"
)
_HERE = re.compile(r"here|my location|my area|current location|outside|ici|chez moi|dehors|ここ|この辺|家")
_CODES = {
    "clear": (0,),
    "mostly_clear": (1,),
    "partly": (2,),
    "cloudy": (3,),
    "fog": (45, 48),
    "drizzle": range(51, 58),
    "rain": (61, 63, 66),
    "heavy_rain": (65, 67, 82),
    "showers": (80, 81),
    "snow": (71, 73, 77, 85),
    "heavy_snow": (75, 86),
    "storm": range(95, 100),
}
_SKY = {
    "clear": {"en": "clear sky", "fr": "ciel dégagé", "ja": "快晴"},
    "mostly_clear": {"en": "mostly clear", "fr": "ciel plutôt dégagé", "ja": "晴れ"},
    "partly": {"en": "partly cloudy", "fr": "quelques nuages", "ja": "晴れ時々くもり"},
    "cloudy": {"en": "cloudy", "fr": "ciel couvert", "ja": "くもり"},
    "fog": {"en": "fog", "fr": "du brouillard", "ja": "霧"},
    "drizzle": {"en": "drizzle", "fr": "de la bruine", "ja": "霧雨"},
    "rain": {"en": "rain", "fr": "de la pluie", "ja": "雨"},
    "heavy_rain": {"en": "heavy rain", "fr": "de fortes pluies", "ja": "大雨"},
    "showers": {"en": "showers", "fr": "des averses", "ja": "にわか雨"},
    "snow": {"en": "snow", "fr": "de la neige", "ja": "雪"},
    "heavy_snow": {"en": "heavy snow", "fr": "de fortes chutes de neige", "ja": "大雪"},
    "storm": {"en": "thunderstorms", "fr": "des orages", "ja": "雷雨"},
}
_NOW_IN = {
    "en": "Right now in {place}: {weather}.",
    "fr": "En ce moment, pour {place} : {weather}.",
    "ja": "{place}は今、{weather}です。",
}
_THEN_IN = {
    "en": "{label} in {place}: {weather}.",
    "fr": "Météo pour {place}, {label} : {weather}.",
    "ja": "{label}の{place}は、{weather}です。",
}
_ALSO = {"en": "{label}: {weather}.", "fr": "{label} : {weather}.", "ja": "{label}は、{weather}です。"}
_ONE = {"en": "{} degrees", "fr": "{} degrés", "ja": "{}度"}
_SINGLE = {"en": "{} degree", "fr": "{} degré", "ja": "{}度"}
_BETWEEN = {
    "en": "between {low} and {high} degrees",
    "fr": "entre {low} et {high} degrés",
    "ja": "最低{low}度、最高{high}度",
}
_RAIN = {
    "en": "{} percent chance of rain or snow",
    "fr": "{} pour cent de risque de précipitations",
    "ja": "降水確率{}パーセント",
}
_WIND = {
    "metric": {
        "en": "wind of {} kilometers an hour",
        "fr": "vent à {} kilomètres-heure",
        "ja": "風速は時速{}キロ",
    },
    "imperial": {"en": "wind of {} miles an hour", "fr": "vent à {} miles par heure", "ja": "風速は時速{}マイル"},
}
_LATER = {
    "en": "After that, between {low} and {high} degrees.",
    "fr": "Ensuite, entre {low} et {high} degrés.",
    "ja": "その後は{low}度から{high}度の間です。",
}
_NEAR = (
    {"en": "today", "fr": "aujourd'hui", "ja": "今日"},
    {"en": "tomorrow", "fr": "demain", "ja": "明日"},
    {"en": "the day after tomorrow", "fr": "après-demain", "ja": "あさって"},
)
_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "ja": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
}
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
           "décembre"),
    "ja": tuple(f"{n}月" for n in range(1, 13)),
}  # fmt: skip
_DATED = {"en": "on {d}, {month} {day}", "fr": "le {d} {day} {month}", "ja": "{month}{day}日{d}"}
_OLD = {
    "en": "I cannot reach the weather service; this is a forecast from {ago}. ",
    "fr": "Je n'arrive pas à joindre le service météo ; voici des prévisions reçues {ago}. ",
    "ja": "天気サービスにつながらないので、{ago}の予報をお伝えします。",
}
_SERVICE = {"en": "the weather service", "fr": "le service météo", "ja": "天気サービス"}
_AT_HOME = {"en": "your area", "fr": "votre région", "ja": "お住まいの地域"}
_WHERE = {
    "en": "For which place?",
    "fr": "Pour quelle ville ?",
    "ja": "どこの天気ですか？",
}
_UNKNOWN = {
    "en": "I do not know a place called {place}.",
    "fr": "Je ne connais aucun endroit appelé {place}.",
    "ja": "{place}という場所は見つかりませんでした。",
}
_FAR = {
    "en": "I have no forecast for that time; it reaches about two weeks ahead.",
    "fr": "Je n'ai pas de prévisions pour ce moment-là ; elles vont jusqu'à deux semaines environ.",
    "ja": "その時の予報はありません。予報は2週間ほど先までです。",
}
