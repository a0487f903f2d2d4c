"""Timers and alarms: set, changed, asked, and rung on time by a clock that the test moves; killed programs lose none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assistant_person import PARIS, Person
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.ringing import Ringer


class Listener:
    """A ringer of the person's folder, at the person's time; `heard` is what it told."""

    def __init__(self, person: Person) -> None:
        self.heard: list[str] = []
        self.person = person
        self.ringer = Ringer(person.folder, self.hear, now=lambda: person.now.timestamp())

    def hear(self, text: str, lang: str) -> None:
        self.heard.append(text)

    def at(self, text: str) -> list[str]:
        """What is heard when the clock is moved to a time."""
        self.person.now = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=PARIS)
        self.heard.clear()
        self.ringer.step()
        return list(self.heard)


@pytest.fixture
def listener(person: Person) -> Listener:
    return Listener(person)


def test_a_timer_rings_when_it_is_done_and_once(person: Person, listener: Listener) -> None:
    assert person.asks("timer.set", minutes=10, name="pasta").text == "pasta timer: 10 minutes, starting now."
    assert listener.ringer.step() == 600
    assert listener.at("2026-11-21 10:09") == []
    assert listener.at("2026-11-21 10:10") == ["Your pasta timer is done."]
    assert listener.at("2026-11-21 10:11") == []
    assert listener.ringer.step() is None


@pytest.mark.parametrize(
    ("lang", "said", "rings"),
    [
        ("en", "1 hour and 30 minutes, starting now.", "Your timer is done."),
        ("fr", "Minuteur de 1 heure et 30 minutes, c'est parti.", "Votre minuteur est terminé."),
        ("ja", "1時間30分のタイマーを始めました。", "タイマーが終わりました。"),
    ],
)
def test_it_is_said_in_each_language(person: Person, listener: Listener, lang: str, said: str, rings: str) -> None:
    assert person.asks("timer.set", lang=lang, minutes=90).text == said
    assert listener.at("2026-11-21 11:30") == [rings]


def test_a_timer_without_a_length_is_asked_for(person: Person) -> None:
    answer = person.asks("timer.set", name="pasta")
    assert (answer.ask, answer.text) == ("minutes", "For how long?")
    assert not person.asks("timer.set", minutes=-3).ok
    assert not person.asks("timer.set", hours=10**12).ok


def test_a_timer_can_be_held_and_changed(person: Person, listener: Listener) -> None:
    person.asks("timer.set", minutes=10)
    person.later(minutes=4)
    assert person.asks("timer.manage", action="pause").text == "The timer of 10 minutes is paused with 6 minutes left."
    assert listener.at("2026-11-21 12:00") == []
    assert person.asks("timer.manage", action="resume").text == "6 minutes left."
    assert person.asks("timer.manage", "add five minutes to the timer", action="add").text == "11 minutes left."
    assert person.asks("timer.manage", "take two minutes off", action="subtract").text == "9 minutes left."
    assert person.asks("timer.manage", "take an hour off", action="subtract").text == "There is only 9 minutes left."
    assert not person.asks("timer.manage", "make it longer", action="add").ok
    assert listener.at("2026-11-21 12:09") == ["Your timer is done."]
    assert person.asks("timer.manage", action="status").text == "There is no timer."


def test_the_timer_that_is_meant(person: Person) -> None:
    person.asks("timer.set", minutes=5)
    person.asks("timer.set", hours=1)
    person.asks("timer.set", minutes=12, name="pizza")
    assert "Which one" in person.asks("timer.manage", "cancel the timer", action="cancel").text
    said = person.asks("timer.manage", "increase my timer for 1 hour by 5 minutes", action="add").text
    assert said == "1 hour and 5 minutes left."
    said = person.asks("timer.manage", "how much time left on pizza timer", action="status").text
    assert said == "12 minutes left on the pizza timer."
    assert person.asks("timer.manage", "cancel 5 minute timer", action="cancel").text.startswith("The timer of 5 min")
    said = person.asks("timer.manage", "combien de temps reste-t-il", lang="fr", action="status").text
    assert (
        said
        == "Il reste 12 minutes au minuteur pizza. Il reste 1 heure et 5 minutes au minuteur de 1 heure et 5 minutes."
    )
    assert person.asks("timer.manage", "stop all the timers", action="cancel").text == "All timers are cancelled."
    assert (
        person.asks("timer.manage", "タイマーは？", lang="ja", action="status").text
        == "動いているタイマーはありません。"
    )


@pytest.mark.parametrize(
    ("lang", "when", "said"),
    [
        ("en", "tomorrow at half past six", "Alarm set for tomorrow at 6:30 am."),
        ("en", "every weekday at 7 am", "Alarm set for 7 am every weekday."),
        ("fr", "demain à 7 heures et demie", "Réveil réglé pour demain à 7 heures 30."),
        ("fr", "tous les lundis à midi", "Réveil réglé pour midi tous les lundis."),
        ("ja", "明日の朝7時半", "明日の午前7時30分にアラームを設定しました。"),
    ],
)
def test_an_alarm_says_when_it_will_ring(person: Person, lang: str, when: str, said: str) -> None:
    assert person.asks("alarm.set", lang=lang, when=when).text == said
    assert person.asks("alarm.set", lang=lang, when=when).text != said  # it is there already
    assert len(Clocks(person.folder).all("alarm")) == 1


def test_an_alarm_without_a_time_is_asked_for(person: Person) -> None:
    assert person.asks("alarm.set").ask == "when"
    assert person.asks("alarm.set", when="tomorrow").text == "At what time then?"
    assert person.asks("alarm.set", when="the usual").ask == "when"
    assert person.asks("alarm.set", when="today at 9 am").text == "That time is already past."


def test_a_repeated_alarm_rings_at_seven_in_winter_and_summer(person: Person, listener: Listener) -> None:
    person.now = datetime(2026, 3, 27, 20, 0, tzinfo=PARIS)  # a Friday; clocks change on Sunday
    person.asks("alarm.set", "wake me every day at seven", when="at seven")
    for day in (28, 29, 30):
        assert listener.at(f"2026-03-{day} 06:59") == []
        assert listener.at(f"2026-03-{day} 07:00") == ["It is 7 am. This is your alarm."]


def test_an_hour_that_is_skipped_moves_an_alarm_for_that_day_only(person: Person, listener: Listener) -> None:
    person.now = datetime(2026, 3, 27, 20, 0, tzinfo=PARIS)
    person.asks("alarm.set", when="every day at 2:30 am")
    assert listener.at("2026-03-28 02:30") == ["It is 2:30 am. This is your alarm."]
    assert listener.at("2026-03-29 03:30") == ["It is 3:30 am. This is your alarm."]
    assert listener.at("2026-03-30 02:30") == ["It is 2:30 am. This is your alarm."]


def test_it_can_be_snoozed(person: Person, listener: Listener) -> None:
    person.asks("alarm.set", when="every weekday at 7 am")
    assert not person.asks("alarm.manage", action="snooze").ok
    assert listener.at("2026-11-23 07:00") == ["It is 7 am. This is your alarm."]
    said = person.asks("alarm.manage", "five more minutes", action="snooze", when="five more minutes").text
    assert said == "I will ring again at 7:05 am."
    assert listener.at("2026-11-23 07:05") == ["It is 7:05 am. This is your alarm."]
    assert person.asks("alarm.manage", "snooze", action="snooze").text == "I will ring again at 7:15 am."
    assert listener.at("2026-11-23 07:15") == ["It is 7:15 am. This is your alarm."]
    assert listener.at("2026-11-24 07:00") == ["It is 7 am. This is your alarm."]


def test_alarms_are_listed_and_cancelled(person: Person) -> None:
    assert person.asks("alarm.manage", action="list").text == "No alarm is set."
    for when in ("tomorrow at 7 am", "tomorrow at 9 am", "every monday at 6 am"):
        person.asks("alarm.set", when=when)
    said = person.asks("alarm.manage", action="list").text
    assert said == "There are 3 alarms: tomorrow at 7 am, tomorrow at 9 am and every Monday at 6 am."
    assert person.asks("alarm.manage", action="list", when="monday").text == "There is one alarm: every Monday at 6 am."
    assert not person.asks("alarm.manage", action="cancel", when="at 5 pm").ok
    assert person.asks("alarm.manage", action="cancel", when="nine").text == "The alarm tomorrow at 9 am is cancelled."
    asked = person.asks("alarm.manage", action="cancel")
    assert asked.confirm
    assert asked.text.endswith("Shall I cancel all 2?")
    assert len(Clocks(person.folder).all("alarm")) == 2
    assert person.asks("alarm.manage", action="cancel", confirmed=True).text == "2 alarms are cancelled."
    assert Clocks(person.folder).all("alarm") == []


def test_what_was_missed_is_told_at_the_start(person: Person) -> None:
    person.asks("timer.set", minutes=10, name="pasta")
    person.asks("alarm.set", when="every day at 11 am")
    person.now = datetime(2026, 11, 22, 9, 0, tzinfo=PARIS)
    told: list[str] = []
    both = threading.Event()

    def hear(text: str, lang: str) -> None:
        told.append(text)
        if len(told) == 2:
            both.set()

    with Ringer(person.folder, hear, now=lambda: person.now.timestamp()):
        assert both.wait(120)
    assert told == [
        "I was off: your pasta timer was done yesterday at 10:10 am.",
        "I was off: your alarm was set for yesterday at 11 am.",
    ]
    assert Clocks(person.folder).all("alarm")[0].at(PARIS) == datetime(2026, 11, 22, 11, 0, tzinfo=PARIS)


SET_AND_HANG = """
import sys, time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo
from slipway_assistant.settings import Settings
from slipway_assistant.skill import Context, run

now = datetime(2026, 11, 21, 10, 0, tzinfo=ZoneInfo("Europe/Paris"))
ctx = Context("en", now, Settings(), Path(sys.argv[1]))
print(run({"name": "timer.set", "arguments": {"minutes": 10, "name": "pasta"}}, ctx).ok, flush=True)
time.sleep(600)
"""


def test_a_killed_program_loses_no_timer(person: Person, listener: Listener) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", SET_AND_HANG, str(person.folder)], stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "True\n"
    finally:
        os.kill(program.pid, signal.SIGKILL)
        program.communicate()
    assert listener.at("2026-11-21 10:10") == ["Your pasta timer is done."]


def test_one_that_was_killed_while_it_told_is_told_again(person: Person) -> None:
    clocks = Clocks(person.folder)
    clocks.add(Clock("timer", "tea", person.now.timestamp(), state="ringing"))
    told = threading.Event()
    with Ringer(person.folder, lambda text, lang: told.set(), now=lambda: person.now.timestamp()):
        assert told.wait(120)


def test_two_programs_ring_once(person: Person) -> None:
    heard: list[str] = []
    person.asks("timer.set", seconds=1)
    person.later(seconds=1)
    seen = Clocks(person.folder).all("timer")[0]  # by both, before either tells
    for _ in range(2):
        ringer = Ringer(person.folder, lambda text, lang: heard.append(text), now=person.now.timestamp)
        ringer._tell(seen, person.now.timestamp())
    assert heard == ["Your timer is done."]


def test_a_loudspeaker_that_fails_stops_no_ringing(person: Person) -> None:
    def broken(text: str, lang: str) -> None:
        raise OSError("no such device")

    person.asks("timer.set", seconds=1)
    person.asks("timer.set", seconds=2)
    person.later(seconds=5)
    ringer = Ringer(person.folder, broken, now=lambda: person.now.timestamp())
    ringer.step()
    assert ringer.failures == 2


def test_the_file_is_the_owners(person: Person) -> None:
    person.asks("timer.set", seconds=1)
    kept = Path(person.folder)
    assert [path.stat().st_mode & 0o077 for path in kept.iterdir()] == [0]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;INTERVAL=2", [22, 24, 26]),
        ("FREQ=WEEKLY;BYDAY=SA,SU", [21, 22, 28]),
        ("FREQ=WEEKLY;INTERVAL=2", [4, 18, 1]),
        ("FREQ=MONTHLY", [20, 20, 20]),
    ],
)
def test_recurrences_come_round(rule: str, days: list[int]) -> None:
    start = datetime(2026, 11, 20, 7, 0, tzinfo=ZoneInfo("Europe/Paris")).timestamp()
    clock = Clock("alarm", "", start, rule=rule, zone="Europe/Paris")
    found = []
    for _ in range(3):
        following = clock.again(clock.rings_s)
        assert following is not None
        clock = following
        found.append(clock.at().day)
    assert found == days
