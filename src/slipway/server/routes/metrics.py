"""Metrics: names found by regular expression with their last values, and the points of one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from slipway.data import EvalRun, MetricPoint
from slipway.errors import NotFound, SealedError
from slipway.server.pages import Cursor, Limit, Name, behind
from slipway.server.routing import Call, route
from slipway.server.views import held_out
from slipway.store.protocol import LastValue
from slipway.store.search import MAX_PATTERN

MOST_VALUES = 20_000  # last values in one answer
Number = float | Literal["NaN", "Infinity", "-Infinity"]


class MetricQuery(msgspec.Struct):
    """Which metrics."""

    pattern: Annotated[
        str, Meta(max_length=MAX_PATTERN, description="RE2 syntax, found anywhere in the name; all unless given.")
    ] = ""
    run: Annotated[tuple[Name, ...], Meta(max_length=200, description="Only of these runs.")] = ()
    limit: Limit = 100
    cursor: Cursor = ""


class ValueShown(msgspec.Struct):
    """The last value in one run: that of the highest step."""

    run_id: str
    value: Number
    step: int
    time_ns: int


class MetricShown(msgspec.Struct):
    """A metric and its last value in each run."""

    name: str
    values: list[ValueShown]


class MetricList(msgspec.Struct):
    """Metrics, by name. ``complete`` is false where one answer cannot hold the values of all runs: name runs then."""

    metrics: list[MetricShown]
    next: str | None
    complete: bool


class PointQuery(msgspec.Struct):
    """Which points."""

    run: Annotated[Name, Meta(min_length=1, description="The run: an eval run's id, or what a program calls its run.")]
    name: Annotated[Name, Meta(min_length=1, description="The metric.")]
    max_points: Annotated[
        int,
        Meta(ge=2, le=10_000, description="Of more points, the lowest and the highest of each stretch are given."),
    ] = 1000


class PointShown(msgspec.Struct):
    """One value at one step. JSON has no NaN and no infinity: they are text."""

    step: int
    value: Number
    time_ns: int


class PointList(msgspec.Struct):
    """Points in the order of their steps; ``total`` counts all there are."""

    run: str
    name: str
    total: int
    points: list[PointShown]


@route("GET", "/api/v1/metrics", needs="viewer")
def list_metrics(call: Call, query: MetricQuery) -> MetricList:
    """Metrics of the project. No pattern can take more than linear time."""
    store, runs = call.state.store, list(query.run) or None
    names = store.metric_names(query.pattern, runs=runs, project=call.project)
    page, more = behind(names, query.cursor, query.limit)
    found: dict[str, list[ValueShown]] = {name: [] for name in page}
    left = MOST_VALUES
    for pattern in _patterns(page):
        for last in store.last_values(pattern, runs=runs, limit=left, project=call.project):
            if last.name in found:
                found[last.name].append(_value(last))
                left -= 1
        if left <= 0:
            break
    return MetricList([MetricShown(name, values) for name, values in found.items()], more, left > 0)


def _patterns(names: Sequence[str]) -> Iterator[str]:
    """Patterns that find these names and nothing else, as few as their length allows."""
    waiting: list[str] = []
    size = 0
    for name in names:
        said = re.escape(name)
        if len(said) > MAX_PATTERN - 20:
            continue  # a name that long is listed without its values
        if waiting and size + len(said) > MAX_PATTERN - 20:
            yield f"^(?:{'|'.join(waiting)})$"
            waiting, size = [], 0
        waiting.append(said)
        size += len(said) + 1
    if waiting:
        yield f"^(?:{'|'.join(waiting)})$"


@route("GET", "/api/v1/metrics/values", needs="viewer")
def metric_values(call: Call, query: PointQuery) -> PointList:
    """The points of one metric in one run. 404 when it has none, 403 for a look at a held-out suite."""
    store = call.state.store
    run = store.get(EvalRun, query.run)
    if run is not None and run.project == call.project and held_out(run):
        raise SealedError("a look at a held-out suite keeps no metrics", mend="GET the run for what the look told")
    where = {"run_id": query.run, "name": query.name, "project": call.project}
    total = store.count(MetricPoint, where)
    if total == 0:
        raise NotFound(f"no metric {query.name!r:.80} in that run", mend="GET /api/v1/metrics lists them")
    points = (PointShown(*row) for row in store.columns(MetricPoint, ("step", "value", "time_ns"), where))
    kept = sorted(_fewer(points, total, query.max_points), key=lambda point: point.step)
    for point in kept:
        point.value = _number(point.value)
    return PointList(query.run, query.name, total, kept)


def _fewer(points: Iterator[PointShown], total: int, most: int) -> Iterator[PointShown]:
    """All of them, or the lowest and the highest of each stretch, so that no spike is lost."""
    if total <= most:
        yield from points
        return
    size = math.ceil(total / (most // 2))
    stretch: list[PointShown] = []
    for point in points:
        stretch.append(point)
        if len(stretch) == size:
            yield from _ends(stretch)
            stretch = []
    if stretch:
        yield from _ends(stretch)


def _ends(stretch: list[PointShown]) -> list[PointShown]:
    def height(point: PointShown) -> tuple[bool, float]:
        value = float(point.value)
        return (True, 0.0) if math.isnan(value) else (False, value)

    low, high = min(stretch, key=height), max(stretch, key=height)
    return [low] if low is high else [low, high]


def _value(last: LastValue) -> ValueShown:
    return ValueShown(last.run_id, _number(last.value), last.step, last.time_ns)


def _number(value: float | str) -> Number:
    value = float(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
