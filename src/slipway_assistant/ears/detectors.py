"""Is anybody speaking? `Silero` (a small network, the better one) and `WebRtc` (no network, almost free).

Both are asked a frame at a time and keep what they need of the frames before.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import MissingExtra
from slipway_assistant.ears.hearing import Detector
from slipway_assistant.ears.resample import RATE, Pcm

_CONTEXT = 64
"""Samples of the frame before that Silero looks at again."""


class Silero:
    """Silero v6, which comes inside faster-whisper: 32 ms a frame, about 0.3 ms of one core for each."""

    frame = 512

    def __init__(self, path: Path | None = None) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtra.named("assistant", "onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(
            str(path or silero_file()), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._state = [np.zeros((1, 1, 128), np.float32) for _ in range(2)]
        self._before: NDArray[np.float32] = np.zeros(_CONTEXT, np.float32)

    def voiced(self, frame: Pcm) -> float:
        """How probably somebody speaks in these 512 samples."""
        sound = frame.astype(np.float32) / np.float32(32_768)
        told = {"input": np.concatenate([self._before, sound])[None], "h": self._state[0], "c": self._state[1]}
        probability, *self._state = self._session.run(None, told)
        self._before = sound[-_CONTEXT:]
        return float(probability[0])


def silero_file() -> Path:
    """Where faster-whisper keeps the network. Looked up without importing it, which would take a second."""
    found = importlib.util.find_spec("faster_whisper")
    kept = Path(found.origin).parent / "assets" if found and found.origin else None
    files = sorted(kept.glob("silero_vad*.onnx")) if kept else []
    if not files:
        raise MissingExtra.named("voice", "faster-whisper, which brings Silero's network,")
    return files[-1]


class WebRtc:
    """The detector of WebRTC: 20 ms a frame, microseconds each. It takes loud noise and music for speech more often."""

    frame = 320

    def __init__(self, strictness: int = 2) -> None:
        try:
            import webrtcvad
        except ImportError:
            raise MissingExtra.named("voice", "webrtcvad") from None
        self._vad: Any = webrtcvad.Vad(strictness)

    def voiced(self, frame: Pcm) -> float:
        """1 or 0: it gives no probability."""
        return float(self._vad.is_speech(frame.tobytes(), RATE))


def open_detector(name: str = "") -> Detector:
    """The detector of that name; without one Silero where it is installed, else WebRTC's."""
    if name == "webrtc":
        return WebRtc()
    if name == "silero":
        return Silero()
    try:
        return Silero()
    except MissingExtra:
        return WebRtc()
