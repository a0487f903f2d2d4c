"""Sound in, sound out: spoken sentences through the real ears, mind, skills and voice."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import wave

import numpy as np
import pytest

from assistant.ears.tiny_whisper import SENTENCES, make
from slipway.testing import recording
from slipway_assistant.app import Assistant
from slipway_assistant.conversation import by_keyboard, by_recording
from slipway_assistant.ears import wav
from slipway_assistant.hands_free import HandsFree
from slipway_assistant.listening import ears_for
from slipway_assistant.mind import prepare, variant
from slipway_assistant.settings import Settings
from slipway_assistant.spoken import Manner, say
from slipway_assistant.voice import Tape, open_voice

RUN = [sys.executable, "-c", "import sys; from slipway_assistant.cli import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mind():
    return prepare(variant("keywords"), []).mind


@pytest.fixture(scope="module")
def english(home, mind):
    """Ears without weights: pocketsphinx."""
    return ears_for(Settings(data=str(home)), mind, None)


@pytest.fixture(scope="module")
def trilingual(home, mind, tmp_path_factory):
    """Ears with a Whisper model in its real form, which says a fixed sentence of each language."""
    folder = make(tmp_path_factory.mktemp("whisper"))
    return ears_for(Settings(data=str(home), whisper={"all": str(folder)}), mind, None)


@pytest.fixture
def talking(home, mind):
    """An assistant with those ears and a tape for a loudspeaker."""

    def made(ears, **more):
        settings = Settings(data=str(home), timezone="Europe/Paris")
        return Assistant(settings, mind, ears, open_voice(settings), name="keywords", sink=Tape(), **more)

    return made


def loudness(pcm):
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


def process(home, *arguments, given=""):
    environ = os.environ | {
        "SLIPWAY_ASSISTANT_DATA": str(home),
        "SLIPWAY_ASSISTANT_MINDS": str(home / "minds"),
        "SLIPWAY_NLU_DATA": "",
    }
    return subprocess.run(
        [*RUN, *arguments], input=given, capture_output=True, text=True, env=environ, timeout=800, cwd=home
    )


def test_a_wav_is_answered_with_a_wav(home, english):
    wav.write(home / "in.wav", say("what time is it").pcm)
    done = process(home, "talk", "--wav", "in.wav", "--out", "out.wav")  # with the mind that ships
    assert done.returncode == 0, done.stderr
    heard, answer, call = done.stdout.splitlines()[:3]
    assert heard == "> what time is it"
    assert answer.startswith("It is ")
    assert call.strip().startswith("datetime.get(field='time')")
    with wave.open(str(home / "out.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        seconds = file.getnframes() / file.getframerate()
    assert 0.5 < seconds < 6
    assert loudness(sound) > 300
    again = sum(audio.seconds for audio in open_voice(Settings()).say(answer, "en"))
    assert seconds == pytest.approx(again, rel=0.05)


def test_each_utterance_of_a_recording_is_a_turn(home, english, talking):
    sound = np.concatenate([say("what time is it").pcm, say("turn on the kitchen light").pcm])
    wav.write(home / "two.wav", sound)
    out = io.StringIO()
    assistant = talking(english)
    with recording() as recorded:
        assert by_recording(assistant, home / "two.wav", out, lang="en") == 0
        roots = [span for span in recorded.spans if span.name == "invoke_agent"]
        waits = [span for span in recorded.spans if span.name == "end_of_speech"]
    assert [span.input for span in roots] == ["what time is it", "turn on the kitchen light"]
    assert len({span.session_id for span in roots}) == 1
    assert all(20 <= span.attributes["slipway.took_ms"] <= 1_500 for span in waits)
    assert "home.set(action='on', room='kitchen')" in out.getvalue()
    assert loudness(assistant.sink.pcm) > 300


def test_a_recording_without_speech_says_so(home, english, talking):
    wav.write(home / "quiet.wav", np.zeros(32_000, np.int16))
    out = io.StringIO()
    assert by_recording(talking(english), home / "quiet.wav", out, lang="en") == 1
    assert "nobody was understood" in out.getvalue()
    turn = talking(english).turn_audio(np.zeros(32_000, np.int16), "en")
    assert turn.call is None
    assert turn.answer.text == "Sorry, I did not hear anything."


@pytest.mark.parametrize(
    ("lang", "voice", "call", "answer"),
    [
        ("fr", "fr", {"name": "datetime.get", "arguments": {"field": "time"}}, "Il est "),
        ("ja", "ja", {"name": "home.set", "arguments": {"action": "on"}}, "つけました"),
    ],
)
def test_french_and_japanese_through_whisper(trilingual, talking, lang, voice, call, answer):
    said = say(SENTENCES[lang], Manner(voice, snr_db=None))
    with recording() as recorded:
        turn = talking(trilingual).turn_audio(said.pcm, lang)
        assert recorded.one("speech_to_text").attributes["slipway.language"] == lang
    assert (turn.text, turn.lang, turn.call) == (SENTENCES[lang], lang, call)
    assert answer in turn.answer.text
    assert loudness(np.concatenate([audio.pcm for audio in turn.audio])) > 300


def test_without_weights_it_says_which_file_it_needs(home, english, talking):
    turn = talking(english).turn_audio(say(SENTENCES["fr"], Manner("fr")).pcm, "fr")
    assert "français" in turn.answer.text
    assert "Whisper" in turn.answer.data["error"]
    assert "slipway model pull" in turn.answer.data["mend"]
    assert "[assistant]" in turn.answer.data["mend"]
    assert turn.audio
    wav.write(home / "fr.wav", say(SENTENCES["fr"], Manner("fr")).pcm)
    done = process(home, "talk", "--wav", "fr.wav", "--out", "fr-out.wav", "--lang", "fr", "--variant", "keywords")
    assert done.returncode == 2
    assert "no Whisper model is set for it" in done.stderr
    assert (home / "fr-out.wav").stat().st_size > 30_000


class Room:
    """A microphone: each sound comes when the assistant has finished answering the one before, or in the middle of it."""

    def __init__(self, *sounds, over=False):
        self.sounds, self.over, self.conversation = sounds, over, None

    def __iter__(self):
        for sound in self.sounds:
            while self.conversation.answering and not self.over:
                self.conversation._answering.result()
            yield from wav.blocks(sound)


def test_a_conversation_without_hands(english, talking):
    shown = []
    room = Room(say("what time is it").pcm, say("turn on the kitchen light").pcm)
    assistant = talking(english)
    room.conversation = HandsFree(assistant, shown=shown.append)
    assert room.conversation.run(room, "en") == 2
    assert [turn.call["name"] for turn in shown] == ["datetime.get", "home.set"]
    assert all(turn.answer.ok for turn in shown)
    assert len(assistant.sink.pcm) == sum(len(audio.pcm) for turn in shown for audio in turn.audio)


class Woken:
    """A wake word that is heard in the block that begins with a mark."""

    MARK = 12_345

    def feed(self, pcm):
        return bool(len(pcm)) and pcm[0] == self.MARK


def test_nothing_is_heard_before_the_wake_word(english, talking):
    shown, woken = [], []
    mark = np.full(512, Woken.MARK, np.int16)
    room = Room(say("turn on the kitchen light").pcm, mark, say("what time is it").pcm)
    room.conversation = HandsFree(
        talking(english), wake=Woken(), shown=shown.append, woken=lambda: woken.append(1), clock=lambda: 0.0
    )
    room.conversation._awake_until = -1.0
    assert room.conversation.run(room, "en") == 1
    assert [turn.text for turn in shown] == ["what time is it"]
    assert woken == [1]


def test_who_talks_over_the_answer_is_listened_to(english, talking):
    class Slow(Tape):
        """A loudspeaker that waits in its third chunk until somebody interrupts."""

        def write(self, pcm, rate):
            super().write(pcm, rate)
            if len(self._parts) == 3:
                assert assistant._quiet.wait(240)

    class Anything:
        """Takes what comes while the assistant speaks for the first time for somebody who interrupts."""

        done = False

        def feed(self, pcm, playing):
            if self.done or len(assistant.sink._parts) < 3:
                return False
            self.done = True
            return True

        def reset(self):
            pass

    shown = []
    assistant = talking(english)
    assistant.sink = Slow()
    first, second = say("what time is it").pcm, say("turn on the kitchen light").pcm

    class Interrupting(Room):
        def __iter__(self):
            yield from wav.blocks(first)
            silence = np.zeros(512, np.int16)
            while self.conversation.answering:
                yield silence
            yield from wav.blocks(second)

    room = Interrupting()
    room.conversation = HandsFree(assistant, barge_in=Anything(), shown=shown.append)
    with recording() as recorded:
        assert room.conversation.run(room, "en") == 2
        cut = [s.attributes["slipway.interrupted"] for s in recorded.spans if s.name == "text_to_speech"]
    assert cut == [True, False]
    assert [turn.call["name"] for turn in shown] == ["datetime.get", "home.set"]


def test_a_conversation_by_keyboard(home, mind):
    settings = Settings(data=str(home), timezone="Europe/Paris")
    out = io.StringIO()
    lines = ["turn on the kitchen light\n", "\n", "quelle heure est-il\n"]
    assert by_keyboard(Assistant(settings, mind), lines, out, lang=None, prompt=False) == 0
    said = out.getvalue().splitlines()
    assert said[1].strip().startswith("home.set(action='on', room='kitchen')")
    assert said[2].startswith("Il est ")


def test_the_commands(home):
    done = process(home, "ask", "--do", "--json", "--variant", "keywords", "turn on the kitchen light")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["call"]["name"], told["ok"]) == ("home.set", True)
    assert told["said"]
    done = process(home, "skills", "--json")
    listed = {row["name"]: row for row in json.loads(done.stdout)}
    assert len(listed) >= 17
    assert [argument["name"] for argument in listed["weather.get"]["arguments"]] == ["location", "when"]
    assert all(row["backend"] and row["summary"] for row in listed.values())
    done = process(home, "talk", "--text", "--wav", "in.wav")
    assert done.returncode == 2


def test_the_benchmark_tells_what_it_measured(home):
    rows = [
        {"id": "1", "source": "a", "lang": "en", "text": "turn on the kitchen light", "grade": "call"}
        | {"call": {"name": "home.set", "arguments": {"action": "on", "room": "kitchen"}}},
        {"id": "2", "source": "b", "lang": "en", "text": "nice weather we have had", "call": None},
    ]
    (home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = process(home, "bench", "--data", "rows.jsonl", "--json", "--variant", "keywords")
    assert done.stderr.count("\n") <= 1, done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (0 if all(budget["kept"] for budget in told["budgets"]) else 1)
    assert told["call"]["n"] == 2
    assert {row["of"] for row in told["source"]} == {"a", "b"}
    assert {row["budget"] for row in told["budgets"]} >= {"text to call, p50", "text to call, p95"}


def test_a_broken_budget_is_told():
    from slipway_assistant.cli_bench import _budgets

    ms = {"end of speech to skill": {"n": 3.0, "p50": 150.0, "p95": 501.0, "max": 900.0}}
    assert [(row["budget"], row["kept"]) for row in _budgets(ms)] == [
        ("end of speech to skill, p50", True),
        ("end of speech to skill, p95", False),
    ]


def test_speech_is_measured_from_its_true_end(english, mind):
    from slipway_assistant.bench_speech import error_rate, heard
    from slipway_assistant.data import Utterance

    class Stopped:
        def __call__(self):
            return 1.0

    call = {"name": "datetime.get", "arguments": {"field": "time"}}
    row = Utterance("1", "test", "en", "what time is it", call)
    found = heard(english, mind, row, say(row.text), Stopped())
    assert (found.text, found.right, found.pieces) == ("what time is it", True, 1)
    assert 20 <= found.waited_ms <= 1_200  # in the time of the sound, so the same on every machine
    assert found.to_skill_ms == found.waited_ms
    assert error_rate([found]) == 0
