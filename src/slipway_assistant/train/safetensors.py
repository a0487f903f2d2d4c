"""Read a .safetensors file: a length, a JSON header with name, type, shape and place of each array, and the arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from slipway.errors import DataError
from slipway_assistant.neural import Floats

_LONGEST_HEADER = 10_000_000


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The arrays of 32-bit floats by name; arrays of other types are left out. Raises DataError for another file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(_LONGEST_HEADER, len(content) - 8):
        raise DataError(f"{path} is no safetensors file", mend="take the file model.safetensors of the model")
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError as error:
        raise DataError(
            f"the header of {path} cannot be read: {error}", mend="take the file model.safetensors of the model"
        ) from error
    found: dict[str, Floats] = {}
    for name, said in header.items():
        if name == "__metadata__" or said["dtype"] != "F32":
            continue
        start, end = (8 + length + place for place in said["data_offsets"])
        if end > len(content):
            raise DataError(f"{path} ends within {name}", mend="copy the file again")
        found[name] = np.frombuffer(content[start:end], dtype="<f4").reshape(said["shape"]).copy()
    return found
