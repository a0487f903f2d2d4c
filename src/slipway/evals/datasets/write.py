"""Datasets as files for people and other programs."""

from __future__ import annotations

import csv
import os
from typing import Any

from slipway.data import canonical_json
from slipway.evals.datasets.dataset import Dataset

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_jsonl(dataset: Dataset, path: str | os.PathLike[str]) -> None:
    """Canonical JSON lines; `dataset(path)` reads back the same examples, hence (under the same name) the same version."""
    with open(path, "wb") as file:
        file.write(dataset.lines)


def write_csv(dataset: Dataset, path: str | os.PathLike[str]) -> None:
    """A table for a spreadsheet: id, input, expected, cluster, then each metadata field; what is not text as JSON.

    A text that a spreadsheet would run as a formula is written with an apostrophe before it, so what is read back may
    differ from what was written: keep JSON lines as the original.
    """
    own = ["id", "input", "expected", "cluster"]
    fields = list(dict.fromkeys(key for example in dataset for key in example.metadata))
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([safe_cell(name) for name in (*own, *(f"metadata.{f}" if f in own else f for f in fields))])
        for example in dataset:
            values = (*(getattr(example, name) for name in own), *(example.metadata.get(f) for f in fields))
            table.writerow([safe_cell(value) for value in values])


def safe_cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: numbers as they are, dangerous texts behind an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = value if isinstance(value, str) else canonical_json(value).decode()
    text = text.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
