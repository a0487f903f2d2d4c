"""The voice: espeak-ng in this process, sentence by sentence, silent within one chunk when told to stop."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
import wave

import numpy as np
import pytest

from slipway.errors import DataError
from slipway_assistant.settings import Settings
from slipway_assistant.voice import Audio, Tape, open_voice, play
from slipway_assistant.voice.espeak import Espeak
from slipway_assistant.voice.sentences import LONGEST, sentences

TEXTS = {
    "en": "It is seven degrees in Boston. It rains all day!",
    "fr": "Il fait sept degrés à Paris. Il pleut toute la journée !",
    "ja": "東京は7度です。今日は雨です。",
}


def loudness(pcm):
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


@pytest.mark.parametrize("lang", TEXTS)
def test_a_text_is_said_sentence_by_sentence(lang):
    said = list(Espeak().say(TEXTS[lang], lang))
    assert [audio.text for audio in said] == sentences(TEXTS[lang], lang)
    assert len(said) == 2
    for audio in said:
        assert audio.pcm.dtype == np.int16
        assert 0.6 < audio.seconds < 5
        assert loudness(audio.pcm) > 300


def test_the_next_sentence_is_made_when_it_is_asked_for():
    voice = Espeak()
    saying = voice.say("One. Two. Three.", "en")
    assert next(saying).text == "One."
    voice.stop()
    assert list(saying) == []
    assert len(list(voice.say("One. Two.", "en"))) == 2


def test_it_can_be_stopped_in_the_middle_of_a_sentence():
    from slipway_assistant.voice import espeak

    library = espeak._library()
    text = "this is a long sentence that goes on and on " * 4
    whole, _ = library.say(text, "en-us", 165, lambda: False)
    asked = []
    cut, _ = library.say(text, "en-us", 165, lambda: asked.append(1) or len(asked) > 5)
    assert len(asked) == 6
    assert 0 < len(cut) < len(whole) / 10
    again, _ = library.say(text, "en-us", 165, lambda: False)
    assert len(again) == pytest.approx(len(whole), rel=0.02)  # nothing of the stopped one is left


def test_threads_that_speak_at_once_do_not_mix():
    texts = {"en": "Twelve minutes are left.", "fr": "Il reste douze minutes.", "ja": "のこりは じゅうにふんです。"}
    voice = Espeak()
    alone = {lang: len(next(voice.say(text, lang)).pcm) for lang, text in texts.items()}
    found = {lang: [] for lang in texts}

    def speak(lang):
        for _ in range(5):
            found[lang] += [len(next(voice.say(texts[lang], lang)).pcm)]

    threads = [threading.Thread(target=speak, args=(lang,)) for lang in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for lang, lengths in found.items():
        assert lengths == [pytest.approx(alone[lang], rel=0.1)] * 5


@pytest.mark.parametrize("text", ["", "  \n", "...", "!?", "\x00", "half \ud800 pair", "<speak>", "[[x]]", "a" * 3_000])
def test_whatever_the_text_it_speaks_on(text):
    voice = Espeak()
    list(voice.say(text, "en"))
    assert len(list(voice.say("All is well.", "en"))) == 1


def test_the_settings_choose_the_voice():
    low, high = (
        next(open_voice(Settings(voices=chosen)).say("Good morning.", "en"))
        for chosen in ({}, {"en": "espeak:en-us+f3"})
    )
    assert not np.array_equal(low.pcm[:4000], high.pcm[:4000])
    with pytest.raises(DataError, match=r"no voice 'klingon-x'.*espeak-ng --voices"):
        open_voice(Settings(voices={"en": "espeak:klingon-x"}))


def test_without_the_library_the_error_says_what_to_install():
    code = (
        "import ctypes\n"
        "def gone(*_): raise OSError('no such file')\n"
        "ctypes.CDLL = gone\n"
        "from slipway_assistant.voice.espeak import Espeak\n"
        "try: Espeak()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert done.stdout.startswith("InfrastructureError"), done.stderr
    assert "apt-get install espeak-ng" in done.stdout


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "It is 7.5 degrees. It rains.", ["It is 7.5 degrees.", "It rains."]),
        ("en", "Dr. Who plays at 8 p.m. on St. John's. Fine?", ["Dr. Who plays at 8 p.m. on St. John's.", "Fine?"]),
        ("en", "Songs by J. Cole. Enjoy...", ["Songs by J. Cole.", "Enjoy..."]),
        ("en", "no full stop", ["no full stop"]),
        ("en", "Milk\nEggs\n\nBread", ["Milk", "Eggs", "Bread"]),
        ("en", "See example.com or a!b", ["See example.com or a!b"]),
        ("fr", "C'est vrai ! M. Dupont dort. Et vous ?", ["C'est vrai !", "M. Dupont dort.", "Et vous ?"]),
        ("fr", "« Oui. » dit-elle", ["« Oui. » dit-elle"]),
        ("ja", "晴れです。25.5度です！いいですか？はい", ["晴れです。", "25.5度です！", "いいですか？", "はい"]),
        ("ja", "「はい。」と言いました。", ["「はい。」", "と言いました。"]),
        ("en", "", []),
    ],
)
def test_sentences(lang, text, expected):
    assert sentences(text, lang) == expected


def test_a_long_sentence_is_divided_where_one_breathes():
    text = ", ".join(["some news from somewhere that matters little"] * 20)
    parts = sentences(text, "en")
    assert max(map(len, parts)) <= LONGEST
    assert " ".join(parts) == text
    assert all(part.endswith(",") for part in parts[:-1])
    assert "".join(sentences("x" * 1_000, "en")) == "x" * 1_000


def test_a_tape_keeps_what_is_said_as_a_wav(tmp_path):
    tape = Tape()
    said = list(Espeak().say(TEXTS["en"], "en"))
    assert play(said, tape)
    tape.save(tmp_path / "said.wav")
    assert stat.S_IMODE((tmp_path / "said.wav").stat().st_mode) == 0o600
    with wave.open(str(tmp_path / "said.wav")) as file:
        assert file.getnframes() == sum(len(audio.pcm) for audio in said)
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (22_050, 1, 2)


def test_a_tape_brings_voices_to_one_rate():
    tape = Tape()
    play([Audio(np.ones(22_050, np.int16), 22_050), Audio(np.ones(16_000, np.int16), 16_000)], tape)
    assert (tape.rate, len(tape.pcm)) == (22_050, 44_100)


class Cut:
    """A sink in which somebody begins to talk after so many chunks."""

    def __init__(self, stopped, after):
        self.stopped, self.after, self.chunks, self.aborted = stopped, after, 0, False

    def write(self, pcm, rate):
        self.chunks += 1
        if self.chunks == self.after:
            self.stopped.set()

    def drain(self):
        raise AssertionError("what was cut is not waited for")

    def abort(self):
        self.aborted = True


def test_playing_ends_within_one_chunk():
    stopped = threading.Event()
    sink = Cut(stopped, after=7)
    heard = []
    voice = Espeak()
    assert not play(voice.say(TEXTS["en"], "en"), sink, stopped, heard=heard.append)
    assert (sink.chunks, sink.aborted) == (7, True)
    assert [audio.text for audio in heard] == ["It is seven degrees in Boston."]
