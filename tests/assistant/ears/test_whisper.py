"""English, French and Japanese through faster-whisper's real loading path, with a tiny model made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.ears import tiny_whisper
from slipway.errors import ConfigError
from slipway_assistant.ears import open_ears
from slipway_assistant.ears.whisper import Whisper, whisper_folder
from slipway_assistant.settings import Settings
from slipway_assistant.spoken import Manner, say


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.make(tmp_path_factory.mktemp("whisper") / "tiny", detects="fr")


@pytest.fixture(scope="module")
def whisper(folder: Path) -> Whisper:
    return Whisper(folder, threads=1)


SPEECH = {"en": "turn on the light", "fr": "quelle heure est-il", "ja": "電気をつけて"}


@pytest.mark.parametrize("lang", SPEECH)
def test_speech_of_each_language_goes_through(folder: Path, tmp_path: Path, lang: str) -> None:
    ears = open_ears(Settings(data=str(tmp_path), language=lang, whisper={"all": str(folder)}))
    voice = {"en": "en-us", "fr": "fr", "ja": "ja"}[lang]
    speech = ears.hear(say(SPEECH[lang], Manner(voice)).pcm)
    assert speech is not None
    assert (speech.heard.lang, speech.heard.text) == (lang, tiny_whisper.SENTENCES[lang])
    assert 0.9 < speech.heard.confidence <= 1


def test_without_a_language_it_is_detected(folder: Path, tmp_path: Path) -> None:
    speech = open_ears(Settings(data=str(tmp_path), whisper={"all": str(folder)})).hear(
        say("bonjour", Manner("fr")).pcm
    )
    assert speech is not None
    assert (speech.heard.lang, speech.heard.text) == ("fr", tiny_whisper.SENTENCES["fr"])


def test_a_pulled_model_is_found_by_its_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_MODELS", str(tmp_path / "models"))
    pulled = tmp_path / "models" / "somebody" / "tiny"
    pulled.parent.mkdir(parents=True)
    pulled.symlink_to(folder)
    assert whisper_folder("somebody/tiny") == pulled
    assert whisper_folder(str(folder)) == folder
    assert whisper_folder("somebody/else") == Path("somebody/else")


def test_only_languages_that_are_understood_are_detected(folder: Path) -> None:
    assert Whisper(folder, ("en", "ja"), threads=1).transcribe(np.zeros(16_000, np.int16), "").lang in ("en", "ja")


def test_a_partial_text_comes_before_the_end(whisper: Whisper) -> None:
    hearing = whisper.listen("ja")
    sound = say("電気をつけて", Manner("ja")).pcm
    for _ in range(100_000):  # until the thread beside has a text; each piece also asks whether it has
        hearing.feed(sound[:16_000])
        if hearing.partial:
            break
    assert hearing.partial == tiny_whisper.SENTENCES["ja"]
    assert hearing.finish().text == tiny_whisper.SENTENCES["ja"]


def test_what_settled_is_ready_and_more_sound_takes_it_back(whisper: Whisper) -> None:
    hearing = whisper.listen("en")
    hearing.feed(np.ones(8_000, np.int16))
    hearing.settle()
    hearing.feed(np.ones(8_000, np.int16))
    assert hearing.finish().text == tiny_whisper.SENTENCES["en"]
    assert whisper.listen("en").finish().text == ""


def test_endless_sound_is_cut_at_what_whisper_looks_at(whisper: Whisper) -> None:
    hearing = whisper.listen("en")
    for _ in range(50):
        hearing.feed(np.zeros(16_000, np.int16))
    assert hearing._samples == 30 * 16_000
    assert hearing.finish().text == tiny_whisper.SENTENCES["en"]


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.bin, config\.json, tokenizer\.json.*slipway model pull"):
        Whisper(tmp_path)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.bin").write_bytes(b"no weights" * 100)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Whisper(tmp_path)
