"""The assistant whole: a turn is one trace with a budget for each stage, and nothing beside the answer can spoil it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from slipway.testing import recording
from slipway_assistant.app import Assistant, Said
from slipway_assistant.mind import prepare, variant
from slipway_assistant.settings import Settings
from slipway_assistant.voice import Tape, open_voice


@pytest.fixture
def settings(tmp_path):
    return Settings(data=str(tmp_path / "data"), timezone="Europe/Paris")


class Steps:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self):
        self.read = 0

    def __call__(self):
        self.read += 1
        return self.read / 1_000


def assistant(settings, **more):
    mind = prepare(variant("keywords"), []).mind
    return Assistant(settings, mind, None, open_voice(settings), name="keywords", clock=Steps(), **more)


class Words:
    """What a recogniser has heard."""

    def __init__(self, text, lang="en", confidence=0.9):
        self.text, self.lang, self.confidence = text, lang, confidence


def said(text, **more):
    return Said(lambda: Words(text), "en", waited_s=0.25, pcm=np.zeros(16_000, np.int16), **more)


def shape(recorded):
    return recorded.tree(lambda span: (span.name, span.kind))


def test_a_spoken_turn_is_this_trace(settings):
    with recording() as recorded:
        turn = assistant(settings).turn_speech(said("set a timer for 5 minutes"))
        assert shape(recorded) == [
            (
                ("invoke_agent", "agent"),
                [
                    (("first_audio", "internal"), []),
                    (("end_of_speech", "internal"), []),
                    (("speech_to_text", "stt"), []),
                    (("chat", "llm"), []),
                    (("execute_tool", "tool"), []),
                    (("text_to_speech", "tts"), []),
                ],
            )
        ]
        agent, chat, tool = (recorded.one(name) for name in ("invoke_agent", "chat", "execute_tool"))
        hearing, speaking = recorded.one("speech_to_text"), recorded.one("text_to_speech")
        waited, first = recorded.one("end_of_speech"), recorded.one("first_audio")
    assert turn.call == {"name": "timer.set", "arguments": {"minutes": 5}}
    assert (agent.input, agent.output) == ("set a timer for 5 minutes", turn.answer.text)
    assert {span.session_id for span in recorded.spans} == {turn.session}
    assert {span.trace_id for span in recorded.spans} == {turn.trace_id}
    assert (hearing.output, hearing.attributes["slipway.confidence"]) == ("set a timer for 5 minutes", 0.9)
    assert hearing.attributes["slipway.audio_s"] == 1
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.request.model"] == "keywords"
    assert json.loads(chat.attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "timer.set", "arguments": {"minutes": 5}}]}
    ]
    assert tool.attributes["gen_ai.tool.name"] == "timer.set"
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"minutes": 5}
    assert tool.attributes["gen_ai.tool.call.result"] == turn.answer.text
    assert (speaking.input, speaking.attributes["gen_ai.output.type"]) == (turn.answer.text, "speech")
    # Both began when the speech ended, a quarter of a second before anybody could know.
    assert waited.duration_ns >= 250_000_000
    assert agent.started_ns <= first.started_ns <= waited.started_ns < hearing.started_ns
    assert first.started_ns + first.duration_ns <= speaking.started_ns + speaking.duration_ns


def test_each_stage_has_a_budget_and_says_whether_it_was_kept(settings):
    tight = {"end_of_speech": 100.0, "speech_to_text": 150.0, "chat": 0.5, "execute_tool": 400.0, "to_skill": 500.0}
    with recording() as recorded:
        turn = assistant(settings, budgets={**tight, "text_to_speech": 50.0, "first_audio": 1_000.0}).turn_speech(
            said("set a timer for 5 minutes")
        )
        told = {
            span.name: (span.attributes["slipway.budget_ms"], span.attributes["slipway.budget_kept"])
            for span in recorded.spans
            if span.name != "invoke_agent"
        }
        agent = recorded.one("invoke_agent")
    assert told == {
        "end_of_speech": (100.0, False),
        "speech_to_text": (150.0, True),
        "chat": (0.5, False),
        "execute_tool": (400.0, True),
        "text_to_speech": (50.0, True),
        "first_audio": (1_000.0, True),
    }
    assert agent.attributes["slipway.budgets_kept"] is False
    assert agent.attributes["slipway.over_budget"] == ["end_of_speech", "chat"]
    assert turn.ms["end_of_speech"] == 250
    assert turn.ms["to_skill"] > 250
    assert agent.attributes["slipway.stage.end_of_speech_ms"] == 250


def test_a_written_turn_has_no_ears(settings):
    with recording() as recorded:
        assistant(settings).turn_text("set a timer for 5 minutes")
        names = Counter(span.name for span in recorded.spans)
    assert names == dict.fromkeys(["invoke_agent", "first_audio", "chat", "execute_tool", "text_to_speech"], 1)


@pytest.mark.parametrize(
    ("lang", "text"),
    [("en", "set a timer for 5 minutes"), ("fr", "mets un minuteur de 5 minutes"), ("ja", "5分のタイマーをセットして")],
)
def test_text_becomes_speech_in_three_languages(settings, lang, text):
    turn = assistant(settings).turn_text(text)
    assert (turn.lang, turn.call) == (lang, {"name": "timer.set", "arguments": {"minutes": 5}})
    assert turn.answer.ok
    sound = np.concatenate([audio.pcm for audio in turn.audio]).astype(float)
    assert 0.8 < len(sound) / turn.audio[0].rate < 8
    assert np.sqrt(np.mean(sound**2)) > 300


def test_who_is_not_spoken_to_is_silent(settings):
    with recording() as recorded:
        turn = assistant(settings).turn_speech(said("did you see the match yesterday"), addressed=False)
        assert turn.answer is None
        assert turn.audio == ()
        assert [span.name for span in recorded.spans] == ["end_of_speech", "speech_to_text", "chat", "invoke_agent"]
    assert assistant(settings).turn_text("did you see the match yesterday").answer.text.startswith("Sorry")


def test_where_speech_cannot_be_recognised_the_screen_says_why(settings):
    from slipway.errors import ConfigError

    def deaf():
        raise ConfigError("there is no model for French", mend="name one under [assistant.whisper]")

    with recording() as recorded:
        turn = assistant(settings).turn_speech(Said(deaf, "fr"))
        assert recorded.one("speech_to_text").status == "error"
    assert "français" in turn.answer.text
    assert turn.answer.data["mend"] == "name one under [assistant.whisper]"
    assert turn.audio


def test_sound_is_kept_only_if_the_user_says_so(settings, tmp_path):
    folder = settings.folder / "audio"
    with recording() as recorded:
        assistant(settings).turn_speech(said("set a timer for 5 minutes"))
        assert not folder.exists()
        assert not any("audio." in name for span in recorded.spans for name in span.attributes)
        assert not any(isinstance(value, bytes) for span in recorded.spans for value in span.attributes.values())
    keeping = Settings(data=settings.data, timezone="Europe/Paris", keep_audio=True)
    with recording(ids=None) as recorded:
        turn = assistant(keeping).turn_speech(said("set a timer for 5 minutes"))
        agent = recorded.one("invoke_agent")
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{turn.trace_id}-{what}.wav" for what in ("heard", "said")
    ]
    assert agent.attributes["slipway.audio.said"] == str(folder / f"{turn.trace_id}-said.wav")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_turn_survives_whatever_fails_beside_it(settings, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "audio").write_text("a file where a folder should be")
    keeping = Settings(data=settings.data, timezone="Europe/Paris", keep_audio=True)
    with recording() as recorded:
        recorded.sink.failing = OSError("the store is gone")
        made = assistant(keeping)
        turn = made.turn_speech(said("set a timer for 5 minutes"))
        recorded.sink.failing = None
    assert turn.answer.ok
    assert turn.audio
    assert made.after.failures == 1


def test_without_recording_a_turn_is_the_same(settings):
    turn = assistant(settings).turn_text("set a timer for 5 minutes")
    assert turn.trace_id == ""
    assert turn.answer.ok
    assert set(turn.ms) == {"chat", "to_skill", "execute_tool", "text_to_speech", "first_audio"}


def test_a_conversation_ends_with_a_long_silence(settings):
    clock = Steps()
    made = assistant(settings)
    made._clock = clock
    first = made.turn_text("set a timer for 5 minutes").session
    assert made.turn_text("set a timer for 6 minutes").session == first
    clock.read += 301_000
    assert made.turn_text("set a timer for 7 minutes").session != first


def test_the_answer_is_played_and_can_be_interrupted(settings):
    tape = Tape()
    whole = assistant(settings, sink=tape).turn_text("set a timer for 5 minutes")
    assert len(tape.pcm) == sum(len(audio.pcm) for audio in whole.audio)

    class Interrupting(Tape):
        def write(self, pcm, rate):
            super().write(pcm, rate)
            if len(self._parts) == 3:
                talking.interrupt()

    cut = Interrupting()
    with recording() as recorded:
        talking = assistant(settings, sink=cut)
        talking.turn_text("set a timer for 5 minutes")
        assert recorded.one("text_to_speech").attributes["slipway.interrupted"] is True
        assert len(cut._parts) == 3
        talking.turn_text("set a timer for 5 minutes")  # the next answer is said whole
        assert len(cut._parts) > 50


def test_what_rings_is_said_aloud(settings):
    tape = Tape()
    assistant(settings, sink=tape).speak("Your timer is done.", "en")
    assert len(tape.pcm) > tape.rate
