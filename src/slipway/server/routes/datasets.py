"""Datasets: frozen versions and their rows. The rows of a sealed version are shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from slipway.data import DatasetVersion, Example
from slipway.server.pages import Cursor, Limit, Name, cursor_at, place_of, records
from slipway.server.routing import Call, route
from slipway.server.views import DatasetShown, dataset_of, open_dataset, rows_of, shown

TELLING = ("suite", "looks", "alpha", "step")
"""What is told of where a sealed version came from."""


class DatasetQuery(msgspec.Struct):
    """Which versions, newest first."""

    name: Annotated[Name, Meta(description="Only versions of this dataset.")] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class DatasetList(msgspec.Struct):
    """Dataset versions, newest first."""

    datasets: list[DatasetShown]
    next: str | None


class DatasetDetail(msgspec.Struct):
    """A version and where its rows came from."""

    dataset: DatasetShown
    provenance: Mapping[str, Any]


class RowQuery(msgspec.Struct):
    """Which rows, in the version's order."""

    id: Annotated[tuple[Name, ...], Meta(max_length=200, description="Only the examples with these ids.")] = ()
    limit: Limit = 50
    cursor: Cursor = ""


class RowPage(msgspec.Struct):
    """Rows of a version."""

    rows: list[Example]
    next: str | None


@route("GET", "/api/v1/datasets", needs="viewer")
def list_datasets(call: Call, query: DatasetQuery) -> DatasetList:
    """Dataset versions of the project."""
    where = {"project": call.project, **({"name": query.name} if query.name else {})}
    found, more = records(call.state.store, DatasetVersion, where, cursor=query.cursor, limit=query.limit)
    return DatasetList([shown(version, DatasetShown) for version in found], more)


@route("GET", "/api/v1/datasets/{dataset_id}", needs="viewer")
def get_dataset(call: Call, dataset_id: str) -> DatasetDetail:
    """One version."""
    found = dataset_of(call, dataset_id)
    told = found.provenance
    if found.sealed:
        told = {name: told[name] for name in TELLING if name in told}
    return DatasetDetail(shown(found, DatasetShown), told)


@route("GET", "/api/v1/datasets/{dataset_id}/rows", needs="viewer")
def list_rows(call: Call, dataset_id: str, query: RowQuery) -> RowPage:
    """The rows of a version. 403 for a sealed one."""
    rows = rows_of(call, open_dataset(call, dataset_id))
    decode = msgspec.json.Decoder(Example).decode
    start = place_of(query.cursor) or 0
    if query.id:
        wanted = set(query.id)
        chosen = [example for example in map(decode, rows) if example.id in wanted]
    else:
        # Past the end there is nothing, wherever the cursor points.
        chosen = [decode(row) for row in rows[start : start + query.limit]]
    more = cursor_at(start + query.limit) if not query.id and start + query.limit < len(rows) else None
    return RowPage(chosen, more)
