"""Where an utterance begins and ends, told from frames in which somebody speaks or not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from slipway_assistant.ears.detectors import Silero, WebRtc, open_detector
from slipway_assistant.ears.endpoint import Endpointer, Patience
from slipway_assistant.ears.resample import RATE
from slipway_assistant.spoken import Manner, noise, say

FRAME = np.zeros(320, np.int16)


class Script:
    """A detector that says what it was told: one sign for each frame of 20 ms."""

    frame = 320

    def __init__(self, signs: str) -> None:
        self._signs = iter(signs)

    def voiced(self, frame: np.ndarray) -> float:
        return float(next(self._signs) == "v")


def changes(signs: str, patience: Patience | None = None) -> list[str]:
    endpointer = Endpointer(Script(signs), patience)
    return [change for _ in signs if (change := endpointer.feed(FRAME))]


def test_a_click_begins_nothing_and_a_word_does() -> None:
    assert changes("..v..v....v..." * 5) == []
    assert changes("....vvvvv....") == ["start"]


def test_a_pause_may_go_on_and_silence_ends() -> None:
    spoken = "v" * 20
    assert changes(spoken + "." * 10 + spoken + "." * 40) == ["start", "pause", "resume", "pause", "end"]


def test_the_voice_is_where_it_was() -> None:
    endpointer = Endpointer(Script("." * 10 + "v" * 20 + "." * 30))
    for _ in range(60):
        endpointer.feed(FRAME)
    assert (endpointer.voice_began, endpointer.voice_ended) == (10 * 320, 30 * 320)


def test_endless_speech_is_cut_and_the_next_one_begins() -> None:
    assert changes("v" * 350, Patience(longest_s=2.0)) == ["start", "end"] * 3 + ["start"]


@pytest.mark.parametrize("name", ["silero", "webrtc"])
def test_speech_is_found_and_where_it_ends(name: str) -> None:
    said = say("turn off the lights in the kitchen", Manner(snr_db=20))
    endpointer = Endpointer(open_detector(name), Patience())
    found = [change for frame in cut(said.pcm, endpointer.frame) if (change := endpointer.feed(frame))]
    assert found[0] == "start"
    assert found[-1] == "end"
    assert endpointer.voice_began / RATE == pytest.approx(said.begins_s, abs=0.25)
    assert endpointer.voice_ended / RATE == pytest.approx(said.ends_s, abs=0.3)


@pytest.mark.parametrize("detector", [Silero, WebRtc])
def test_silence_and_steady_noise_are_no_speech(detector: type[Silero] | type[WebRtc]) -> None:
    chance = np.random.default_rng(0)
    for sound in (np.zeros(3 * RATE), noise(3 * RATE, None, chance), noise(3 * RATE, 20, chance)):
        endpointer = Endpointer(detector())
        assert [
            change for frame in cut(sound.astype(np.int16), endpointer.frame) if (change := endpointer.feed(frame))
        ] == []


def cut(sound: np.ndarray, size: int) -> Iterable[np.ndarray]:
    return (sound[at : at + size] for at in range(0, len(sound) - size + 1, size))
