"""Dialogues in three languages: what is heard after what, and what is to be done about it.

The same table is run twice: with what a mind made of each sentence written beside it (the dialogue is a pure function of
that), and with a real mind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_assistant.backends.home import Home
from slipway_assistant.clocks import Clocks
from slipway_assistant.data import own
from slipway_assistant.dialogue import EXPIRES, Dialogue, Resolved, State, decide
from slipway_assistant.followups import LENGTHS, carry, pointed, retold, split_when, undoing
from slipway_assistant.memory import Memory
from slipway_assistant.mind import BEST, Mind, Understanding, prepare, variant
from slipway_assistant.mind import answer as ask
from slipway_assistant.schema import FUNCTIONS, validate
from slipway_assistant.settings import Settings
from slipway_assistant.skill import Answer, Context, run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Call = Mapping[str, Any]


def call(name: str, /, **arguments: Any) -> Call:
    return {"name": name, "arguments": arguments}


@dataclass(frozen=True)
class Said:
    """One line of a dialogue: the words, what a mind makes of them alone, the rule that decides, the call or the words."""

    text: str
    heard: Call | None
    why: str
    call: Call | None = None
    says: str = ""
    before: Call | None = None


def said(text: str, heard: Call | None, why: str, made: Call | None = None, says: str = "", **more: Any) -> Said:
    return Said(text, heard, why, made, says, **more)


def plain(text: str, made: Call) -> Said:
    """A command that says all by itself."""
    return Said(text, made, "understood", made)


LONDON = call("weather.get", location="London")
CANCEL_TIMER = call("timer.manage", action="cancel")
TABLE: dict[str, tuple[str, list[Said]]] = {
    "weather": (
        "en",
        [
            plain("what's the weather in London", LONDON),
            said("and tomorrow?", None, "follow-up", call("weather.get", location="London", when="tomorrow")),
            said("what about in Paris", None, "follow-up", call("weather.get", location="Paris", when="tomorrow")),
            said("and in Rome on sunday", None, "follow-up", call("weather.get", location="Rome", when="sunday")),
            said("no, I meant Boston", None, "correction", call("weather.get", location="Boston", when="sunday")),
            said("cancel that", None, "nothing to undo", says="nothing to take back"),
            said("again", None, "again", call("weather.get", location="Boston", when="sunday")),
        ],
    ),
    "timer": (
        "en",
        [
            plain("set a timer for ten minutes", call("timer.set", minutes=10)),
            said("cancel that", None, "undo", CANCEL_TIMER),
            plain("set a timer for ten minutes", call("timer.set", minutes=10)),
            said("no, I meant five minutes", None, "correction", call("timer.set", minutes=5), before=CANCEL_TIMER),
            said("and for an hour", None, "follow-up", call("timer.set", hours=1)),
            said("turn it off", call("home.set", action="off"), "pronoun", CANCEL_TIMER),
        ],
    ),
    "light": (
        "en",
        [
            plain("turn on the kitchen light", call("home.set", action="on", room="kitchen")),
            said("turn it off", call("home.set", action="off"), "pronoun", call("home.set", action="off", room="kitchen")),
            said("and the bedroom", None, "follow-up", call("home.set", action="off", room="bedroom")),
            said("cancel that", None, "undo", call("home.set", action="on", room="bedroom")),
        ],
    ),
    "list": (
        "en",
        [
            plain("add milk to the shopping list", call("list.edit", action="add", item="milk", list="shopping")),
            said("and bread", None, "follow-up", call("list.edit", action="add", item="bread", list="shopping")),
            said("cancel that", None, "undo", call("list.edit", action="remove", item="bread", list="shopping")),
        ],
    ),
    "favourite": (
        "en",
        [
            said("play my favourite song", call("music.play"), "asked", says="do not know your favourite song"),
            said("it's A Change Is Gonna Come", None, "favourite answered", call("music.play", song="A Change Is Gonna Come")),
            said("play my favourite song", call("music.play"), "favourite", call("music.play", song="A Change Is Gonna Come")),
            said("what is my favourite song", None, "favourite told", says="A Change Is Gonna Come"),
            said("I like it", None, "preference kept", says="A Change Is Gonna Come"),
            said("I love jazz", None, "preference kept", says="you like jazz"),
            said("what do you know about me", None, "memory listed", says="jazz"),
            said("forget that", None, "forgotten", says="jazz"),
            said("forget everything", None, "asked", says="Shall I forget"),
            said("hm", None, "asked again", says="Yes or no"),
            said("yes please", None, "confirmed", says="forgotten everything"),
            said("what do you know about me", None, "memory listed", says="not know anything"),
        ],
    ),
    "music": (
        "en",
        [
            plain("play some jazz", call("music.play", genre="jazz")),
            said("and blues", None, "follow-up", call("music.play", genre="blues")),
            said("turn it off", call("home.set", action="off"), "pronoun", call("music.control", action="pause")),
        ],
    ),
    "unclear": (
        "en",
        [
            plain("turn on the kitchen light", call("home.set", action="on", room="kitchen")),
            said("and the rhubarb of doom", None, "unclear", says="rhubarb of doom"),
            said("that's wrong", None, "wrong", says="What did you mean"),
            said("never mind", None, "dropped", says="All right"),
        ],
    ),
    "wrong": (
        "en",
        [
            plain("turn on the kitchen light", call("home.set", action="on", room="kitchen")),
            said("that's not what I meant", None, "wrong", says="What did you mean"),
            said(
                "the bedroom",
                None,
                "correction",
                call("home.set", action="on", room="bedroom"),
                before=call("home.set", action="off", room="kitchen"),
            ),
        ],
    ),
    "météo": (
        "fr",
        [
            plain("quel temps fait-il à Lyon", call("weather.get", location="Lyon")),
            said("et demain ?", None, "follow-up", call("weather.get", location="Lyon", when="demain")),
            said("et à Paris ?", None, "follow-up", call("weather.get", location="Paris", when="demain")),
            said("non, je voulais dire Lille", None, "correction", call("weather.get", location="Lille", when="demain")),
            said("annule ça", None, "nothing to undo", says="rien à annuler"),
        ],
    ),
    "maison": (
        "fr",
        [
            plain("allume la lumière du salon", call("home.set", action="on", room="salon")),
            said("éteins-la", call("home.set", action="off"), "pronoun", call("home.set", action="off", room="salon")),
            said("et la cuisine ?", None, "follow-up", call("home.set", action="off", room="cuisine")),
            said("annule", None, "undo", call("home.set", action="on", room="cuisine")),
            said("mets ma chanson préférée", call("music.play"), "asked", says="chanson préférée"),
            said("La Bohème", None, "favourite answered", call("music.play", song="La Bohème")),
            said("j'adore le jazz", None, "preference kept", says="jazz"),
            said("qu'est-ce que tu sais de moi", None, "memory listed", says="La Bohème"),
            said("oublie que j'aime le jazz", None, "forgotten", says="jazz"),
        ],
    ),
    "天気": (
        "ja",
        [
            plain("東京の天気は？", call("weather.get", location="東京")),
            said("明日は？", None, "follow-up", call("weather.get", location="東京", when="明日")),
            said("大阪は？", None, "follow-up", call("weather.get", location="大阪", when="明日")),
            said("違う、京都", None, "correction", call("weather.get", location="京都", when="明日")),
            said("もう一度", None, "again", call("weather.get", location="京都", when="明日")),
        ],
    ),
    "家": (
        "ja",
        [
            plain("リビングの電気をつけて", call("home.set", action="on", room="リビング")),
            said("消して", call("home.set", action="off"), "pronoun", call("home.set", action="off", room="リビング")),
            said("寝室も", None, "follow-up", call("home.set", action="off", room="寝室")),
            said("取り消して", None, "undo", call("home.set", action="on", room="寝室")),
            said("私の好きな曲をかけて", call("music.play"), "asked", says="好きな曲"),
            said("さくら", None, "favourite answered", call("music.play", song="さくら")),
            said("私の好きな曲は何？", None, "favourite told", says="さくら"),
            said("全部忘れて", None, "asked", says="忘れて"),
            said("はい", None, "confirmed", says="忘れました"),
        ],
    ),
}  # fmt: skip


class Talk:
    """A conversation: what is resolved, counted and answered, as the app does it."""

    def __init__(self, folder: Path, lang: str, mind: Mind | None = None) -> None:
        self.memory = Memory(folder / "memory.db")
        self.mind, self.lang, self.now = mind, lang, NOW
        self.dialogue = Dialogue(self.memory, self.understand if mind else None)

    def understand(self, text: str, lang: str) -> Understanding:
        assert self.mind is not None
        return ask(self.mind, text, lang)

    def hear(self, text: str, heard: Call | None = None, answer: Answer | None = None) -> Resolved:
        self.now += timedelta(seconds=10)
        understanding = self.understand(text, self.lang) if self.mind else Understanding(heard, 0.9)
        resolved = self.dialogue.resolve(text, self.lang, understanding, self.now)
        if resolved.call is not None:
            if "song" in resolved.call["arguments"]:
                self.memory.count("song", resolved.call["arguments"]["song"])
            self.dialogue.after(resolved.call, answer or Answer("It is done."))
        return resolved


@pytest.fixture(scope="module")
def mind() -> Mind:
    """The best mind, which comes with the package."""
    return prepare(variant(BEST), own("train")).mind


def check(talk: Talk, line: Said) -> None:
    resolved = talk.hear(line.text, line.heard)
    assert (line.text, resolved.why) == (line.text, line.why), resolved
    assert resolved.call == line.call
    assert line.says in resolved.say
    assert bool(resolved.say) != (resolved.call is not None)
    assert resolved.before == ((line.before,) if line.before else ())


@pytest.mark.parametrize("name", TABLE)
def test_dialogues(name: str, tmp_path: Path) -> None:
    lang, lines = TABLE[name]
    talk = Talk(tmp_path, lang)
    for line in lines:
        check(talk, line)


# Which fragments are unclear, each mind says for itself.
@pytest.mark.parametrize("name", [name for name in TABLE if name != "unclear"])
def test_dialogues_with_a_real_mind(name: str, tmp_path: Path, mind: Mind) -> None:
    lang, lines = TABLE[name]
    talk = Talk(tmp_path, lang, mind)
    for line in lines:
        check(talk, line)


def test_a_missing_argument_is_asked_for(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("wake me up", call("alarm.set"), Answer("At what time?", ok=False, ask="when"))
    assert talk.dialogue.expecting
    assert talk.hear("at seven tomorrow", call("alarm.set", when="seven tomorrow")).call == call(
        "alarm.set", when="seven tomorrow"
    )
    assert not talk.dialogue.expecting


@pytest.mark.parametrize(
    ("lang", "asked", "argument", "reply", "wanted"),
    [
        ("en", call("timer.set"), "minutes", "ten minutes", {"minutes": 10}),
        ("en", call("timer.set", name="pasta"), "minutes", "an hour and a half", {"name": "pasta", "hours": 1, "minutes": 30}),
        ("en", call("timer.set"), "minutes", "eight", {"minutes": 8}),
        ("en", call("playlist.add", song="Halo"), "playlist", "to my road trip", {"song": "Halo", "playlist": "road trip"}),
        ("en", call("list.edit", action="add"), "item", "a pint of milk please", {"action": "add", "item": "a pint of milk"}),
        ("en", call("volume.set"), "action", "down", {"action": "down"}),
        ("en", call("math.eval"), "expression", "three times four", {"expression": "3 * 4"}),
        ("fr", call("weather.get"), "location", "à Paris", {"location": "Paris"}),
        ("fr", call("timer.set"), "minutes", "dix minutes", {"minutes": 10}),
        ("ja", call("weather.get"), "location", "大阪です", {"location": "大阪"}),
        ("ja", call("timer.set"), "minutes", "5分", {"minutes": 5}),
    ],
)  # fmt: skip
def test_the_next_words_are_the_answer(
    tmp_path: Path, lang: str, asked: Call, argument: str, reply: str, wanted: dict[str, Any]
) -> None:
    talk = Talk(tmp_path, lang)
    talk.hear("something", asked, Answer("Which?", ok=False, ask=argument))
    resolved = talk.hear(reply)
    assert (resolved.why, resolved.call) == ("answered", {"name": asked["name"], "arguments": wanted})
    assert validate(resolved.call) == [] or asked["name"] == "playlist.add"


def test_a_plain_command_is_no_answer(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("add Halo to a playlist", call("playlist.add"), Answer("Which playlist?", ok=False, ask="playlist"))
    assert talk.hear("what time is it", call("datetime.get", field="time")).why == "understood"
    assert not talk.dialogue.expecting


def test_an_answer_that_is_none_is_asked_for_once_more(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("set a timer", call("timer.set"), Answer("For how long?", ok=False, ask="minutes"))
    assert talk.hear("a while").say == "For how long?"
    assert talk.hear("a while").why == "given up"
    talk.hear("set a timer", call("timer.set"), Answer("For how long?", ok=False, ask="minutes"))
    assert talk.hear("never mind").say == "All right."
    assert not talk.dialogue.expecting


@pytest.mark.parametrize(
    ("lang", "yes", "no"),
    [("en", "yes please", "no thanks"), ("fr", "oui, vas-y", "non merci"), ("ja", "はい", "いいえ")],
)
def test_a_risky_call_waits_for_a_yes(tmp_path: Path, lang: str, yes: str, no: str) -> None:
    risky = call("list.edit", action="delete", list="shopping")
    talk = Talk(tmp_path, lang)
    talk.hear("x", risky, Answer("Really?", confirm=True))
    confirmed = talk.hear(yes)
    assert (confirmed.call, confirmed.confirmed) == (risky, True)
    talk.hear("x", risky, Answer("Really?", confirm=True))
    declined = talk.hear(no)
    assert (declined.call, declined.why) == (None, "declined")
    assert talk.hear(yes).call is None


def test_a_skill_says_itself_how_to_take_its_work_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    back = call("home.set", action="set", level=30, room="kitchen")
    talk.hear("set the kitchen to 80", call("home.set", action="set", level=80), Answer("Done.", {"undo": back}))
    undone = talk.hear("cancel that")
    assert (undone.call, undone.confirmed) == (back, True)
    assert talk.hear("cancel that").call is None


def done(talk: Talk, folder: Path, text: str, heard: Call | None = None) -> Answer:
    """A turn with the real skills, as the app takes it."""
    talk.now += timedelta(seconds=5)
    resolved = talk.dialogue.resolve(text, talk.lang, Understanding(heard, 0.9), talk.now)
    assert resolved.call is not None
    context = Context(
        talk.lang,
        talk.now,
        Settings(data=str(folder)),
        folder,
        talk.memory,
        resolved.confirmed,
        resolved.undoes or text,
    )
    answer = run(resolved.call, context)
    talk.dialogue.after(resolved.call, answer)
    return answer


def test_the_house_and_the_volume_go_back_to_what_they_were(tmp_path: Path) -> None:
    talk, home = Talk(tmp_path, "en"), Home(tmp_path)
    lamp = {"device": "lamp", "room": "hall"}
    for arguments in ({"action": "set", "level": 30}, {"action": "set", "level": 80}):
        assert done(talk, tmp_path, "set the hall lamp", {"name": "home.set", "arguments": {**arguments, **lamp}}).ok
    assert done(talk, tmp_path, "cancel that").ok
    assert [device.state["level"] for device in home.devices()] == [30]
    assert done(talk, tmp_path, "turn off the hall lamp", call("home.set", action="off", **lamp)).ok
    assert done(talk, tmp_path, "undo that").ok
    assert [(device.state["on"], device.state["level"]) for device in home.devices()] == [(True, 30)]


def test_of_two_timers_the_last_one_is_taken_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    for minutes in (10, 5):
        assert done(talk, tmp_path, f"set a timer for {minutes} minutes", call("timer.set", minutes=minutes)).ok
    assert done(talk, tmp_path, "cancel that").ok
    assert [timer.total_s for timer in Clocks(tmp_path).all("timer")] == [600]


def test_after_a_follow_up_it_is_what_was_said_that_is_taken_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    assert done(talk, tmp_path, "set a timer for ten minutes", call("timer.set", minutes=10)).ok
    assert done(talk, tmp_path, "and another in five minutes", call("timer.set", minutes=5)).ok
    assert done(talk, tmp_path, "cancel that").ok
    assert [timer.total_s for timer in Clocks(tmp_path).all("timer")] == [600]


def test_lists_alarms_and_the_calendar_are_taken_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    assert done(talk, tmp_path, "create a shopping list", call("list.edit", action="create", list="shopping")).ok
    milk = call("list.edit", action="add", item="milk", list="shopping")
    assert done(talk, tmp_path, "add milk to the shopping list", milk).ok
    assert done(talk, tmp_path, "and bread").data["added"]
    assert done(talk, tmp_path, "cancel that").data["removed"] == ["bread"]
    assert done(talk, tmp_path, "wake me at seven tomorrow", call("alarm.set", when="seven tomorrow")).ok
    assert len(Clocks(tmp_path).all("alarm")) == 1
    assert done(talk, tmp_path, "cancel that").ok
    assert Clocks(tmp_path).all("alarm") == []
    dentist = call("calendar.edit", action="add", title="dentist", when="friday at three")
    assert done(talk, tmp_path, "put dentist in my calendar on friday at three", dentist).ok
    assert done(talk, tmp_path, "cancel that").ok
    assert "dentist" not in done(talk, tmp_path, "what is in my calendar", call("calendar.edit", action="show")).text


@pytest.mark.parametrize(
    ("made", "before", "back"),
    [
        (call("volume.set", action="mute"), 40, call("volume.set", action="set", level=40)),
        (call("volume.set", action="up"), 5, call("volume.set", action="down")),
        (call("home.set", action="close"), [{"open": 100}], call("home.set", action="open")),
        (call("home.set", action="close"), [{"open": 60}], call("home.set", action="set", level=60)),
        (call("home.set", action="on"), [{"on": True}], call("home.set", action="on")),
        (call("home.set", action="on"), [{"on": True}, {"on": False}], call("home.set", action="off")),
        (call("home.set", action="set", color="blue"), [{"color": "red"}], call("home.set", action="set", color="red")),
        (call("home.set", action="set", level=20), [{}], None),
        (call("list.edit", action="delete", list="x"), None, None),
    ],
)  # fmt: skip
def test_what_takes_a_call_back(made: Call, before: Any, back: Call | None) -> None:
    assert undoing(made, {"before": before}) == back


def test_what_failed_is_not_taken_back(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("set a timer for a year", call("timer.set", hours=9000), Answer("That is too long.", ok=False))
    assert talk.hear("cancel that").call is None


def test_the_state_expires_after_two_minutes(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("what's the weather in London", LONDON)
    talk.now += EXPIRES
    assert talk.hear("and tomorrow?").why == "nothing understood"


def test_a_command_said_with_a_liking_is_done(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.hear("play Halo", call("music.play", song="Halo"))
    louder = call("volume.set", action="up")
    assert talk.hear("I love this song turn it up", louder).call == louder
    assert talk.memory.find("Halo")[0].liking == "like"
    talk.hear("I like jazz and I hate disco")
    assert {(item.value, item.liking) for item in talk.memory.items()} == {
        ("Halo", "like"), ("jazz", "like"), ("disco", "dislike"),
    }  # fmt: skip


def test_a_favourite_goes_into_any_command(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.memory.remember("artist", "Queen", liking="favourite")
    heard = call("playlist.add", artist="favourite band", playlist="party")
    assert talk.hear("add my favourite band to the party playlist", heard).call == call(
        "playlist.add", artist="Queen", playlist="party"
    )
    heard = call("music.play", service="spotify")
    assert talk.hear("play my favourite band on spotify", heard).call == call(
        "music.play", artist="Queen", service="spotify"
    )


def test_a_memory_that_cannot_be_used_is_said_and_commands_go_on(tmp_path: Path) -> None:
    talk = Talk(tmp_path, "en")
    talk.memory.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "memory.db").mkdir()
    assert "memory" in talk.hear("what is my favourite colour").say
    assert talk.hear("play jazz", call("music.play", genre="jazz")).call == call("music.play", genre="jazz")


def test_deciding_changes_nothing_and_is_the_same_each_time(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.db")
    state = State(NOW, "what's the weather in London", LONDON)
    for text in ("and tomorrow?", "I love jazz", "play my favourite song", "cancel that", "forget everything"):
        twice = [decide(state, text, "en", Understanding(None, 0.5), NOW, memory) for _ in range(2)]
        assert twice[0] == twice[1]
    assert memory.items() == []


WORDS = st.sampled_from(["Paris", "jazz", "tomorrow", "ミルク", "le salon"])
VALUES: dict[str, st.SearchStrategy[Any]] = {"int": st.integers(0, 100), "math": st.just("1+1")}


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Any call that keeps to the schema."""
    function = FUNCTIONS[draw(st.sampled_from(list(FUNCTIONS)))]
    made: dict[str, Any] = {}
    for argument in function.arguments:
        if argument.name in function.required or draw(st.booleans()):
            values = st.sampled_from(argument.values) if argument.values else VALUES.get(argument.kind, WORDS)
            made[argument.name] = draw(values)
    return {"name": function.name, "arguments": made}


@given(calls(), st.text(min_size=1, max_size=40), st.sampled_from(["en", "fr", "ja"]))
def test_whatever_is_carried_over_is_a_good_call_of_the_same_function(last: Call, fragment: str, lang: str) -> None:
    made = carry(last, "what was said", fragment, lang, None)
    if made is not None:
        assert made["name"] == last["name"]
        assert validate(made) == []
        assert set(last["arguments"]) - set(LENGTHS) <= set(made["arguments"])


@given(calls(), st.sampled_from(["tomorrow", "in Paris", "the kitchen", "demain", "à Lyon", "明日", "大阪"]))
def test_what_takes_a_call_back_is_a_good_call_and_never_the_same(last: Call, text: str) -> None:
    back = undoing(last, {})
    if back is not None:
        assert validate(back) == []
        assert back != last
    for lang in ("en", "fr", "ja"):
        pointing = pointed(last, text, None, lang)
        assert pointing is None or validate(pointing) == []


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """One memory for many conversations: what is asked for in one is known in the next."""
    return Talk(tmp_path_factory.mktemp("talk"), "en")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.text(max_size=60), st.none() | calls(), st.sampled_from(["", "ask", "confirm"])), max_size=6),
    st.sampled_from(["en", "fr", "ja"]),
)
def test_any_conversation_ends_well(long_talk: Talk, lines: list[tuple[str, Call | None, str]], lang: str) -> None:
    talk = long_talk
    talk.lang = lang
    talk.dialogue.forget_turns()
    for text, heard, question in lines:
        ask_for = next(iter(heard["arguments"]), "") if heard and question == "ask" else ""
        resolved = talk.hear(text, heard, Answer("So?", ask=ask_for, confirm=question == "confirm"))
        assert resolved.call is None or not resolved.say
        assert [p for p in validate(resolved.call) if "text that is not empty" in p] == []


@pytest.mark.parametrize(
    ("lang", "fragment", "when", "rest"),
    [
        ("en", "in Paris tomorrow", "tomorrow", "Paris"),
        ("en", "on sunday morning", "sunday morning", ""),
        ("en", "Paris", "", "Paris"),
        ("fr", "à Paris demain", "demain", "Paris"),
        ("fr", "pour dimanche", "dimanche", ""),
        ("ja", "明日の大阪", "明日", "大阪"),
        ("ja", "来週の月曜日", "来週の月曜日", ""),
    ],
)
def test_a_time_is_told_from_a_place(lang: str, fragment: str, when: str, rest: str) -> None:
    assert split_when(fragment, lang) == (when, rest)


@pytest.mark.parametrize(
    ("last", "lang", "fragment", "changed"),
    [
        (call("music.play", genre="jazz"), "en", "by Adele", {"genre": "jazz", "artist": "Adele"}),
        (call("news.get", topic="football"), "en", "about chess", {"topic": "chess"}),
        (call("news.get", topic="football"), "fr", "à Lyon", {"topic": "football", "location": "Lyon"}),
        (call("home.set", action="set", room="hall"), "en", "blue", {"action": "set", "room": "hall", "color": "blue"}),
        (call("home.set", action="on", device="fan"), "en", "the heater", {"action": "on", "device": "heater"}),
        (call("volume.set", action="up"), "en", "to thirty", {"action": "set", "level": 30}),
        (call("playlist.add", playlist="gym", song="Halo"), "en", "to my car playlist", None),
        (call("facts.ask", query="what is the capital of Peru"), "en", "of Chile", None),
        (call("facts.ask", query="ドイツの首都は"), "ja", "フランス", {"query": "フランスの首都は"}),
        (call("facts.ask", query="quelle est la capitale de l'Italie"), "fr", "la Suède", None),
        (call("math.eval", expression="1+1"), "en", "what", None),
    ],
)
def test_what_a_fragment_changes(last: Call, lang: str, fragment: str, changed: dict[str, Any] | None) -> None:
    made = carry(last, "", fragment, lang, None)
    if changed is not None:
        assert made == {"name": last["name"], "arguments": changed}
    else:
        assert made is None or set(made["arguments"]) >= set(last["arguments"])


def test_the_sentence_is_told_anew() -> None:
    before, after = {"location": "London"}, {"location": "Paris", "when": "tomorrow"}
    assert retold("what's the weather in London?", before, after, "en") == "what's the weather in Paris tomorrow"
    assert (
        retold("東京の天気は", {"location": "東京"}, {"location": "東京", "when": "明日の"}, "ja")
        == "明日の東京の天気は"
    )
