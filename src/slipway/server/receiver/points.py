"""Metrics: each data point of OTLP becomes points of a metric, found by the one search over names.

The run is ``otlp:SERVICE``, the name carries the sorted attributes, the step is the time in milliseconds. Of histograms and
summaries the count, sum, extremes and three quantiles are kept, which is what a chart draws.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from slipway.data import MetricPoint
from slipway.server.receiver.batch import NO_TIME, TOO_MANY_SERIES, Batch, Malformed, moment
from slipway.server.receiver.wire import Form

QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
LONGEST = 500  # characters of a name: PostgreSQL's index takes 2,704 bytes
MISSING = 1  # the flag of a point without a value
Allowed = Callable[[str, str], bool]
"""Whether a project may have a metric of that name."""


def convert(request: Any, form: Form, batch: Batch, allowed: Allowed) -> None:
    """Add what ``request`` holds to ``batch``."""
    for of_resource in request.resource_metrics or ():
        resource = form.pairs(of_resource.resource.attributes) if of_resource.resource is not None else {}
        project = batch.project(resource)
        run = _short(f"otlp:{resource.get('service.name') or 'unknown_service'}")
        for of_scope in of_resource.scope_metrics or ():
            for metric in of_scope.metrics or ():
                _metric(metric, form, batch, allowed, (run, project))


def _metric(metric: Any, form: Form, batch: Batch, allowed: Allowed, of: tuple[str, str]) -> None:
    for shape, values in _SHAPES.items():
        body = getattr(metric, shape)
        for point in (body.data_points or ()) if body is not None else ():
            if int(point.flags or 0) & MISSING:
                continue
            try:
                when = moment(point.time_unix_nano)
                if not when:
                    raise Malformed(NO_TIME)
                labels = _labels(form.pairs(point.attributes))
                made = [
                    MetricPoint(
                        of[0], _short(f"{metric.name or ''}{suffix}{labels}"), value, when // 1_000_000, when, of[1]
                    )
                    for suffix, value in values(point)
                ]
                if not all(allowed(of[1], name) for name in (of[0], *(each.name for each in made))):
                    raise Malformed(TOO_MANY_SERIES)
            except (ValueError, OverflowError, TypeError, RecursionError) as error:
                batch.reject(error, of[1])
                continue
            batch.records.extend(made)


def _number(point: Any) -> Iterator[tuple[str, float]]:
    kept = point.as_double
    if hasattr(point, "WhichOneof"):
        which = point.WhichOneof("value")
        kept = None if which is None else getattr(point, which)
    elif kept is None:
        kept = None if point.as_int is None else int(point.as_int)
    if kept is None:
        raise ValueError
    yield "", float(kept)


def _histogram(point: Any) -> Iterator[tuple[str, float]]:
    yield from _totals(point)
    counts = [int(count or 0) for count in point.bucket_counts or ()]
    bounds = [float(bound or 0.0) for bound in point.explicit_bounds or ()]
    if counts and len(counts) == len(bounds) + 1:
        low, high = _present(point, "min"), _present(point, "max")
        edges = [low if low is not None else (bounds or [0.0])[0], *bounds]
        edges.append(high if high is not None else edges[-1])
        yield from _quantiles([(edges[i], edges[i + 1], count) for i, count in enumerate(counts)])


def _exponential(point: Any) -> Iterator[tuple[str, float]]:
    yield from _totals(point)
    base = 2.0 ** (2.0 ** -int(point.scale or 0))
    buckets = [(0.0, 0.0, int(point.zero_count or 0))]
    for half, sign in ((point.positive, 1.0), (point.negative, -1.0)):
        if half is not None:
            first = int(half.offset or 0)
            for number, count in enumerate(half.bucket_counts or ()):
                edges = sorted((sign * base ** (first + number), sign * base ** (first + number + 1)))
                buckets.append((edges[0], edges[1], int(count or 0)))
    yield from _quantiles(sorted(buckets))


def _summary(point: Any) -> Iterator[tuple[str, float]]:
    yield ".count", float(int(point.count or 0))
    yield ".sum", float(point.sum or 0.0)
    for each in point.quantile_values or ():
        yield f".p{float(each.quantile or 0.0) * 100:g}", float(each.value or 0.0)


_SHAPES: Mapping[str, Callable[[Any], Iterator[tuple[str, float]]]] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}


def _totals(point: Any) -> Iterator[tuple[str, float]]:
    yield ".count", float(int(point.count or 0))
    for name in ("sum", "min", "max"):
        value = _present(point, name)
        if value is not None:
            yield f".{name}", value


def _present(point: Any, name: str) -> float | None:
    if hasattr(point, "HasField") and not point.HasField(name):
        return None
    value = getattr(point, name)
    return None if value is None else float(value)


def _quantiles(buckets: Sequence[tuple[float, float, int]]) -> Iterator[tuple[str, float]]:
    """Estimated by a straight line inside the bucket that holds the quantile."""
    total = sum(count for _, _, count in buckets)
    for part, name in QUANTILES:
        before, wanted = 0, part * total
        for low, high, count in buckets:
            if count and before + count >= wanted:
                yield f".{name}", low + (high - low) * (wanted - before) / count
                break
            before += count


def _labels(attributes: Mapping[str, Any]) -> str:
    if not attributes:
        return ""
    return "{" + ",".join(f"{name}={_label(attributes[name])}" for name in sorted(attributes)) + "}"


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _short(name: str) -> str:
    """``name``, or its beginning and a hash of all of it."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 17]}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
