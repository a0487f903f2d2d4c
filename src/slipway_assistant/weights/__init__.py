"""The shipped weights of the assistant's mind, and `check()`, which refuses them when a byte is not as it was trained.

MODEL_CARD.md beside this file says what they learned from, what they score and how to make them again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from slipway.errors import DataError

FOLDER = Path(__file__).parent
MANIFEST = "SHA256SUMS.txt"
_MEND = "install the package again, or make the weights: slipway-assistant train"


def manifest(folder: Path = FOLDER) -> dict[str, str]:
    """File -> SHA-256, as `sha256sum` writes it."""
    try:
        lines = (folder / MANIFEST).read_text("utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{folder / MANIFEST} cannot be read: {error}", mend=_MEND) from error
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines if line)}


def check(folder: Path = FOLDER) -> None:
    """Raise DataError unless every file of the manifest is there and has the SHA-256 that it names."""
    for name, expected in manifest(folder).items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(f"the weights lack {name}: {error}", mend=_MEND) from error
        if found != expected:
            raise DataError(f"{name} is not the file that was trained (SHA-256 {found[:12]})", mend=_MEND)


def write_manifest(folder: Path) -> None:
    """Write the manifest of a folder of weights."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix in {".onnx", ".npz", ".json"})
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", "utf-8")
