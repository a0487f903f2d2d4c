"""Rows of text files: JSON lines (or one JSON list) and CSV, read as a stream, each with its line."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from slipway.errors import DataError
from slipway.evals.datasets.rows import Place, Row

MAX_FIELD = 256 * 1024 * 1024


def read_jsonl(path: Path) -> Iterator[Row]:
    """A row for each line that is not blank; or, when the file is one JSON list, for each of its items."""
    decoder = msgspec.json.Decoder()
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = _without_bom(path, line)
                if line.lstrip().startswith(b"["):
                    yield from _items(path, line + file.read())
                    return
            if line.strip():
                place = Place(str(path), number)
                yield place, decode(place, line, decoder)


def decode(place: Place, line: bytes, decoder: Any = None) -> Any:
    """One JSON text. Raises `DataError` with the column. Lone surrogates are kept as visible escapes."""
    try:
        return decoder.decode(line) if decoder else msgspec.json.decode(line)
    except RecursionError:
        raise _too_deep(place) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # Python's own parser is slower and says where; it also reads NaN and lone surrogates, judged by check_row
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: byte {error.start + 1} is not UTF-8", mend="save the file as UTF-8") from None
    except RecursionError:
        raise _too_deep(place) from None
    except ValueError as error:
        where = f" column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(f"{place}{where}: not JSON: {why}", mend="write one JSON object on each line") from None


def read_csv(path: Path) -> Iterator[Row]:
    """A row of texts for each record. The first record names the fields; comma, semicolon or tab is taken from it."""
    # The csv module's limit is one for the process and 131,072 by default: only ever raised, so no reader is hurt.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            yield from _records(path, csv.reader(file, delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8", mend="save it as CSV UTF-8") from None


def _records(path: Path, reader: Any) -> Iterator[Row]:
    names: list[str] | None = None
    line = 1
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path} line {line}: not CSV: {error}", mend="close its quotes, or quote the field"
            ) from None
        if not record:
            continue
        if names is None:
            names = _header(path, record)
            continue
        if len(record) != len(names):
            raise DataError(
                f"{path} line {line}: {len(record)} fields where the first line names {len(names)}",
                mend="quote a field that holds a comma or a line break",
            )
        yield Place(str(path), line), dict(zip(names, record, strict=True))


def _header(path: Path, record: list[str]) -> list[str]:
    names = [name.strip() for name in record]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated or "" in names:
        what = f"the field {min(repeated)!r} is named twice" if repeated - {""} else "a field has no name"
        raise DataError(f"{path} line 1: {what}", mend="name each column once in the first line")
    return names


def _without_bom(path: Path, line: bytes) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path} is UTF-16", mend="save it as UTF-8")
    return line.removeprefix(codecs.BOM_UTF8)


def _items(path: Path, text: bytes) -> Iterator[Row]:
    items = decode(Place(str(path), 1), text)
    for number, item in enumerate(items if isinstance(items, list) else [items], start=1):
        yield Place(str(path), number, "item"), item


def _too_deep(place: Place) -> DataError:
    return DataError(f"{place}: nested too deep", mend="flatten it, or keep it as text")
