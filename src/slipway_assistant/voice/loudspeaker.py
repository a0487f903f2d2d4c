"""Where speech goes: a loudspeaker, or a tape that keeps it (and writes a WAV). Both end within one chunk when told to."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slipway.errors import InfrastructureError
from slipway_assistant.voice.voice import Audio

if TYPE_CHECKING:
    from numpy import int16
    from numpy.typing import NDArray

CHUNK_S = 0.02


class Sink(Protocol):
    """Takes chunks of sound."""

    def write(self, pcm: NDArray[int16], rate: int) -> None:
        """Play these samples, or keep them. May wait until there is room for more."""
        ...

    def drain(self) -> None:
        """Return when all of it has sounded."""
        ...

    def abort(self) -> None:
        """What was written and has not sounded yet never will."""
        ...


def play(
    audios: Iterable[Audio],
    sink: Sink,
    stopped: threading.Event | None = None,
    *,
    heard: Callable[[Audio], None] | None = None,
) -> bool:
    """Send sound to a sink, 20 ms at a time. Returns whether all was played; False when `stopped` was set meanwhile.

    `heard` is told each piece when its first chunk is on its way.
    """
    for audio in audios:
        step = max(1, round(audio.rate * CHUNK_S))
        for at in range(0, len(audio.pcm), step):
            if stopped is not None and stopped.is_set():
                sink.abort()
                return False
            sink.write(audio.pcm[at : at + step], audio.rate)
            if at == 0 and heard is not None:
                heard(audio)
    if stopped is not None and stopped.is_set():
        sink.abort()
        return False
    sink.drain()
    return True


class Tape:
    """Keeps what is said. `pcm` is all of it at `rate`; `save` writes a WAV."""

    def __init__(self) -> None:
        self.rate = 0
        self._parts: list[Any] = []

    def write(self, pcm: NDArray[int16], rate: int) -> None:
        """Keep it. Speech at another rate than the first is brought to that."""
        self.rate = self.rate or rate
        self._parts.append(pcm if rate == self.rate else _at_rate(pcm, rate, self.rate))

    def drain(self) -> None:
        """Nothing waits on a tape."""

    def abort(self) -> None:
        """What is on the tape stays there."""

    @property
    def pcm(self) -> NDArray[int16]:
        """All samples so far."""
        import numpy as np

        whole: NDArray[int16] = np.concatenate([np.zeros(0, np.int16), *self._parts], dtype=np.int16)
        return whole

    def save(self, path: Path) -> None:
        """Write it as a WAV that only its owner may read."""
        save_wav(path, self.pcm, self.rate or 16_000)


def save_wav(path: Path, pcm: NDArray[int16], rate: int) -> None:
    """Write samples as a WAV of one channel, for its owner only."""
    import os

    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out, wave.open(out) as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())


def _at_rate(pcm: NDArray[int16], rate: int, wanted: int) -> NDArray[int16]:
    import numpy as np

    at = np.arange(round(len(pcm) * wanted / rate)) * (rate / wanted)
    brought: NDArray[int16] = np.interp(at, np.arange(len(pcm)), pcm).astype(np.int16)
    return brought


class Loudspeaker:
    """The loudspeaker called `device` (empty: the usual one), through PortAudio.

    Raises `InfrastructureError` with what to install, or with the devices that there are.
    """

    def __init__(self, device: str = "") -> None:
        self._device = device or None
        self._stream: Any = None
        self._rate = 0
        self._sound = _sounddevice()
        self.playing: NDArray[int16] | None = None
        """The chunk that sounds now, or will in a few milliseconds; None when all is silent."""

    def write(self, pcm: NDArray[int16], rate: int) -> None:
        """Play it. Waits while more than a few chunks have not sounded yet."""
        self.playing = pcm
        if self._stream is None or rate != self._rate:
            self.close()
            self._open(rate)
        self._stream.write(pcm.tobytes())

    def _open(self, rate: int) -> None:
        try:
            self._stream = self._sound.RawOutputStream(
                samplerate=rate, channels=1, dtype="int16", device=self._device, latency="low"
            )
            self._stream.start()
        except Exception as error:  # PortAudioError, or ValueError for a name that no device has
            self._stream = None
            raise InfrastructureError(
                f"the loudspeaker cannot be used: {error}",
                mend="see which devices there are: python -m sounddevice; or speak into a file: talk --wav IN --out OUT",
            ) from error
        self._rate = rate

    def drain(self) -> None:
        """Wait for the last chunk."""
        if self._stream is not None:
            self._stream.stop()
            self._stream.start()
        self.playing = None

    def abort(self) -> None:
        """Silence at once."""
        self.playing = None
        if self._stream is not None:
            self._stream.abort()
            self._stream.start()

    def close(self) -> None:
        """Give the device back."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError:
        raise InfrastructureError("sound needs sounddevice", mend="pip install 'slipway[voice]'") from None
    except OSError:  # the package is there, PortAudio's library is not
        raise InfrastructureError("PortAudio is missing", mend="apt-get install libportaudio2") from None
    return sounddevice
