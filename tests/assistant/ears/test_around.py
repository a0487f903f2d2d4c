"""Barge-in, the wake word and the microphone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from slipway.errors import ConfigError, InfrastructureError
from slipway_assistant.ears.barge_in import BargeIn
from slipway_assistant.ears.detectors import Silero
from slipway_assistant.ears.microphone import Microphone
from slipway_assistant.ears.wake import WakeWord
from slipway_assistant.ears.wav import blocks
from slipway_assistant.spoken import Manner, clear_speech, say

OWN = clear_speech(
    "The weather in Boston is sunny today, with a light wind from the west in the evening.", "en-us", 160
)


def interrupted_at(microphone: np.ndarray, playing: np.ndarray) -> float | None:
    barge = BargeIn(Silero())
    for number, (heard, played) in enumerate(zip(blocks(microphone), blocks(playing), strict=True)):
        if len(heard) == barge.frame and barge.feed(heard, played):
            return number * barge.frame / 16_000
    return None


@pytest.mark.parametrize("echo", [0.05, 0.3, 0.8])
def test_our_own_voice_is_no_interruption(echo: float) -> None:
    late = np.concatenate([np.zeros(320), OWN[:-320]]) * echo
    room = late + np.random.default_rng(0).normal(0, 20, len(OWN))
    assert interrupted_at(room.astype(np.int16), OWN) is None


def test_a_person_who_speaks_up_interrupts() -> None:
    person = np.zeros(len(OWN))
    word = clear_speech("stop, stop that please", "en-gb", 150).astype(float)
    begins = 24_000
    person[begins : begins + len(word)] = word[: len(OWN) - begins]
    at = interrupted_at((0.1 * OWN + person).astype(np.int16), OWN)
    assert at is not None
    assert begins / 16_000 < at < begins / 16_000 + 1.0


def test_silence_never_interrupts_and_a_new_answer_starts_over() -> None:
    barge = BargeIn(Silero())
    assert not any(barge.feed(np.zeros(512, np.int16)) for _ in range(50))
    barge.reset()
    assert not barge.feed(np.zeros(512, np.int16), np.full(512, 5_000, np.int16))


def test_the_wake_word_is_heard_and_other_sentences_are_not_it() -> None:
    assert heard("hey slipway", "hey slipway")
    assert not heard("hey slipway", "tell me a joke")


def heard(phrase: str, said: str) -> bool:
    wake = WakeWord(phrase)
    return sum(wake.feed(block) for block in blocks(say(said, Manner(speed=150)).pcm)) > 0


def test_a_wake_word_without_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="hey slipway"):
        WakeWord("!!!")


def test_a_microphone_that_is_not_there_is_told_with_what_there_is() -> None:
    with pytest.raises(InfrastructureError, match=r"SLIPWAY_ASSISTANT_MICROPHONE"), Microphone("no such microphone"):
        pass


def test_a_machine_without_portaudio_is_told_what_to_install() -> None:
    """In a process of its own, whose loader finds no such library."""
    program = (
        "import ctypes.util, sys\n"
        "ctypes.util.find_library = lambda name: None\n"
        "import slipway_assistant.ears.microphone as m\n"
        "try: m.sounddevice()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("InfrastructureError")
    assert "apt-get install libportaudio2" in done.stdout
