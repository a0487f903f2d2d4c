"""Exports: spans, samples and rows as JSON lines, CSV or Parquet, streamed, so that memory does not grow with them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import chain
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from slipway.data import Example, Sample, Span, plain
from slipway.server.access import Refused
from slipway.server.pages import From, To
from slipway.server.routes.traces import condition_of
from slipway.server.routing import Call, route
from slipway.server.views import open_dataset, open_run, rows_of

Format = Annotated[
    Literal["jsonl", "csv", "parquet"],
    Meta(description="csv: what is no text or number is JSON in its cell. parquet takes slipway[parquet]."),
]
MEDIA = {"jsonl": "application/x-ndjson", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
EVERY = ", ".join(MEDIA.values())
PIECE_BYTES = 1 << 18
GROUP_ROWS, GROUP_BYTES = 500, 8 << 20  # of Parquet
PAGE = 200
BUDGET_S = 60.0  # for one page of traces, which here nobody watches


class ExportQuery(msgspec.Struct):
    """How it is written."""

    format: Format = "jsonl"


class TraceExport(msgspec.Struct):
    """Which traces, and how they are written."""

    format: Format = "jsonl"
    filter: Annotated[
        str, Meta(max_length=10_000, description="A condition in the filter language, docs/reference/filters.md.")
    ] = ""
    from_ns: From = msgspec.field(name="from", default=None)
    to_ns: To = msgspec.field(name="to", default=None)


@route("GET", "/api/v1/exports/traces", needs="viewer", media=EVERY)
def export_traces(call: Call, query: TraceExport) -> Response:
    """All spans of the traces that satisfy the filter, one a line, as they are stored; the traces that started last first."""
    condition = condition_of(query.filter, query.from_ns, query.to_ns)

    def spans() -> Iterator[Span]:
        cursor = None
        while True:
            page = call.state.query.traces(call.project, condition, cursor=cursor, limit=PAGE, budget_s=BUDGET_S)
            for trace in page.items:
                yield from call.state.store.find(Span, {"trace_id": trace.trace_id, "project": call.project})
            if page.cursor is None:
                return
            cursor = page.cursor

    return _written(call, query.format, "traces", spans(), Span)


@route("GET", "/api/v1/exports/runs/{run_id}/samples", needs="viewer", media=EVERY)
def export_samples(call: Call, run_id: str, query: ExportQuery) -> Response:
    """The samples of a run. 403 for a look at a held-out suite."""
    run = open_run(call, run_id)
    samples = call.state.store.find(Sample, {"run_id": run.id})
    return _written(call, query.format, f"run-{run.id[:12]}", samples, Sample)


@route("GET", "/api/v1/exports/datasets/{dataset_id}", needs="viewer", media=EVERY)
def export_dataset(call: Call, dataset_id: str, query: ExportQuery) -> Response:
    """The rows of a dataset version. 403 for a sealed one."""
    version = open_dataset(call, dataset_id)
    rows = map(msgspec.json.Decoder(Example).decode, rows_of(call, version))
    return _written(call, query.format, f"dataset-{version.id[:12]}", rows, Example)


def _written(call: Call, format_: str, name: str, records: Iterable[Any], kind: type[Any]) -> Response:
    name = "".join(letter if (letter.isalnum() and letter.isascii()) or letter == "-" else "_" for letter in name)
    headers = {"content-disposition": f'attachment; filename="{name}.{format_}"'}
    writer = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[format_]
    if format_ == "parquet":
        _need_pyarrow()
    if call.request.method == "HEAD":
        return Response(media_type=MEDIA[format_], headers=headers)
    return StreamingResponse(writer(records, kind), media_type=MEDIA[format_], headers=headers)


def _pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines in pieces of some size: one waits in memory, whatever the reader does."""
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _jsonl(records: Iterable[Any], kind: type[Any]) -> Iterator[bytes]:
    return _pieces(msgspec.json.encode(plain(record)) + b"\n" for record in records)


def _csv(records: Iterable[Any], kind: type[Any]) -> Iterator[bytes]:
    from slipway.evals.datasets.write import safe_cell  # no spreadsheet takes a cell for a formula

    names = [field.name for field in fields(kind)]

    def line(row: Iterable[Any]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerow([safe_cell(value) for value in row])
        return text.getvalue().encode()

    rows = ([getattr(record, name) for name in names] for record in records)
    return _pieces(map(line, chain([names], rows)))


def _need_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise Refused(
            406,
            "the server cannot write Parquet",
            mend="pip install 'slipway[parquet]'; or ask for jsonl",
            reason="extra",
        ) from None


def _parquet(records: Iterable[Any], kind: type[Any]) -> Iterator[bytes]:
    """Row groups of some size. Fields that hold JSON are texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from slipway.store.kinds import Form, Kind

    forms = {Form.TEXT: pa.string(), Form.INTEGER: pa.int64(), Form.NUMBER: pa.float64(), Form.FLAG: pa.bool_()}
    columns = Kind(kind, "", ()).columns
    schema = pa.schema([(column.name, forms.get(column.form, pa.string())) for column in columns])
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema) as writer:
        rows = (
            [_cell(getattr(record, column.name), column.form is Form.JSON) for column in columns] for record in records
        )
        for group in _groups(rows):
            cells = dict(zip(schema.names, zip(*group, strict=True), strict=True))
            writer.write_table(pa.table(cells, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _groups(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    waiting, size = [], 0
    for row in rows:
        waiting.append(row)
        size += sum(len(cell) for cell in row if isinstance(cell, str))
        if len(waiting) == GROUP_ROWS or size >= GROUP_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _cell(value: Any, as_json: bool) -> Any:
    if as_json:
        return None if value is None else json.dumps(plain(value), ensure_ascii=False)
    return plain(value) if isinstance(value, str) else value


class _Sink(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """The bytes."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
