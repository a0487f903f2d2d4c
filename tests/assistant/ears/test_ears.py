"""Real speech of espeak-ng through the default ears: pocketsphinx, the generated language model, Silero."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from slipway.errors import ConfigError
from slipway_assistant.data import Utterance
from slipway_assistant.ears import Ears, open_ears
from slipway_assistant.ears.detectors import WebRtc
from slipway_assistant.ears.endpoint import Patience
from slipway_assistant.ears.grammar import build, sentences
from slipway_assistant.ears.pocketsphinx_grammar import PocketSphinx
from slipway_assistant.ears.pronounce import Pronunciations, phones
from slipway_assistant.ears.resample import RATE
from slipway_assistant.ears.wav import blocks
from slipway_assistant.ears.wording import spoken
from slipway_assistant.settings import Settings
from slipway_assistant.spoken import Manner, noise, say
from slipway_assistant.templates import generate

NAMES = {"artist": ["Khruangbin", "Sigur Rós"], "playlist": ["Zanzibar mornings"]}
SAID = ["set an alarm for quarter past six", "turn off the heater", "tell me a joke", "shuffle these"]
# The same few sentences whatever the patterns of the skills become, so that each word can be asserted.
ROWS = [Utterance(text, "test", "en", text, None) for text in (*SAID, "play some bossa nova", "what time is it")]
ROWS += [
    Utterance("a", "test", "en", "play Nina Simone", {"name": "music.play", "arguments": {"artist": "Nina Simone"}})
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ears")


@pytest.fixture(scope="module")
def recogniser(folder: Path) -> PocketSphinx:
    return PocketSphinx(NAMES, folder=folder, rows=ROWS, each=0)


@pytest.fixture(scope="module")
def ears(recogniser: PocketSphinx) -> Ears:
    return Ears(recogniser)


@pytest.mark.parametrize("text", SAID)
def test_a_command_is_heard_word_for_word(ears: Ears, text: str) -> None:
    (speech,) = ears.utterances(blocks(say(text).pcm))
    assert speech.heard.text == text
    assert speech.heard.lang == "en"
    assert 0 < speech.heard.confidence <= 1


def test_the_skills_own_sentences_are_understood_by_the_default_ears(tmp_path: Path) -> None:
    """The patterns change; most words of what they say must be heard whatever they are."""
    ears = open_ears(Settings(data=str(tmp_path)), names=NAMES)
    wanted = [row.text for row in generate("en", each=1, seed=5)[::40] if row.call][:4]
    right = [set(spoken(text)) & set(spoken(heard_by(ears, text))) for text in wanted]
    assert sum(map(len, right)) >= 0.6 * sum(len(set(spoken(text))) for text in wanted)


def heard_by(ears: Ears, text: str) -> str:
    speech = ears.hear(say(text).pcm)
    return speech.heard.text if speech else ""


def test_the_same_sound_in_the_same_room_gives_the_same_text(ears: Ears, recogniser: PocketSphinx) -> None:
    pcm = say("play some bossa nova", Manner("en-gb", 190, 10)).pcm
    heard = []
    for _ in range(2):
        recogniser.forget_room()
        speech = ears.hear(pcm)
        assert speech is not None
        heard.append(speech.heard.text)
    assert heard[0] == heard[1]


def test_a_name_of_the_users_own_is_heard(ears: Ears) -> None:
    speech = ears.hear(say("play Khruangbin").pcm)
    assert speech is not None
    assert speech.heard.text == "play khruangbin"


def test_digital_silence_around_speech_does_no_harm(ears: Ears) -> None:
    pcm = say("set an alarm for quarter past six", Manner(snr_db=None)).pcm
    speech = ears.hear(np.where(np.abs(pcm) < 40, 0, pcm).astype(np.int16))
    assert speech is not None
    assert speech.heard.text == "set an alarm for quarter past six"


def test_partial_texts_come_while_somebody_speaks(ears: Ears) -> None:
    said = say("set an alarm for quarter past six")
    came: list[tuple[float, str]] = []
    at = 0.0

    def listen() -> Iterator[np.ndarray]:
        nonlocal at
        for block in blocks(said.pcm):
            at += len(block) / RATE
            yield block

    (speech,) = ears.utterances(listen(), on_partial=lambda text: came.append((at, text)))
    assert any(when < said.ends_s and text.startswith("set an alarm") for when, text in came)
    assert came[-1][1] == speech.heard.text


def test_a_whole_command_needs_less_silence(recogniser: PocketSphinx) -> None:
    pcm, asked = say("turn off the heater").pcm, []

    def complete(text: str, lang: str) -> float:
        asked.append(text)
        return sure

    waited = {}
    for sure in (1.0, 0.5, 0.0):
        (speech,) = Ears(recogniser, complete=complete).utterances(blocks(pcm))
        assert speech.heard.text == "turn off the heater"
        waited[sure] = speech.wait_ms
    assert asked == ["turn off the heater"] * 3
    assert waited[1.0] < 150 < 290 < waited[0.5] < 400 < 590 < waited[0.0] < 700


def test_two_commands_are_two_utterances(ears: Ears) -> None:
    pcm = np.concatenate([say("turn off the heater").pcm, say("tell me a joke").pcm])
    assert [speech.heard.text for speech in ears.utterances(blocks(pcm))] == ["turn off the heater", "tell me a joke"]


def test_a_pause_inside_a_recording_does_not_cut_it(ears: Ears) -> None:
    pcm = np.concatenate([say("set an alarm").pcm, say("for quarter past six").pcm])
    speech = ears.hear(pcm)
    assert speech is not None
    assert speech.heard.text.startswith("set an alarm")
    assert speech.ended_s > 3


@pytest.mark.parametrize("snr_db", [None, 20])
def test_silence_and_noise_give_nothing(ears: Ears, snr_db: int | None) -> None:
    sound = noise(4 * RATE, snr_db, np.random.default_rng(1)).astype(np.int16)
    assert list(ears.utterances(blocks(sound))) == []
    assert ears.hear(sound) is None
    assert ears.hear(np.zeros(0, np.int16)) is None


def test_endless_speech_is_bounded(recogniser: PocketSphinx) -> None:
    """A radio that never stops: utterances of bounded length come out, and no more is read than they need."""
    said = say("set an alarm for quarter past six", lead_s=0, trail_s=0)
    radio = itertools.chain.from_iterable(blocks(said.pcm) for _ in itertools.count())
    ears = Ears(recogniser, detector=WebRtc, patience=Patience(longest_s=3.0))
    first, second = itertools.islice(ears.utterances(radio), 2)
    assert len(first.pcm) <= 3.5 * RATE
    assert second.started_s >= first.decided_s - 0.2


def test_french_and_japanese_need_weights_and_the_error_says_which(tmp_path: Path) -> None:
    ears = open_ears(Settings(data=str(tmp_path), language="fr"))
    with pytest.raises(ConfigError, match=r"French is understood by Whisper only.*slipway model pull"):
        ears.hear(say("turn off the heater").pcm)
    with pytest.raises(ConfigError, match="Japanese"):
        ears.hear(say("turn off the heater").pcm, lang="ja")


def test_the_grammar_is_made_once_and_again_for_other_names(folder: Path, recogniser: PocketSphinx) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert build(NAMES, folder=folder, rows=ROWS, each=0) == recogniser.grammar
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    build({"artist": ["Nobody Else"]}, folder=folder, rows=ROWS, each=0)
    assert len(list(folder.iterdir())) == len(before) + 1


def test_every_name_is_in_the_sentences_and_the_dictionary(recogniser: PocketSphinx) -> None:
    said = [" ".join(words) for words, _ in sentences(NAMES, ROWS, each=0)]
    assert {"play khruangbin", "play sigur rós"} <= set(said)
    dictionary = recogniser.grammar.dictionary.read_text("utf-8")
    assert all(f"\n{word} " in dictionary for word in ("khruangbin", "sigur", "rós", "zanzibar"))
    assert recogniser.grammar.left_out == ()


def test_sentences_of_others_can_be_added() -> None:
    row = Utterance("x", "x", "en", "frobnicate the widget", None)
    assert ["frobnicate", "the", "widget"] in [words for words, _ in sentences(rows=[row], each=0)]


def test_a_word_that_no_dictionary_has_is_pronounced() -> None:
    found = Pronunciations({"abba": "AE B AH"}).of(["light", "khruangbin", "rós", "khruangbin's", "abba"])
    assert found["light"] == ["L AY T"]
    assert found["abba"] == ["AE B AH"]
    assert found["khruangbin"][0].split()[0] == "K"
    assert set(found) == {"light", "khruangbin", "rós", "khruangbin's", "abba"}


@pytest.mark.parametrize(("ipa", "said"), [("l_ˈaɪ_t", "L AY T"), ("tʃ_ˈɜː_tʃ", "CH ER CH"), ("q_œ_ʔ", "ER"), ("", "")])
def test_phonemes_are_mapped_and_unknown_ones_left_out(ipa: str, said: str) -> None:
    assert phones(ipa) == said
