"""Weather from Open-Meteo, or from any server that speaks its API; the last forecast of a place is kept for offline hours.

    service = Weather(settings.weather_url, folder / "weather", units="metric")
    place = service.place("Boston", "en", now)
    forecast = service.forecast(place, now)

The search for places is asked at the same server as the forecast, at /v1/search, or at Open-Meteo's own for Open-Meteo's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from slipway_assistant.backends.kept import Found, Kept
from slipway_assistant.backends.net import NetError, fetch_json, origin
from slipway_assistant.backends.words import fold

FRESH = timedelta(minutes=30)
DAYS = 16
SEARCH = "https://geocoding-api.open-meteo.com/v1/search"

Numbers = list[float | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A place by its name, as it is said aloud, and where it is."""

    name: str
    latitude: float
    longitude: float


class Current(msgspec.Struct):
    """What it is like now."""

    temperature_2m: float | None = None
    apparent_temperature: float | None = None
    weather_code: float | None = None
    wind_speed_10m: float | None = None


class Hourly(msgspec.Struct):
    """Hour by hour: lists of equal length, in the local time of the place."""

    time: list[str]
    temperature_2m: Numbers = []
    weather_code: Numbers = []
    precipitation_probability: Numbers = []
    wind_speed_10m: Numbers = []


class Daily(msgspec.Struct):
    """Day by day."""

    time: list[str]
    temperature_2m_max: Numbers = []
    temperature_2m_min: Numbers = []
    weather_code: Numbers = []
    precipitation_probability_max: Numbers = []
    wind_speed_10m_max: Numbers = []


class _Answered(msgspec.Struct):
    hourly: Hourly
    daily: Daily
    current: Current = msgspec.field(default_factory=Current)
    utc_offset_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Moment:
    """The weather of an hour or a day; a value that is not known is None. For an hour, `low` and `high` are the same."""

    low: float | None
    high: float | None
    code: int | None
    rain_percent: int | None
    wind: float | None
    feels: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is known of a place's weather, and when it was asked."""

    place: Place
    at: datetime
    stale: bool
    told: _Answered

    @property
    def zone(self) -> timezone:
        """The place's distance from UTC."""
        return timezone(timedelta(seconds=max(-86_399, min(86_399, self.told.utc_offset_seconds))))

    def now(self) -> Moment | None:
        """The weather when it was asked."""
        told = self.told.current
        if told.temperature_2m is None:
            return None
        return Moment(told.temperature_2m, told.temperature_2m, _code(told.weather_code), None, told.wind_speed_10m,
                      told.apparent_temperature)  # fmt: skip

    def hour(self, at: datetime) -> Moment | None:
        """The weather of the hour that `at` (in any zone) is in; None when the forecast does not reach it."""
        hourly = self.told.hourly
        try:
            i = hourly.time.index(at.astimezone(self.zone).strftime("%Y-%m-%dT%H:00"))
        except ValueError:
            return None
        degrees = _at(hourly.temperature_2m, i)
        rain = _whole(_at(hourly.precipitation_probability, i))
        return Moment(degrees, degrees, _code(_at(hourly.weather_code, i)), rain, _at(hourly.wind_speed_10m, i))

    def day(self, day: date) -> Moment | None:
        """The weather of a day; None when the forecast does not reach it."""
        daily = self.told.daily
        try:
            i = daily.time.index(day.isoformat())
        except ValueError:
            return None
        return Moment(
            _at(daily.temperature_2m_min, i),
            _at(daily.temperature_2m_max, i),
            _code(_at(daily.weather_code, i)),
            _whole(_at(daily.precipitation_probability_max, i)),
            _at(daily.wind_speed_10m_max, i),
        )


class Weather:
    """The service at `url`, with what it said before in `folder`."""

    def __init__(self, url: str, folder: Path, *, units: str = "metric") -> None:
        self._url = url
        self._units = units
        self._places = Kept(folder / "places")
        self._forecasts = Kept(folder / "forecasts", most=60)

    def place(self, said: str, lang: str, now: datetime) -> Place | None:
        """The place of that name, None when there is none. Raises NetError when it is not known yet and nobody answers."""
        said = " ".join(said.split())[:100]
        key = f"{lang} {fold(said)}"
        kept = self._places.get(key)
        if kept is not None:
            return _kept_place(kept)
        for name, region in _readings(STATES.get(said, said)):
            found = _nearest(self._search(name, lang), region)
            if found is not None:
                self._places.put(key, [found.name, found.latitude, found.longitude], now)
                return found
        return None

    def forecast(self, place: Place, now: datetime) -> Forecast:
        """The forecast; the last one, `stale`, where the service cannot be reached. Raises NetError when there is none."""
        key = f"{place.latitude:.2f},{place.longitude:.2f},{self._units}"
        kept = self._forecasts.get(key)
        if kept is not None and kept.age(now) < FRESH:
            told = _read(kept.value)
            if told is not None:
                return Forecast(place, kept.at, False, told)
        try:
            raw = fetch_json(self._url, params=self._params(place))
            told = _read(raw)
            if told is None:
                raise NetError("garbage", "the weather service answered with no forecast")
        except NetError:
            told = _read(kept.value) if kept is not None else None
            if kept is None or told is None:
                raise
            return Forecast(place, kept.at, True, told)
        self._forecasts.put(key, raw, now)
        return Forecast(place, now, False, told)

    def _params(self, place: Place) -> dict[str, str]:
        params = {
            "latitude": f"{place.latitude:.4f}",
            "longitude": f"{place.longitude:.4f}",
            "current": "temperature_2m,apparent_temperature,weather_code,wind_speed_10m",
            "hourly": "temperature_2m,weather_code,precipitation_probability,wind_speed_10m",
            "daily": "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max,wind_speed_10m_max",
            "timezone": "auto",
            "forecast_days": str(DAYS),
        }
        if self._units == "imperial":
            params |= {"temperature_unit": "fahrenheit", "wind_speed_unit": "mph", "precipitation_unit": "inch"}
        return params

    def _search(self, name: str, lang: str) -> list[dict[str, Any]]:
        at_home = urlsplit(self._url).hostname == "api.open-meteo.com"
        url = SEARCH if at_home else origin(self._url) + "/v1/search"
        told = fetch_json(url, params={"name": name, "count": "10", "language": lang, "format": "json"})
        found = told.get("results", []) if isinstance(told, dict) else []
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _readings(said: str) -> list[tuple[str, str]]:
    """(name, region) as it may have been meant: "Paris", then of "Boston Massachusetts" the state as the region."""
    head, comma, tail = said.partition(",")
    if comma:
        return [(head.strip(), STATES.get(tail.strip(), tail.strip()))]
    words = said.split()
    return [(said, "")] + [(" ".join(words[:-n]), " ".join(words[-n:])) for n in (1, 2) if len(words) > n]


def _nearest(found: list[dict[str, Any]], region: str) -> Place | None:
    """The first result, of those in the region when one was said."""
    for one in found:
        names = [str(one.get(key, "")) for key in ("admin1", "admin2", "country", "country_code")]
        if region and fold(region) not in [fold(name) for name in names]:
            continue
        latitude, longitude = one.get("latitude"), one.get("longitude")
        if isinstance(latitude, int | float) and isinstance(longitude, int | float):
            return _placed(str(one.get("name", ""))[:80], float(latitude), float(longitude))
    return None


def _placed(name: str, latitude: float, longitude: float) -> Place | None:
    return Place(name, latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _kept_place(kept: Found) -> Place | None:
    try:
        name, latitude, longitude = msgspec.convert(kept.value, tuple[str, float, float])
    except msgspec.ValidationError:
        return None
    return _placed(name, latitude, longitude)


def _read(raw: Any) -> _Answered | None:
    try:
        return msgspec.convert(raw, _Answered)
    except (msgspec.ValidationError, RecursionError):
        return None


def _at(values: Numbers, i: int) -> float | None:
    return values[i] if i < len(values) and values[i] is not None and abs(values[i] or 0) < 10_000 else None


def _code(value: float | None) -> int | None:
    return int(value) if value is not None and 0 <= value < 100 else None


def _whole(value: float | None) -> int | None:
    return None if value is None else max(0, min(100, round(value)))


STATES = dict(
    re.findall(
        r"(\w\w) ([\w ]+)",
        "AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut,DE Delaware,FL Florida,"
        "GA Georgia,HI Hawaii,ID Idaho,IL Illinois,IN Indiana,IA Iowa,KS Kansas,KY Kentucky,LA Los Angeles,ME Maine,"
        "MD Maryland,MA Massachusetts,MI Michigan,MN Minnesota,MS Mississippi,MO Missouri,MT Montana,NE Nebraska,"
        "NV Nevada,NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,NC North Carolina,ND North Dakota,OH Ohio,"
        "OK Oklahoma,OR Oregon,PA Pennsylvania,RI Rhode Island,SC South Carolina,SD South Dakota,TN Tennessee,TX Texas,"
        "UT Utah,VT Vermont,VA Virginia,WA Washington,WV West Virginia,WI Wisconsin,WY Wyoming,DC Washington",
    )
)
"""What two capital letters mean where the weather is asked for. LA is rather the city than Louisiana."""
