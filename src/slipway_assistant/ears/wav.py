"""A WAV file as a source of sound: `read("question.wav")`. Any rate, width and number of channels."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError
from slipway_assistant.ears.resample import RATE, Pcm, as_int16, to_16k

BLOCK = 512
LONGEST_S = 600
MOST_BYTES = 512 << 20
_FLOAT, _EXTENSIBLE = 3, 0xFFFE
CONVERT = "convert it: ffmpeg -i FILE -ac 1 -ar 16000 -c:a pcm_s16le speech.wav"


def read(source: Path | str | bytes) -> Pcm:
    """The sound of a WAV file (or its bytes) in one channel at 16 kHz. DataError says what is wrong with a bad one."""
    name = "the sound" if isinstance(source, bytes) else str(source)
    try:
        if not isinstance(source, bytes) and Path(source).stat().st_size > MOST_BYTES:
            raise DataError(f"{name} is larger than {MOST_BYTES >> 20} MiB", mend="cut it into pieces")
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise DataError(
            f"{name} cannot be read: {error.strerror or error}", mend="give the path of a WAV file"
        ) from None
    try:
        samples, rate, channels = _decode(data)
    except (wave.Error, EOFError, struct.error, ValueError) as error:
        raise DataError(
            f"{name} is no WAV file that can be read: {error or 'it ends too early'}", mend=CONVERT
        ) from None
    whole = samples[: len(samples) // channels * channels].reshape(-1, channels)
    if len(whole) > LONGEST_S * rate:
        raise DataError(f"{name} lasts {len(whole) / rate:.0f} s", mend=f"cut it into pieces of {LONGEST_S} s at most")
    return to_16k(as_int16(whole.mean(axis=1)), rate) if len(whole) else np.zeros(0, np.int16)


def blocks(pcm: Pcm, size: int = BLOCK) -> Iterator[Pcm]:
    """The sound in pieces, as a microphone would give it; the last piece is as long as what is left."""
    for at in range(0, len(pcm), size):
        yield pcm[at : at + size]


def write(path: Path, pcm: Pcm, rate: int = RATE) -> None:
    """Write one channel of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.astype("<i2").tobytes())


def _decode(data: bytes) -> tuple[NDArray[np.float64], int, int]:
    """Samples on the scale of 16 bits, rate, channels. Written by hand since `wave` of Python 3.11 reads no floats."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("it does not begin as one")
    form: tuple[Any, ...] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            form = struct.unpack_from("<HHIIHH", data, at + 8)
            if form[0] == _EXTENSIBLE:
                form = (struct.unpack_from("<H", data, at + 32)[0], *form[1:])
        elif name == b"data":
            if form is None:
                raise ValueError("its samples come before their form")
            # A program that writes to a pipe cannot know the size and leaves a huge one: then all that is there counts.
            return _samples(io.BytesIO(data[at + 8 : at + 8 + size]).getvalue(), form)
        at += 8 + size + size % 2
    raise ValueError("it has no samples")


def _samples(raw: bytes, form: tuple[Any, ...]) -> tuple[NDArray[np.float64], int, int]:
    coding, channels, rate, _, _, bits = form
    if coding not in (1, _FLOAT):
        raise ValueError(f"its samples are compressed (coding {coding})")
    if not 1 <= channels <= 32 or not 4_000 <= rate <= 384_000:
        raise ValueError(f"{channels} channels at {rate} Hz make no sense")
    width = bits // 8
    if bits % 8 or width not in ((4, 8) if coding == _FLOAT else (1, 2, 3, 4)):
        raise ValueError(f"samples of {bits} bits are unknown")
    raw = raw[: len(raw) // width * width]
    if coding == _FLOAT:
        values = np.nan_to_num(np.frombuffer(raw, f"<f{width}").astype(np.float64), posinf=1.0, neginf=-1.0)
        return np.clip(values, -1.0, 1.0) * 32_767, rate, channels
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float64) - 128) * 256, rate, channels
    if width == 3:  # the three bytes become the upper ones of four
        whole = np.zeros((len(raw) // 3, 4), np.uint8)
        whole[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return whole.reshape(-1).view("<i4") / 65_536, rate, channels
    return np.frombuffer(raw, f"<i{width}") / (1 if width == 2 else 65_536.0), rate, channels
