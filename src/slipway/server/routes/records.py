"""What a recorder sends besides spans: environments, points of metrics, counts of drops; and the bytes that they name."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import anyio.to_thread
import msgspec

from slipway.data import Drop, Environment, MetricPoint
from slipway.errors import StoreError
from slipway.server.access import Refused
from slipway.server.receiver import body as bodies
from slipway.server.receiver.intake import project_of
from slipway.server.routing import Call, route

LONGEST_BLOB = 64 << 20
Text = Annotated[str, msgspec.Meta(max_length=1_024)]


class Point(msgspec.Struct, forbid_unknown_fields=True):
    """A `MetricPoint`. JSON has no NaN and no infinity: they are text."""

    run_id: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1_024)]
    value: float | Literal["NaN", "Infinity", "-Infinity"]
    step: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    time_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    project: Text = "default"


class DropCount(msgspec.Struct, forbid_unknown_fields=True):
    """A `Drop`: how many of something were not kept, and why."""

    process: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    where: Text
    reason: Text
    count: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    time_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    project: Text = "default"


class Surroundings(msgspec.Struct, forbid_unknown_fields=True):
    """An `Environment`: code, packages and machine of a process."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    captured_ns: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    commit: Text | None = None
    branch: Text | None = None
    dirty: bool = False
    diff_blob: Text | None = None
    repository: str | None = None
    packages: dict[str, str] = {}
    lock_file: Text | None = None
    lock_blob: Text | None = None
    python: Text = ""
    platform: Text = ""
    command: tuple[str, ...] = ()
    working_directory: str = ""
    variables: dict[str, str] = {}
    project: Text = "default"


class Records(msgspec.Struct, forbid_unknown_fields=True):
    """Records of several kinds. Each goes to its own ``project`` as spans do (docs/reference/otlp.md)."""

    environments: list[Surroundings] = []
    metric_points: list[Point] = []
    drops: list[DropCount] = []


class Taken(msgspec.Struct):
    """How many are on disk now."""

    stored: int


class Blob(msgspec.Struct):
    """The SHA-256 that the bytes are kept under."""

    digest: str


@route("POST", "/api/v1/records", needs="writer", scope="ingest")
def take_records(call: Call, body: Records) -> Taken:
    """Keep what a recorder sends besides spans. Sending it again changes nothing. 200 once it is on disk."""
    if call.state.draining:
        raise StoreError("the server is stopping", mend="send it again after a moment")
    found = [
        *(Environment(**_fields(each, call)) for each in body.environments),
        *(replace(MetricPoint(**_fields(each, call)), value=float(each.value)) for each in body.metric_points),
        *(Drop(**_fields(each, call)) for each in body.drops),
    ]
    _refuse_foreign(call, found)
    if found:
        call.state.store.write(found)
    return Taken(len(found))


@route("POST", "/api/v1/blobs", needs="writer", scope="ingest", takes="application/octet-stream")
async def take_blob(call: Call) -> Blob:
    """Keep the bytes of the body, which records name by their SHA-256. 200 once they are on disk."""
    if call.state.draining:
        raise StoreError("the server is stopping", mend="send it again after a moment")
    most = min(LONGEST_BLOB, call.state.config.server.max_batch_bytes)
    coding = bodies.coding_of(call.request.headers.get("content-encoding", ""))
    data = await bodies.read(call.request, most, lambda size: None)
    store = call.state.store
    kept = await anyio.to_thread.run_sync(
        lambda: store.put_blob(bytes(bodies.unpack(data, coding, most))), limiter=call.state.threads
    )
    return Blob(kept)


def _fields(each: msgspec.Struct, call: Call) -> dict[str, Any]:
    fields = msgspec.structs.asdict(each)
    return fields | {"project": project_of({"slipway.project": fields["project"]}, call)}


def _refuse_foreign(call: Call, found: list[Any]) -> None:
    """Environments and points are replaced by later ones of the same key: nobody may replace what another project has."""
    store = call.state.store
    runs = {(each.run_id, each.project) for each in found if isinstance(each, MetricPoint)}
    others = [
        next(iter(store.columns(MetricPoint, ["project"], {"run_id": run}, limit=1)), (project,))[0] != project
        for run, project in runs
    ]
    for each in found:
        if isinstance(each, Environment):
            known = store.get(Environment, each.id)
            others.append(known is not None and known.project != each.project)
    if any(others):
        raise Refused(409, "another project has a record of that id", mend="give it an id of its own", reason="id")
