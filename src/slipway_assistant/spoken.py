"""Speech for tests and benchmarks: sentences said by espeak-ng in several voices and speeds, with noise, always the same.

`say("what time is it")` gives the sound and where in it somebody speaks. Not the assistant's own voice: that is `voice/`.
espeak-ng is a clear and even speaker. What is measured on it says how ways of listening compare, not how well people in a
kitchen are heard.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError, InfrastructureError
from slipway_assistant.data import Utterance
from slipway_assistant.ears.resample import RATE, Pcm, as_int16, to_16k

VOICES = ("en-us", "en-us+f3", "en-gb", "en-gb-x-rp+f2", "en-gb-scotland+m3", "en-us+m7")
SPEEDS = (145, 170, 195)
SNRS = (20, 10)
LOUDNESS = 2_000.0
"""Root mean square of the speech: about -24 dB of full scale, which is what microphones give."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a sentence is said: espeak-ng's voice, words a minute, and speech over noise in dB (None: only dither)."""

    voice: str = "en-us"
    speed: int = 170
    snr_db: int | None = 20
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A sound and the true times in it: the first and the last sample that are speech, before noise was added."""

    pcm: Pcm
    begins_s: float
    ends_s: float
    manner: Manner


def say(
    text: str, manner: Manner | None = None, *, lead_s: float = 0.4, trail_s: float = 1.2, cache: Path | None = None
) -> Said:
    """A sentence said: noise from the first sample to the last, speech after `lead_s`; the same sound for the same manner."""
    manner = manner or Manner()
    clear = clear_speech(text, manner.voice, manner.speed, cache=cache)
    loud = np.nonzero(np.abs(clear) > 0.01 * np.max(np.abs(clear), initial=1))[0]
    if not len(loud):
        raise DataError(f"espeak-ng says nothing for {text!r}", mend="give it words")
    clear = clear[loud[0] : loud[-1] + 1].astype(np.float64)
    clear *= LOUDNESS / np.sqrt(np.mean(clear**2))
    lead, trail = round(lead_s * RATE), round(trail_s * RATE)
    sound = np.concatenate([np.zeros(lead), clear, np.zeros(trail)])
    name = f"{text}|{manner.voice}|{manner.speed}|{manner.snr_db}|{manner.seed}"
    chance = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))
    sound += noise(len(sound), manner.snr_db, chance)
    return Said(as_int16(sound), lead / RATE, (lead + len(clear)) / RATE, manner)


def noise(samples: int, snr_db: float | None, chance: np.random.Generator) -> NDArray[np.float64]:
    """Pink noise, as rooms and fans make, `snr_db` under speech of `LOUDNESS`; None gives dither of one step only."""
    if snr_db is None:
        return chance.uniform(-1.0, 1.0, samples)
    white = np.fft.rfft(chance.standard_normal(samples))
    frequency = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 40.0)
    pink = np.fft.irfft(white / np.sqrt(frequency), samples)
    pink *= LOUDNESS / 10 ** (snr_db / 20) / np.sqrt(np.mean(pink**2))
    return np.asarray(pink + chance.uniform(-1.0, 1.0, samples), dtype=np.float64)


def clear_speech(text: str, voice: str, speed: int, *, cache: Path | None = None) -> Pcm:
    """What espeak-ng says, without any noise, at 16 kHz; kept in `cache` when one is given."""
    kept = None
    if cache is not None:
        kept = cache / f"{hashlib.sha256(f'{voice}|{speed}|{text}'.encode()).hexdigest()[:24]}.npy"
        if kept.is_file():
            return np.asarray(np.load(kept, allow_pickle=False), dtype=np.int16)
    # After "--" a sentence that starts with a dash is no option.
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", "--", text]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    except FileNotFoundError:
        raise InfrastructureError("espeak-ng is missing", mend="apt-get install espeak-ng") from None
    except subprocess.SubprocessError as error:
        raise InfrastructureError(f"espeak-ng could not say {text[:60]!r}: {error}") from None
    with wave.open(io.BytesIO(done.stdout)) as file:
        pcm = np.frombuffer(done.stdout[44:], np.int16)  # the header of a stream gives no true length
        pcm = to_16k(pcm, file.getframerate())
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside = kept.with_suffix(f".{id(pcm)}.tmp")
        with beside.open("wb") as out:
            np.save(out, pcm)
        beside.replace(kept)
    return pcm


def spread(rows: Sequence[Utterance], most: int, *, seed: int = 0) -> list[tuple[Utterance, Manner]]:
    """Up to `most` sentences with a manner for each: every voice, speed and noise in turn, so that all are as frequent."""
    order = np.random.default_rng(seed).permutation(len(rows))[:most]
    manners = [Manner(voice, speed, snr) for snr in SNRS for speed in SPEEDS for voice in VOICES]
    return [(rows[i], replace(manners[at % len(manners)], seed=seed)) for at, i in enumerate(order)]
