"""The calendar: a real iCalendar file, recurrences, time zones, reminders that ring, and a yes before many things go."""

from __future__ import annotations

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import icalendar
import pytest

from assistant_person import PARIS, Person
from slipway_assistant.diary import Diary
from slipway_assistant.ringing import Ringer


def add(person: Person, title: str, when: str, lang: str = "en") -> str:
    answer = person.asks("calendar.edit", lang=lang, action="add", title=title, when=when)
    assert answer.ok, answer
    return answer.text


@pytest.mark.parametrize(
    ("lang", "title", "when", "said"),
    [
        ("en", "dentist", "tomorrow at three", "I noted dentist tomorrow at 3 pm."),
        ("en", "holiday", "on december 24th", "I noted holiday on Thursday, December 24."),
        ("en", "swimming", "every monday at 6 pm", "I noted swimming every Monday, starting on Monday at 6 pm."),
        ("en", "dinner with mom", "next friday evening", "I noted dinner with mom on Friday at 7 pm."),
        ("fr", "dentiste", "demain à 15 heures", "C'est noté : dentiste, demain à 15 heures."),
        ("ja", "家賃", "明日", "明日の予定に「家賃」を入れました。"),
        ("ja", "歯医者", "明日の午後3時", "明日の午後3時に「歯医者」を入れました。"),
    ],
)
def test_an_entry_is_noted(person: Person, lang: str, title: str, when: str, said: str) -> None:
    assert add(person, title, when, lang) == said


def test_what_is_missing_is_asked_for(person: Person) -> None:
    assert person.asks("calendar.edit", action="add", when="tomorrow").ask == "title"
    assert person.asks("calendar.edit", action="add", title="dentist").ask == "when"
    assert person.asks("calendar.edit", action="add", title="dentist", when="next month").text == "On which day?"
    assert person.asks("calendar.edit", action="add", title="dentist", when="soonish").ask == "when"
    assert person.asks("calendar.edit", action="add", title="dentist", when="yesterday").text == "That is already past."


def test_the_file_is_read_by_other_programs(person: Person) -> None:
    add(person, "swimming", "every monday at 6 pm")
    add(person, "holiday", "on december 24th")
    calendar = icalendar.Calendar.from_ical((person.folder / "calendar.ics").read_bytes())
    swimming, holiday = calendar.events
    assert swimming["DTSTART"].dt == datetime(2026, 11, 23, 18, 0, tzinfo=PARIS)
    assert swimming["DTSTART"].params["TZID"] == "Europe/Paris"
    assert swimming["RRULE"].to_ical() == b"FREQ=WEEKLY;BYDAY=MO"
    assert holiday["DTSTART"].dt.isoformat() == "2026-12-24"
    assert [str(zone["TZID"]) for zone in calendar.timezones] == ["Europe/Paris"]


def test_what_is_on_is_told(person: Person) -> None:
    assert person.asks("calendar.edit", action="show").text == "I found nothing in the calendar."
    add(person, "dentist", "tomorrow at three")
    add(person, "swimming", "every monday at 6 pm")
    add(person, "holiday", "on december 24th")
    assert (
        person.asks("calendar.edit", action="show", when="tomorrow").text
        == "There is one thing: dentist tomorrow at 3 pm."
    )
    assert person.asks("calendar.edit", action="show", when="tuesday").text == "There is nothing on Tuesday."
    said = person.asks("calendar.edit", action="show").text
    assert said == (
        "There are 3 things: dentist tomorrow at 3 pm, swimming on Monday at 6 pm and holiday on Thursday, December 24."
    )
    assert len(person.asks("calendar.edit", action="show", when="december").data["entries"]) == 5
    said = person.asks("calendar.edit", action="show", title="my dentist appointment").text
    assert said == "There is one thing: dentist tomorrow at 3 pm."
    person.now = datetime(2026, 11, 22, 9, 0, tzinfo=ZoneInfo("Asia/Tokyo"))  # travelling
    said = person.asks("calendar.edit", lang="fr", action="show", title="dentist").text
    assert said == "Il y a une chose : dentist aujourd'hui à 23 heures."


def test_one_day_of_a_series_is_left_out(person: Person) -> None:
    add(person, "swimming", "every monday at 6 pm")
    said = person.asks("calendar.edit", action="remove", title="swimming", when="on monday").text
    assert said == "I deleted swimming on Monday at 6 pm."
    assert person.asks("calendar.edit", action="show", when="monday").text == "There is nothing on Monday."
    said = person.asks("calendar.edit", action="show", title="swimming").text
    assert said == "There is one thing: swimming on Monday, November 30 at 6 pm."


def test_many_things_go_after_a_yes(person: Person) -> None:
    assert not person.asks("calendar.edit", action="remove").ok
    add(person, "dentist", "tomorrow at three")
    add(person, "swimming", "every monday at 6 pm")
    asked = person.asks("calendar.edit", action="remove", title="swimming")
    assert (asked.confirm, asked.text) == (True, "swimming comes again and again. Shall I delete all of it?")
    asked = person.asks("calendar.edit", "delete everything", action="remove")
    assert asked.confirm
    assert len(person.asks("calendar.edit", action="show").data["entries"]) == 2
    assert (
        person.asks("calendar.edit", "delete everything", action="remove", confirmed=True).text == "I deleted 2 things."
    )
    assert person.asks("calendar.edit", action="show").data["entries"] == []
    add(person, "dentist", "tomorrow at three")
    assert person.asks("calendar.edit", action="remove", title="appointments").confirm
    asked = person.asks("calendar.edit", "clear my calendar", action="remove")
    assert (asked.confirm, asked.text) == (True, "That is dentist tomorrow at 3 pm. Shall I delete it?")
    assert person.asks("calendar.edit", action="remove", title="dentist").text == "I deleted dentist tomorrow at 3 pm."


def test_the_next_thing_goes_without_the_others(person: Person) -> None:
    add(person, "dentist", "tomorrow at three")
    add(person, "lunch", "tomorrow at noon")
    said = person.asks("calendar.edit", "remove the next event from the calendar", action="remove").text
    assert said == "I deleted lunch tomorrow at noon."


def test_a_reminder_rings_unless_its_entry_is_gone(person: Person) -> None:
    heard: list[str] = []
    ringer = Ringer(person.folder, lambda text, lang: heard.append(text), now=lambda: person.now.timestamp())
    add(person, "check the washing", "in an hour")
    add(person, "call mom", "in two hours")
    add(person, "water the plants", "every day at 1 pm")
    person.later(hours=1)
    ringer.step()
    assert heard == ["Here is your reminder: check the washing."]
    person.asks("calendar.edit", action="remove", title="call mom")
    person.asks("calendar.edit", action="remove", title="water the plants", when="today")
    person.later(hours=2)
    ringer.step()
    assert len(heard) == 1
    person.later(hours=24)
    ringer.step()
    assert heard[1:] == ["Here is your reminder: water the plants."]


def test_a_broken_file_is_left_as_it_is(person: Person) -> None:
    person.folder.mkdir()
    path = person.folder / "calendar.ics"
    path.write_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nnonsense")
    before = path.read_bytes()
    answer = person.asks("calendar.edit", action="add", title="dentist", when="tomorrow at three")
    assert not answer.ok
    assert "no iCalendar file" in answer.data["error"]
    assert path.read_bytes() == before


def test_programs_that_write_at_once_lose_nothing(person: Person) -> None:
    at = datetime(2026, 11, 22, 9, 0, tzinfo=PARIS)

    def write(number: int) -> None:
        Diary(person.folder, PARIS).add(f"entry {number}", at, at)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    titles = {str(event["SUMMARY"]) for event in Diary(person.folder, PARIS)._read().events}
    assert titles == {f"entry {number}" for number in range(8)}
    assert sorted(path.name for path in person.folder.iterdir()) == [".calendar.lock", "calendar.ics"]
