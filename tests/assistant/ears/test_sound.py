"""Sound of any rate, width and number of channels becomes the same sound; a bad file is answered in words."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from slipway.errors import DataError
from slipway_assistant.ears import wav
from slipway_assistant.ears.resample import RATE, Resampler, to_16k


def tone(rate: int, hertz: float = 1_000.0, seconds: float = 0.5) -> np.ndarray:
    return 10_000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_stays_the_tone(rate: int) -> None:
    made, expected = to_16k(tone(rate), rate), tone(RATE)
    assert len(made) == len(expected)
    assert np.abs(made[300:-300] - expected[300:-300]).max() < 20


def test_what_16_khz_cannot_hold_is_filtered_and_not_folded_down() -> None:
    assert np.abs(to_16k(tone(48_000, 9_500.0), 48_000)[300:-300]).max() < 20


def test_a_stream_in_pieces_is_the_same_as_in_one() -> None:
    chance, sound = np.random.default_rng(3), tone(44_100)
    stream, made, at = Resampler(44_100), [], 0
    while at < len(sound):
        size = int(chance.integers(1, 900))
        made.append(stream.feed(sound[at : at + size]))
        at += size
    made.append(stream.finish())
    assert np.array_equal(np.concatenate(made), to_16k(sound, 44_100))


def write(path: Path, samples: np.ndarray, *, width: int, channels: int, rate: int = 22_050) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        whole = np.rint(samples * 2.0 ** (8 * (width - 2))).astype(np.int64)
        if width == 1:
            whole += 128
        raw = np.repeat(whole, channels).astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width]
        file.writeframes(raw.tobytes())
    return path


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_width_and_channels_give_the_same_sound(tmp_path: Path, width: int, channels: int) -> None:
    made = wav.read(write(tmp_path / "in.wav", tone(22_050), width=width, channels=channels))
    assert np.abs(made[300:-300] - tone(RATE)[300:-300]).max() < (300 if width == 1 else 20)


def form(coding: int, channels: int, rate: int, bits: int) -> bytes:
    return struct.pack("<4sIHHIIHH", b"fmt ", 16, coding, channels, rate, 0, 0, bits)


def riff(*parts: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", sum(map(len, parts)) + 4) + b"WAVE" + b"".join(parts)


def test_floats_are_read_and_impossible_ones_tamed() -> None:
    values = np.array([0.5, np.nan, np.inf, -7.0] * 100, "<f4").tobytes()
    made = wav.read(riff(form(3, 1, RATE, 32), struct.pack("<4sI", b"data", len(values)), values))
    assert list(made[:4]) == [16_384, 0, 32_767, -32_767]


def test_a_size_that_was_not_known_when_writing_is_no_harm() -> None:
    data = struct.pack("<4sI", b"data", 0xFFFFFFFF) + np.ones(100, "<i2").tobytes()
    assert len(wav.read(riff(form(1, 1, RATE, 16), data))) == 100


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"RIFF",
        b"ID3 an MP3 file" * 50,
        riff(form(1, 1, RATE, 16)),
        riff(struct.pack("<4sI", b"data", 2), b"\0\0"),
        riff(b"fmt \4\0\0\0\1\0", b"data"),
        riff(form(85, 1, RATE, 16), b"data\0\0\0\0"),
        riff(form(1, 0, RATE, 16), b"data\0\0\0\0"),
        riff(form(1, 1, 0, 16), b"data\0\0\0\0"),
        riff(form(1, 1, RATE, 12), b"data\0\0\0\0"),
        riff(form(0xFFFE, 1, RATE, 16), b"data\0\0\0\0"),
    ],
)
def test_a_file_that_is_no_wav_is_refused_with_what_to_do(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(bad)
    with pytest.raises(DataError, match="ffmpeg"):
        wav.read(path)


def test_a_missing_file_and_an_endless_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.wav cannot be read"):
        wav.read(tmp_path / "none.wav")
    hour = riff(form(1, 1, 4_000, 8), struct.pack("<4sI", b"data", 4_000 * 3_600), b"\x80" * (4_000 * 3_600))
    with pytest.raises(DataError, match="3600 s"):
        wav.read(hour)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    sound = tone(RATE).astype(np.int16)
    wav.write(tmp_path / "out.wav", sound)
    assert np.array_equal(wav.read(tmp_path / "out.wav"), sound)
