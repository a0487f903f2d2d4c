"""`dataset`: rows from a file, a folder, a list or the store's traces, as a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from slipway.data import Example, plain
from slipway.errors import DataError
from slipway.evals.datasets.dataset import Dataset
from slipway.evals.datasets.read import read_csv, read_jsonl
from slipway.evals.datasets.rows import Fields, Place, Row, Where, examples_of

if TYPE_CHECKING:
    from slipway.store.protocol import Store

TEXT = {".jsonl": read_jsonl, ".ndjson": read_jsonl, ".json": read_jsonl, ".csv": read_csv, ".tsv": read_csv}


def dataset(
    source: Any,
    *,
    name: str | None = None,
    id: str = "id",  # noqa: A002 - the field's own word
    input: str | Sequence[str] = "input",  # noqa: A002
    expected: str | Sequence[str] | None = "expected",
    cluster: str | None = None,
    slices: Sequence[str] = (),
    where: Where = None,
    split: str | None = None,
) -> Dataset:
    """The examples of a source.

    ``source`` is a file (.jsonl, .ndjson, .json, .csv, .tsv, .parquet, .arrow), a folder written by Hugging Face ``datasets``
    (``save_to_disk``; ``split`` chooses among several), a list of mappings or examples, or a store, whose spans that
    satisfy ``where`` become examples.

    ``id``, ``input``, ``expected`` and ``cluster`` name the fields of a row; several names for ``input`` or ``expected``
    make one mapping. All other fields become metadata, of which ``slices`` are reported separately. Rows without an id get
    the hash of their content. ``where`` keeps only rows that satisfy it: a function of the row, or conditions such as
    ``{"lang": "en", "level__ge": 3}``.

    Raises `DataError` naming file, line and field when a row cannot be used, and when there are no rows at all.
    """
    fields = Fields(id=id, input=input, expected=expected, cluster=cluster)
    slices = (slices,) if isinstance(slices, str) else tuple(slices)
    label, rows, where = _rows(source, where, split)
    examples = examples_of(rows, fields, where, slices)
    if not examples:
        reason = f"no row of {label} satisfies where={where!r}" if where else f"{label} has no rows"
        raise DataError(reason, mend="loosen the condition" if where else "give it at least one")
    return Dataset(name=name or _name(source), examples=examples, slices=slices, source=label)


def _rows(source: Any, where: Where, split: str | None) -> tuple[str, Iterable[Row], Where]:
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return str(path), _file_rows(path, split), where
    if hasattr(source, "find") and hasattr(source, "get_blob"):
        from slipway.evals.datasets.traces import span_rows

        if callable(where):
            raise DataError("traces are chosen by conditions, not by a function", mend='where={"name": "answer"}')
        return f"traces of {source.url}", span_rows(cast("Store", source), where or {}), None
    if isinstance(source, Iterable) and not isinstance(source, bytes | Mapping):
        return "the list", _listed(source), where
    raise DataError(
        f"cannot read examples from {type(source).__name__}", mend="give a path, a list of rows, or a store"
    )


def _file_rows(path: Path, split: str | None) -> Iterator[Row]:
    if path.is_dir():
        from slipway.evals.datasets.columnar import read_folder

        return read_folder(path, split)
    if not path.is_file():
        raise DataError(f"there is no file {path}", mend="check the path; it is relative to the working directory")
    if path.suffix.lower() in (".parquet", ".arrow"):
        from slipway.evals.datasets.columnar import read_arrow, read_parquet

        return read_parquet(path) if path.suffix.lower() == ".parquet" else read_arrow(path)
    try:
        read = TEXT[path.suffix.lower()]
    except KeyError:
        raise DataError(
            f"{path}: no reader for {path.suffix or 'a file without suffix'}",
            mend="use .jsonl, .csv, .parquet or .arrow",
        ) from None
    return read(path)


def _listed(rows: Iterable[Any]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        yield Place("the list", number, "row"), plain_fields(row) if isinstance(row, Example) else row


def plain_fields(example: Example) -> dict[str, Any]:
    """An example as the row that reads back as it."""
    row = {"id": example.id, "input": example.input, "expected": example.expected, "metadata": dict(example.metadata)}
    return row if example.cluster is None else {**row, "cluster": plain(example.cluster)}


def _name(source: Any) -> str:
    if isinstance(source, str | os.PathLike):
        return Path(source).absolute().stem
    return "traces" if hasattr(source, "get_blob") else "dataset"
