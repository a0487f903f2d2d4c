"""The time and the date, here and elsewhere, without a network."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant_person import Person
from slipway_assistant.places import _lines, find


@pytest.mark.parametrize(
    ("lang", "arguments", "said"),
    [
        ("en", {"field": "time"}, "It is 10 am."),
        ("fr", {"field": "time"}, "Il est 10 heures."),
        ("ja", {"field": "time"}, "午前10時です。"),
        ("en", {"field": "date"}, "It is Saturday, November 21, 2026."),
        ("fr", {"field": "date"}, "Nous sommes le samedi 21 novembre 2026."),
        ("ja", {"field": "date"}, "今日は2026年11月21日土曜日です。"),
        ("en", {"field": "time", "location": "this city"}, "It is 10 am."),
        ("en", {"field": "date", "when": "last friday of the month"}, "That is Friday, November 27, 2026."),
        ("en", {"field": "time", "location": "boston"}, "In boston it is 4 am."),
        ("en", {"field": "time", "location": "phoenix az"}, "In phoenix az it is 2 am."),
        ("en", {"field": "time", "location": "india"}, "In india it is 2:30 pm."),
        ("en", {"field": "time", "location": "honolulu"}, "In Honolulu it is yesterday at 11 pm."),
        ("fr", {"field": "time", "location": "londres"}, "À Londres, il est 9 heures."),
        ("ja", {"field": "time", "location": "ニューヨーク"}, "ニューヨークは午前4時です。"),
        ("en", {"field": "time", "location": "narnia"}, "I do not know the time in narnia."),
        ("en", {"field": "date", "when": "easter"}, "That is Sunday, March 28, 2027."),
        ("en", {"field": "date", "when": "june twenty seventh"}, "That is Sunday, June 27, 2027."),
        ("fr", {"field": "date", "when": "noël"}, "C'est le vendredi 25 décembre 2026."),
        ("ja", {"field": "date", "when": "来週の月曜日"}, "2026年11月23日月曜日です。"),
        ("en", {"field": "date", "when": "gibberish"}, "I do not know which day you mean."),
    ],
)
def test_time_and_date_are_told(person: Person, lang: str, arguments: dict[str, str], said: str) -> None:
    assert person.asks("datetime.get", lang=lang, **arguments).text == said


@pytest.mark.parametrize(
    ("lang", "heard", "when", "said"),
    [
        ("en", "how many days until christmas", "christmas", "34 days, until Friday, December 25, 2026."),
        ("en", "how many days until tomorrow", "tomorrow", "That is tomorrow, Sunday, November 22, 2026."),
        ("fr", "combien de jours avant noël", "noël", "Dans 34 jours, le vendredi 25 décembre 2026."),
        ("ja", "クリスマスまであと何日", "クリスマス", "あと34日で、2026年12月25日金曜日です。"),
    ],
)
def test_the_days_until_a_day_are_counted(person: Person, lang: str, heard: str, when: str, said: str) -> None:
    assert person.asks("datetime.get", heard, lang=lang, field="date", when=when).text == said


def test_every_place_has_its_zone() -> None:
    for zone, said, names in _lines():
        assert len(said) == 3, zone
        assert ZoneInfo(zone)
        for name in names:
            place = find(name, "en")
            assert place is not None, name


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("le Japon", "Asia/Tokyo"),
        ("Genève", "Europe/Zurich"),
        ("états-unis", "America/New_York"),
        ("Paris en France", "Europe/Paris"),
        ("東京の", "Asia/Tokyo"),
        ("San Francisco, California", "America/Los_Angeles"),
        ("côte d'ivoire", "Africa/Abidjan"),
        ("Kuala Lumpur", "Asia/Kuala_Lumpur"),
        ("boise", "America/Boise"),
        ("los angels", "America/Los_Angeles"),
        ("タイ", "Asia/Bangkok"),
    ],
)
def test_places_are_found_in_three_languages(name: str, zone: str) -> None:
    place = find(name, "fr")
    assert place is not None
    assert place.zone.key == zone


@given(st.text(max_size=30))
def test_any_text_is_a_place_or_none(name: str) -> None:
    place = find(name, "en")
    assert place is None or place.name
