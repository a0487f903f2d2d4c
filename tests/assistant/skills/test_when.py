"""When is meant: three languages, relative to a Saturday in November at ten in Paris."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slipway_assistant.when import Direction, When, length, lengths, parse

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 21, 10, 0, tzinfo=PARIS)

AT = {
    "en": {
        "nine": "2026-11-21 21:00",
        "nine am": "2026-11-22 09:00",
        "half past six": "2026-11-21 18:30",
        "quarter to nine": "2026-11-21 20:45",
        "twenty five past seven": "2026-11-21 19:25",
        "seven thirty am": "2026-11-22 07:30",
        "five hundred and thirty": "2026-11-21 17:30",
        "6 oh 5": "2026-11-21 18:05",
        "07:30": "2026-11-22 07:30",
        "noon": "2026-11-21 12:00",
        "midnight": "2026-11-22 00:00",
        "tomorrow at nine": "2026-11-22 09:00",
        "tomorrow at five": "2026-11-22 17:00",
        "six am tomorrow morning": "2026-11-22 06:00",
        "eight pm wednesday evening": "2026-11-25 20:00",
        "sunday morning at ten": "2026-11-22 10:00",
        "friday at noon": "2026-11-27 12:00",
        "march 5th at 3 pm": "2027-03-05 15:00",
        "the 24th of december at six in the evening": "2026-12-24 18:00",
        "october 5 10 am": "2027-10-05 10:00",
        "in five minutes": "2026-11-21 10:05",
        "five minutes from now": "2026-11-21 10:05",
        "in an hour and a half": "2026-11-21 11:30",
        "half an hour": "2026-11-21 10:30",
        "in two days at 4 pm": "2026-11-23 16:00",
    },
    "fr": {
        "demain à 7 heures et demie": "2026-11-22 07:30",
        "à neuf heures": "2026-11-22 09:00",
        "neuf heures moins le quart": "2026-11-22 08:45",
        "ce soir à 8 heures": "2026-11-21 20:00",
        "7 heures du soir": "2026-11-21 19:00",
        "dix-sept heures trente": "2026-11-21 17:30",
        "19h30": "2026-11-21 19:30",
        "midi et demi": "2026-11-21 12:30",
        "minuit": "2026-11-22 00:00",
        "le premier mai à midi": "2027-05-01 12:00",
        "après-demain à 14 h": "2026-11-23 14:00",
        "lundi prochain à 9h": "2026-11-23 09:00",
        "demain à 3 heures": "2026-11-22 15:00",
        "une heure de l'après-midi": "2026-11-21 13:00",
        "dans dix minutes": "2026-11-21 10:10",
        "dans une heure et demie": "2026-11-21 11:30",
        "dans une demi-heure": "2026-11-21 10:30",
    },
    "ja": {
        "明日の朝7時半": "2026-11-22 07:30",
        "5分後": "2026-11-21 10:05",
        "1時間半後": "2026-11-21 11:30",
        "二時間後": "2026-11-21 12:00",
        "午後3時": "2026-11-21 15:00",
        "明日の午前6時": "2026-11-22 06:00",
        "明日の午前7時30分": "2026-11-22 07:30",
        "今日の夜9時": "2026-11-21 21:00",
        "九時十五分前": "2026-11-22 08:45",
        "3月5日の午後2時": "2027-03-05 14:00",
        "正午": "2026-11-21 12:00",
        "7:30": "2026-11-22 07:30",
        "明日の3時": "2026-11-22 15:00",
    },
}
SPANS = {
    "en": {
        "tomorrow": ("2026-11-22 00:00", "2026-11-23 00:00"),
        "next friday evening": ("2026-11-27 19:00", "2026-11-28 00:00"),
        "next saturday": ("2026-11-28 00:00", "2026-11-29 00:00"),
        "this weekend": ("2026-11-21 00:00", "2026-11-23 00:00"),
        "next week": ("2026-11-23 00:00", "2026-11-30 00:00"),
        "next month": ("2026-12-01 00:00", "2027-01-01 00:00"),
        "march": ("2027-03-01 00:00", "2027-04-01 00:00"),
        "on the 5th": ("2026-12-05 00:00", "2026-12-06 00:00"),
        "easter": ("2027-03-28 00:00", "2027-03-29 00:00"),
        "thanksgiving": ("2026-11-26 00:00", "2026-11-27 00:00"),
        "tonight": ("2026-11-21 21:00", "2026-11-22 06:00"),
        "from 3 to 4 pm tomorrow": ("2026-11-22 15:00", "2026-11-22 16:00"),
        "the last friday of the month": ("2026-11-27 00:00", "2026-11-28 00:00"),
        "second monday of next month": ("2026-12-14 00:00", "2026-12-15 00:00"),
        "first sunday in march": ("2027-03-07 00:00", "2027-03-08 00:00"),
        "second march": ("2027-03-02 00:00", "2027-03-03 00:00"),
        "next winter": ("2026-12-01 00:00", "2027-03-01 00:00"),
        "the next three days": ("2026-11-21 10:00", "2026-11-24 10:00"),
        "in two and a half weeks": ("2026-12-08 00:00", "2026-12-09 00:00"),
        "dinner": ("2026-11-21 19:00", "2026-11-21 23:00"),
        "four to six": ("2026-11-21 16:00", "2026-11-21 18:00"),
        "february 29th": ("2028-02-29 00:00", "2028-03-01 00:00"),
    },
    "fr": {
        "vendredi soir": ("2026-11-27 19:00", "2026-11-28 00:00"),
        "la semaine prochaine": ("2026-11-23 00:00", "2026-11-30 00:00"),
        "noël": ("2026-12-25 00:00", "2026-12-26 00:00"),
        "le dernier vendredi du mois": ("2026-11-27 00:00", "2026-11-28 00:00"),
        "le premier lundi de mars": ("2027-03-01 00:00", "2027-03-02 00:00"),
        "le 3": ("2026-12-03 00:00", "2026-12-04 00:00"),
        "de 14h à 16h": ("2026-11-21 14:00", "2026-11-21 16:00"),
    },
    "ja": {
        "来週の月曜日": ("2026-11-23 00:00", "2026-11-24 00:00"),
        "来月の第2月曜日": ("2026-12-14 00:00", "2026-12-15 00:00"),
        "今週末": ("2026-11-21 00:00", "2026-11-23 00:00"),
        "三日後": ("2026-11-24 00:00", "2026-11-25 00:00"),
        "5日": ("2026-12-05 00:00", "2026-12-06 00:00"),
        "土曜日の夕方": ("2026-11-21 19:00", "2026-11-22 00:00"),
    },
}
RULES = {
    ("en", "five am seven days a week"): ("2026-11-22 05:00", "FREQ=DAILY"),
    ("en", "every weekday at 6:30 am"): ("2026-11-23 06:30", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    ("en", "every monday and thursday at 8 pm"): ("2026-11-23 20:00", "FREQ=WEEKLY;BYDAY=MO,TH"),
    ("en", "every other day at 5 pm"): ("2026-11-21 17:00", "FREQ=DAILY;INTERVAL=2"),
    ("fr", "tous les lundis à 18 heures"): ("2026-11-23 18:00", "FREQ=WEEKLY;BYDAY=MO"),
    ("fr", "tous les jours à 7h30"): ("2026-11-22 07:30", "FREQ=DAILY"),
    ("ja", "毎週月曜日の8時"): ("2026-11-23 08:00", "FREQ=WEEKLY;BYDAY=MO"),
    ("ja", "毎朝7時"): ("2026-11-22 07:00", "FREQ=DAILY"),
    ("ja", "平日の7時半"): ("2026-11-23 07:30", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
}


def understood(text: str, lang: str, now: datetime = NOW, **how: bool) -> When:
    found = parse(text, lang, now, **how)  # type: ignore[arg-type]
    assert found is not None, text
    return found


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=PARIS)


@pytest.mark.parametrize(
    ("lang", "text", "at"), [(lang, text, at) for lang, of in AT.items() for text, at in of.items()]
)
def test_a_time_is_understood(lang: str, text: str, at: str) -> None:
    found = understood(text, lang)
    assert (found.at, found.timed) == (local(at), True)


@pytest.mark.parametrize(
    ("lang", "text", "span"), [(lang, text, span) for lang, of in SPANS.items() for text, span in of.items()]
)
def test_a_stretch_of_time_is_understood(lang: str, text: str, span: tuple[str, str]) -> None:
    found = understood(text, lang)
    assert (found.at, found.until) == (local(span[0]), local(span[1]))


@pytest.mark.parametrize(("said", "means"), RULES.items())
def test_a_recurrence_is_understood(said: tuple[str, str], means: tuple[str, str]) -> None:
    found = understood(said[1], said[0])
    assert (found.at, found.rule) == (local(means[0]), means[1])


@pytest.mark.parametrize(
    "text", ["", "soon", "the usual", "3 eggs", "the day of reckoning 3", "groundhog day", "25:61"]
)
def test_what_says_no_time_is_none(text: str) -> None:
    assert parse(text, "en", NOW) is None


def test_an_alarm_means_the_morning() -> None:
    assert understood("tomorrow at five", "en", waking=True).at == local("2026-11-22 05:00")
    assert understood("5時", "ja", waking=True).at == local("2026-11-22 05:00")
    assert understood("nine", "en", waking=True).at == local("2026-11-21 21:00")
    assert understood("nine", "en", local("2026-11-21 22:00"), waking=True).at == local("2026-11-22 09:00")


def test_what_is_over_is_not_in_the_future() -> None:
    for text in ("today at 9 am", "yesterday", "2 hours ago", "tenth of march two thousand seventeen"):
        assert parse(text, "en", NOW) is None, text
        assert parse(text, "en", NOW, direction="past") is not None, text


def test_an_hour_of_the_clock_is_an_hour_in_the_night_when_clocks_change() -> None:
    eve = datetime(2026, 3, 28, 23, 0, tzinfo=PARIS)  # clocks go from 2:00 to 3:00 that night
    assert understood("in four hours", "en", eve).at.hour == 4
    assert understood("at half past two am", "en", eve).at.strftime("%H:%M") == "03:30"


def test_lengths_are_told_apart() -> None:
    assert length("an hour and a half", "en") == timedelta(minutes=90)
    assert length("trois quarts d'heure", "fr") == timedelta(minutes=45)
    assert length("1時間半", "ja") == timedelta(minutes=90)
    assert length("soon", "en") is None
    said = lengths("add 5 minutes to the 1 hour 20 minute timer", "en")
    assert said == [timedelta(minutes=5), timedelta(minutes=80)]


WORDS = (
    "next last every in at on the half past to 9 25 seven friday march morning pm weeks ago noon tomorrow 2026 of 31"
)
WORDS += " dans le prochain heures et demie lundi mai tous les de à soir 明日 の 朝 7時 半 後 5分 来週"
WORDS += " 月曜日 毎日 午後 日 前 から まで"
sentences = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(WORDS.split()), max_size=8).map(" ".join),
    st.text("0123456789:/. ", max_size=20),
)
moments = st.integers(631_152_000, 3_786_912_000).map(lambda at_s: datetime.fromtimestamp(at_s, PARIS))


@given(
    sentences, st.sampled_from(["en", "fr", "ja"]), moments, st.sampled_from(["future", "past", "any"]), st.booleans()
)
@example("in 99999999999 days", "en", NOW, "future", False)
@example("0時0分前", "ja", NOW, "past", True)
@example("february 30th", "en", NOW, "any", False)
@example("every 31st of month 25 o'clock", "en", NOW, "future", False)
def test_it_never_raises_and_keeps_to_the_direction(
    text: str, lang: str, now: datetime, direction: Direction, waking: bool
) -> None:
    found = parse(text, lang, now, direction=direction, waking=waking)
    lengths(text, lang)
    if found is None:
        return
    assert found.at.tzinfo is not None
    assert found.until.timestamp() >= found.at.timestamp()
    if direction == "future":
        assert found.until.timestamp() > now.timestamp()
    if direction == "past":
        assert found.at.timestamp() <= now.timestamp()
