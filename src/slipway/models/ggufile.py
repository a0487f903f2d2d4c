"""What a GGUF file says of itself, read without trusting it: every length is checked against the file before it is believed."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from slipway.errors import DataError

MAGIC = b"GGUF"
MOST_KEYS = 16_384
MOST_TENSORS = 65_536
MOST_ITEMS = 4_000_000
LONGEST_KEY = 65_535
LONGEST_TEXT = 4 * 1024 * 1024
SHOWN_ITEMS = 8
MOST_DIMENSIONS = 4

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9

# type number -> (name, weights in a block, bytes of a block)
TYPES: Mapping[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """An array of the metadata: how long it is, and its first items."""

    count: int
    first: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class GGUF:
    """The header of a GGUF file. ``metadata`` holds numbers, texts and `Listed` arrays by key."""

    path: Path
    size: int
    version: int
    metadata: Mapping[str, Any]
    tensors: int
    parameters: int
    types: Mapping[str, int]
    """How many tensors there are of each type."""

    @property
    def architecture(self) -> str:
        """Such as ``llama``; "" when the file does not say."""
        return self.text("general.architecture")

    @property
    def is_adapter(self) -> bool:
        """Whether it is a LoRA adapter rather than a model."""
        return self.text("general.type") == "adapter"

    @property
    def context(self) -> int:
        """How many tokens it was made for; 0 when the file does not say."""
        return self._number("context_length")

    @property
    def template(self) -> str:
        """Its chat template; "" when it has none."""
        return self.text("tokenizer.chat_template")

    def text(self, key: str) -> str:
        """A text of the metadata; "" when there is none."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def _number(self, key: str) -> int:
        value = self.metadata.get(f"{self.architecture}.{key}")
        return value if type(value) is int and value > 0 else 0


def read_gguf(path: Path) -> GGUF:
    """The header. Raises `DataError` when the file is no GGUF file, is cut short, or says what cannot be."""
    try:
        with path.open("rb") as file:
            return _Reading(path, file).whole()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", mend="check the path and its permissions") from None


class _Reading:
    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._at = 0
        self._items = 0
        self._order = "<"

    def whole(self) -> GGUF:
        version, tensors, keys = self._start()
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            key = self._text(LONGEST_KEY)
            metadata[key] = self._value(self._number("I"))
        types: dict[str, int] = {}
        parameters, furthest = 0, 0
        for _ in range(tensors):
            kind, weights, end = self._tensor()
            types[kind] = types.get(kind, 0) + 1
            parameters += weights
            furthest = max(furthest, end)
        alignment = metadata.get("general.alignment", 32)
        if type(alignment) is not int or not 1 <= alignment <= 65_536 or alignment & (alignment - 1):
            raise self._wrong(f"its alignment is {alignment!r}")
        begins = -(-self._at // alignment) * alignment
        if tensors and begins + furthest > self._size:
            raise DataError(
                f"{self._path} is cut short: it has {self._size:,} of at least {begins + furthest:,} bytes",
                mend="fetch it again: slipway model pull",
            )
        return GGUF(self._path, self._size, version, metadata, tensors, parameters, types)

    def _start(self) -> tuple[int, int, int]:
        if self._bytes(4) != MAGIC:
            raise DataError(f"{self._path} is no GGUF file", mend="a model for llama.cpp ends in .gguf")
        version = self._number("I")
        if version > 0xFFFF:  # written on a machine of the other byte order
            self._order = ">"
            version = struct.unpack(">I", struct.pack("<I", version))[0]
        if version not in (2, 3):
            raise self._wrong(f"its version is {version}, not 2 or 3")
        tensors, keys = self._number("Q"), self._number("Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise self._wrong(f"it claims {tensors:,} tensors and {keys:,} keys")
        return version, tensors, keys

    def _tensor(self) -> tuple[str, int, int]:
        self._text(LONGEST_KEY)
        dimensions = self._number("I")
        if dimensions > MOST_DIMENSIONS:
            raise self._wrong(f"a tensor has {dimensions} dimensions")
        weights = math.prod(self._number("Q") for _ in range(dimensions))
        number, offset = self._number("I"), self._number("Q")
        name, block, size = TYPES.get(number, (f"type {number}", 1, 0))
        return name, weights, offset + weights // block * size

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind == TEXT:
            return self._text(LONGEST_TEXT)
        if kind == ARRAY and depth < 2:
            return self._array(depth)
        raise self._wrong(f"a value has the type {kind}")

    def _array(self, depth: int) -> Listed:
        kind, count = self._number("I"), self._number("Q")
        self._items += count
        if self._items > MOST_ITEMS:
            raise self._wrong(f"its arrays have more than {MOST_ITEMS:,} items")
        shown = min(count, SHOWN_ITEMS)
        first = tuple(self._value(kind, depth + 1) for _ in range(shown))
        if kind in NUMBERS:
            self._skip((count - shown) * struct.calcsize("=" + NUMBERS[kind]))
        else:
            for _ in range(count - shown):
                self._skip(self._number("Q")) if kind == TEXT else self._value(kind, depth + 1)
        return Listed(count, first)

    def _text(self, longest: int) -> str:
        length = self._number("Q")
        if length > longest:
            raise self._wrong(f"a text claims {length:,} bytes")
        return self._bytes(length).decode("utf-8", "replace")

    def _number(self, code: str) -> Any:
        form = self._order + code
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(count) if self._at + count <= self._size else b""
        if len(found) != count:
            raise DataError(f"{self._path} is cut short in its header", mend="fetch it again: slipway model pull")
        self._at += count
        return found

    def _skip(self, count: int) -> None:
        if self._at + count > self._size:
            raise DataError(f"{self._path} is cut short in its header", mend="fetch it again: slipway model pull")
        self._file.seek(count, os.SEEK_CUR)
        self._at += count

    def _wrong(self, why: str) -> DataError:
        return DataError(f"{self._path} is no sound GGUF file: {why}", mend="fetch it again: slipway model pull")
