"""The linear mind made small enough to ship: the classifier's weights as bytes with one scale for each label, all deflated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

WEIGHTS = "classifier.weights"
SCALES = "classifier.scales"


def save_slim(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a deflated .npz; never a pickle. A weight is off by at most 1/254 of the label's largest."""
    small = dict(arrays)
    weights = small[WEIGHTS]
    # Twelve binary digits of a scale: its products with bytes are then exact, and saving what was loaded changes nothing.
    digits, powers = np.frexp(np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127)
    scales = np.ldexp(np.ceil(digits * 4096) / 4096, powers)
    small[WEIGHTS] = np.rint(weights / scales).astype(np.int8)
    small[SCALES] = scales.astype(np.float32)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **small)


def load_slim(path: Path) -> dict[str, NDArray[Any]]:
    """Read what `save_slim` wrote, the weights as they were to within half a step."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    arrays[WEIGHTS] = arrays[WEIGHTS].astype(np.float32) * arrays.pop(SCALES)
    return arrays
