"""Rows of Parquet files, Arrow files and folders that Hugging Face ``datasets`` saved. Needs the extra ``parquet`` (pyarrow)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.errors import DataError, MissingExtra
from slipway.evals.datasets.rows import Place, Row

BATCH = 1024


def read_parquet(path: Path) -> Iterator[Row]:
    """A row for each row of the file."""
    pyarrow = _pyarrow()
    from pyarrow import parquet

    with path.open("rb") as file:
        try:
            batches = parquet.ParquetFile(file).iter_batches(batch_size=BATCH)
            yield from _rows(str(path), batches, 0)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is not a Parquet file that can be read: {error}", mend="write it again") from None


def read_arrow(path: Path, *, before: int = 0, label: str = "") -> Iterator[Row]:
    """A row for each row of an Arrow file, in the stream format (as ``datasets`` writes) or the file format."""
    pyarrow = _pyarrow()
    with path.open("rb") as file:
        try:
            if file.read(6) == b"ARROW1":
                file.seek(0)
                reader = pyarrow.ipc.open_file(file)
                batches: Any = (reader.get_batch(index) for index in range(reader.num_record_batches))
            else:
                file.seek(0)
                batches = pyarrow.ipc.open_stream(file)
            yield from _rows(label or str(path), batches, before)
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is not an Arrow file that can be read: {error}", mend="save it again") from None


def read_folder(folder: Path, split: str | None) -> Iterator[Row]:
    """The rows of a folder written by ``Dataset.save_to_disk`` or, with ``split``, by ``DatasetDict.save_to_disk``."""
    if (folder / "dataset_dict.json").is_file():
        splits = [str(name) for name in _json(folder / "dataset_dict.json").get("splits", [])]
        if split is None and len(splits) == 1:
            split = splits[0]
        if split not in splits:
            raise DataError(f"{folder} has the splits {', '.join(splits)}", mend='choose one: split="..."')
        folder = folder / split
    if not (folder / "state.json").is_file():
        raise DataError(
            f"{folder} is a folder without state.json, so not one that datasets saved",
            mend="name a file, or save_to_disk()",
        )
    state = _json(folder / "state.json")
    if state.get("_indices_files"):
        raise DataError(f"{folder} holds a selection of rows", mend="call flatten_indices() before save_to_disk()")
    before = 0
    for entry in state.get("_data_files") or []:
        # Only the file's own name is used: a state.json from elsewhere cannot point out of its folder.
        file = folder / Path(str(entry.get("filename", ""))).name
        if not file.is_file():
            raise DataError(f"{folder}: state.json names {file.name}, which is not there", mend="copy the whole folder")
        for place, row in read_arrow(file, before=before, label=str(folder)):
            before = place.number
            yield place, row


def _rows(label: str, batches: Any, before: int) -> Iterator[Row]:
    number = before
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield Place(label, number, "row"), row


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{path} is not a JSON object", mend="copy the whole folder again")
    return value


def _pyarrow() -> Any:
    try:
        import pyarrow as imported
        import pyarrow.ipc
    except ImportError:
        raise MissingExtra.named("parquet", "pyarrow") from None
    return imported
