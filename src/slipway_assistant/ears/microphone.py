"""The microphone as a source of sound: `with Microphone(settings.microphone) as source: for pcm in source: ...`"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from slipway.errors import InfrastructureError, MissingExtra
from slipway_assistant.ears.resample import RATE, Pcm, Resampler

BLOCK_S = 0.032
HELD_BLOCKS = 1_000
"""So many blocks (32 s) may wait for a listener that is busy; then the newest is dropped and counted."""
GONE_S = 5.0
"""A microphone that gives nothing for so long was pulled out."""
LIBRARY = "apt-get install libportaudio2"


def sounddevice() -> Any:
    """The module, or an error that says what to install: the wheel for Linux holds no PortAudio."""
    try:
        import sounddevice as module
    except ImportError:
        raise MissingExtra.named("voice", "sounddevice") from None
    except OSError as error:
        raise InfrastructureError(f"the sound library PortAudio is missing: {error}", mend=LIBRARY) from None
    return module


def devices() -> list[str]:
    """Names of what one can listen to."""
    return [str(device["name"]) for device in sounddevice().query_devices() if device["max_input_channels"] > 0]


class Microphone:
    """Gives blocks of 16 kHz mono. `dropped` counts blocks that came while nobody took them."""

    def __init__(self, device: str = "") -> None:
        self._device = (int(device) if device.isdecimal() else device) if device else None
        self._waiting: queue.Queue[Pcm | None] = queue.Queue(HELD_BLOCKS)
        self._stream: Any = None
        self._resampler: Resampler | None = None
        self.dropped = 0

    def __enter__(self) -> Self:
        sound = sounddevice()
        try:
            found = sound.query_devices(self._device, "input")
            rate = RATE if self._accepts(sound, RATE) else round(found["default_samplerate"])
            self._resampler = None if rate == RATE else Resampler(rate)
            self._stream = sound.InputStream(
                samplerate=rate,
                blocksize=round(rate * BLOCK_S),
                device=self._device,
                channels=1,
                dtype="int16",
                latency="low",
                callback=self._came,
            )
            self._stream.start()
        except (sound.PortAudioError, ValueError, OSError) as error:
            known = ", ".join(devices()) or "none"
            raise InfrastructureError(
                f"no sound comes from the microphone {self._device or ''}: {error}".replace(" :", ":"),
                mend=f"connect one or name it: SLIPWAY_ASSISTANT_MICROPHONE=...; there is: {known}",
            ) from None
        return self

    def _accepts(self, sound: Any, rate: int) -> bool:
        try:
            sound.check_input_settings(self._device, channels=1, dtype="int16", samplerate=rate)
        except (sound.PortAudioError, ValueError):
            return False
        return True

    def _came(self, data: Any, _frames: int, _time: Any, _status: Any) -> None:
        """Called by PortAudio's own thread, which must not wait."""
        try:
            self._waiting.put_nowait(np.array(data[:, 0], dtype=np.int16))
        except queue.Full:
            self.dropped += 1

    def __iter__(self) -> Iterator[Pcm]:
        """Blocks as they come, until the microphone is closed."""
        while True:
            try:
                block = self._waiting.get(timeout=GONE_S)
            except queue.Empty:
                raise InfrastructureError(
                    f"the microphone gave nothing for {GONE_S:.0f} s", mend="is it still connected?"
                ) from None
            if block is None:
                return
            yield self._resampler.feed(block) if self._resampler else block

    def close(self) -> None:
        """Stop listening; whoever iterates comes to the end."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            self._waiting.get_nowait()
            self._waiting.put_nowait(None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
