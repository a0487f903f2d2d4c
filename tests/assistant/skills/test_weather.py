"""Weather: the asked time and place in three languages, from a server that answers as Open-Meteo does, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slipway_assistant.backends import net
from slipway_assistant.settings import Settings
from web_here import Listener, WebHere

FIRST = date(2026, 11, 21)  # a Saturday
PLACES = {
    "boston": [("Boston", "United States", "Massachusetts", 42.36, -71.06),
               ("Boston", "United Kingdom", "England", 52.97, -0.02)],
    "東京": [("東京", "日本", "東京都", 35.69, 139.69)],
    "lyon": [("Lyon", "France", "Auvergne-Rhône-Alpes", 45.75, 4.85)],
    "utah": [("Utah", "United States", "Utah", 39.25, -111.75)],
}  # fmt: skip


def search(request: web.Request) -> dict[str, Any]:
    """As the geocoding API: results only where there are any."""
    found = PLACES.get(request.query["name"].lower(), [])
    results = [
        {"id": 1, "name": name, "latitude": north, "longitude": east, "country": country, "admin1": region}
        for name, country, region, north, east in found
    ]
    return {"generationtime_ms": 0.5, **({"results": results} if results else {})}


def forecast(request: web.Request) -> dict[str, Any]:
    """Sixteen days: day n has n to n + 10 degrees; tomorrow it rains; every hour has its number as degrees."""
    days = [FIRST + timedelta(days=n) for n in range(16)]
    hours = [f"{day}T{hour:02}:00" for day in days for hour in range(24)]
    return {
        "latitude": float(request.query["latitude"]), "longitude": float(request.query["longitude"]),
        "generationtime_ms": 0.2, "utc_offset_seconds": 3600, "timezone": "Europe/Paris", "timezone_abbreviation": "GMT+1",
        "elevation": 12.0, "current_units": {"temperature_2m": "°C"},
        "current": {"time": f"{FIRST}T10:00", "interval": 900, "temperature_2m": 7.6, "apparent_temperature": 5.0,
                    "weather_code": 2, "wind_speed_10m": 12.0},
        "hourly": {"time": hours, "temperature_2m": [float(hour[11:13]) for hour in hours], "weather_code": [3] * len(hours),
                   "precipitation_probability": [None] * len(hours), "wind_speed_10m": [5.0] * len(hours)},
        "daily": {"time": [str(day) for day in days], "temperature_2m_min": [float(n) for n in range(16)],
                  "temperature_2m_max": [n + 10.0 for n in range(16)], "weather_code": [1, 63, 95] + [0] * 13,
                  "precipitation_probability_max": [10, 80, 20] + [0] * 13, "wind_speed_10m_max": [20.0, 55.0] + [10.0] * 14},
    }  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[WebHere]:
    with WebHere({}) as running:
        yield running


@pytest.fixture
def here(server: WebHere, monkeypatch: pytest.MonkeyPatch) -> WebHere:
    monkeypatch.setattr(net, "TIMEOUT_S", 120.0)
    server.handlers = {"GET /v1/forecast": forecast, "GET /v1/search": search}
    server.asked.clear()
    return server


@pytest.fixture
def listener(tmp_path: Path, here: WebHere) -> Listener:
    someone = Listener(tmp_path / "kept")
    someone.settings = Settings(timezone="Europe/Paris", weather_url=here.url + "/v1/forecast", place="Lyon")
    return someone


@pytest.mark.parametrize(
    ("lang", "location", "when", "said"),
    [
        ("en", "", "", "Right now in Lyon: partly cloudy, 8 degrees."),
        ("en", "Boston", "now", "Right now in Boston: partly cloudy, 8 degrees."),
        ("fr", "", "maintenant", "En ce moment, pour Lyon : quelques nuages, 8 degrés."),
        ("ja", "東京", "今", "東京は今、晴れ時々くもり、8度です。"),
        ("en", "Boston", "today", "Today in Boston: mostly clear, between 0 and 10 degrees."),
        ("en", "Boston", "tomorrow", "Tomorrow in Boston: rain, between 1 and 11 degrees, 80 percent chance of rain or snow, "
                                     "wind of 55 kilometers an hour."),
        ("fr", "Lyon", "demain", "Météo pour Lyon, demain : de la pluie, entre 1 et 11 degrés, 80 pour cent de risque de "
                                 "précipitations, vent à 55 kilomètres-heure."),
        ("ja", "東京", "明日", "明日の東京は、雨、最低1度、最高11度、降水確率80パーセント、風速は時速55キロです。"),
        ("en", "Boston", "tomorrow at six pm", "Tomorrow at 6 PM in Boston: cloudy, 18 degrees."),
        ("fr", "Lyon", "demain à 8 heures", "Météo pour Lyon, demain à 8 heures : ciel couvert, 8 degrés."),
        ("en", "Boston", "in three hours", "Today at 1 PM in Boston: cloudy, 13 degrees."),
        ("en", "Boston", "tomorrow at one am", "Tomorrow at 1 AM in Boston: cloudy, 1 degree."),
        ("en", "Boston", "one minute from now", "Right now in Boston: partly cloudy, 8 degrees."),
        ("en", "Boston", "on friday", "On Friday in Boston: clear sky, between 6 and 16 degrees."),
    ],
)  # fmt: skip
def test_the_weather_of_the_asked_time_and_place(
    listener: Listener, lang: str, location: str, when: str, said: str
) -> None:
    answer = listener.asks("weather.get", lang=lang, location=location, when=when)
    assert (answer.text, answer.ok) == (said, True)


def test_several_days_are_said_one_by_one(listener: Listener) -> None:
    answer = listener.asks("weather.get", when="this weekend")
    assert answer.data["days"] == ["2026-11-21", "2026-11-22"]
    assert answer.text.startswith("Today in Lyon: mostly clear, between 0 and 10 degrees. Tomorrow: rain,")
    week = listener.asks("weather.get", when="next week")
    assert len(week.data["days"]) == 7
    assert week.text.endswith("After that, between 5 and 18 degrees.")


def test_a_place_in_a_region_is_that_one(listener: Listener, here: WebHere) -> None:
    listener.asks("weather.get", location="Boston, England")
    assert "latitude=52.97" in here.asked[-1]
    listener.asks("weather.get", location="boston massachusetts")
    assert "latitude=42.36" in here.asked[-1]
    assert listener.asks("weather.get", location="UT").text.startswith("Right now in Utah:")


def test_home_is_asked_by_its_coordinates_and_units(listener: Listener, here: WebHere) -> None:
    listener.settings = Settings(weather_url=here.url + "/v1/forecast", latitude=48.5, longitude=2.25, units="imperial")
    assert listener.asks("weather.get", location="here").text.startswith("Right now in your area:")
    assert len(here.asked) == 1
    assert "latitude=48.5000&longitude=2.2500" in here.asked[0]
    assert "temperature_unit=fahrenheit" in here.asked[0]


def test_without_a_place_it_is_asked_for(listener: Listener, here: WebHere) -> None:
    listener.settings = Settings(weather_url=here.url + "/v1/forecast")
    answer = listener.asks("weather.get", lang="fr")
    assert (answer.ask, answer.text, answer.ok) == ("location", "Pour quelle ville ?", False)


def test_an_unknown_place_and_a_far_day_are_said(listener: Listener) -> None:
    answer = listener.asks("weather.get", lang="fr", location="Zzyzx")
    assert (answer.text, answer.ok) == ("Je ne connais aucun endroit appelé Zzyzx.", False)
    for when in ("in six weeks", "three months from now"):
        answer = listener.asks("weather.get", when=when)
        assert (answer.text, answer.ok) == (
            "I have no forecast for that time; it reaches about two weeks ahead.",
            False,
        )


def test_a_forecast_is_asked_once_in_half_an_hour(listener: Listener, here: WebHere) -> None:
    listener.asks("weather.get", when="tomorrow")
    asked = len(here.asked)
    listener.later(minutes=20)
    listener.asks("weather.get", when="on monday")
    assert len(here.asked) == asked
    listener.later(minutes=20)
    listener.asks("weather.get", when="tomorrow")
    assert len(here.asked) == asked + 1


def broken(request: web.Request) -> Any:
    return web.Response(status=503)


def test_without_the_service_the_last_forecast_is_said_with_its_age(listener: Listener, here: WebHere) -> None:
    listener.asks("weather.get", when="tomorrow")
    here.handlers["GET /v1/forecast"] = broken
    listener.later(hours=3)
    for lang, when, said in (
        (
            "en",
            "tomorrow",
            "I cannot reach the weather service; this is a forecast from 3 hours ago. Tomorrow in Lyon: rain,",
        ),
        (
            "fr",
            "demain",
            "Je n'arrive pas à joindre le service météo ; voici des prévisions reçues il y a 3 heures. Météo",
        ),
        (
            "en",
            "",
            "I cannot reach the weather service; this is a forecast from 3 hours ago. Right now in Lyon: cloudy, 13 deg",
        ),
    ):
        answer = listener.asks("weather.get", lang=lang, when=when)
        assert answer.text.startswith(said)
        assert answer.data["stale"] is True
    listener.later(days=20)
    assert not listener.asks("weather.get", when="tomorrow").ok


@pytest.mark.parametrize(
    "said",
    [
        b"<html>hello</html>", b"[]", b'{"hourly": 3}', b'{"hourly": {"time": []}, "daily": {"time": [3]}}', b"null",
        b'{"hourly": {"time": []}, "daily": {"time": []}, "utc_offset_seconds": 1e400}', b"[" * 50_000,
    ],
)  # fmt: skip
def test_garbage_is_an_answer_that_cannot_be_used(listener: Listener, here: WebHere, said: bytes) -> None:
    here.handlers["GET /v1/forecast"] = lambda request: said
    answer = listener.asks("weather.get", when="tomorrow")
    assert (answer.text, answer.ok) == ("Sorry, the weather service gave an answer that I cannot use.", False)


@pytest.mark.parametrize(
    "place",
    [[], [3], [{"name": "x", "latitude": "north", "longitude": 3}], {"a": 1}, [{"latitude": 1e9, "longitude": 2}]],
)
def test_garbage_for_a_place_is_no_place(listener: Listener, here: WebHere, place: Any) -> None:
    here.handlers["GET /v1/search"] = lambda request: {"results": place}
    assert listener.asks("weather.get", location="Nowhere").text == "I do not know a place called Nowhere."


def test_values_that_are_missing_are_left_out(listener: Listener, here: WebHere) -> None:
    def sparse(request: web.Request) -> dict[str, Any]:
        told = forecast(request)
        told["daily"] |= {
            "weather_code": [None] * 16,
            "precipitation_probability_max": [],
            "wind_speed_10m_max": [1e300] * 16,
        }
        return told

    here.handlers["GET /v1/forecast"] = sparse
    assert listener.asks("weather.get", when="tomorrow").text == "Tomorrow in Lyon: between 1 and 11 degrees."


def test_a_place_that_is_asked_for_often_is_home(listener: Listener, here: WebHere) -> None:
    for _ in range(3):
        listener.asks("weather.get", location="Boston")
    listener.settings = Settings(weather_url=here.url + "/v1/forecast")
    assert listener.asks("weather.get").text.startswith("Right now in Boston:")
