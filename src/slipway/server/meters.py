"""Meters: what /metrics shows, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import os
import resource
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import slipway
from slipway.data import Drop
from slipway.errors import SlipwayError

if TYPE_CHECKING:
    from slipway.server.state import State

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
Labels = Mapping[str, str]


class Histogram:
    """Counts of seconds, by the buckets of `BOUNDS`. Any thread may add."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """One more that took that long."""
        with self._lock:
            self._counts[bisect_left(BOUNDS, seconds)] += 1
            self._sum += seconds

    def read(self) -> tuple[list[int], float]:
        """(how many took at most each bound and then how many in all, their sum)."""
        with self._lock:
            return list(accumulate(self._counts)), self._sum


class Page:
    """Lines of the exposition, family by family."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def family(self, name: str, kind: str, text: str, rows: Iterable[tuple[Labels, float]]) -> None:
        """A counter or gauge with its values."""
        self._head(name, kind, text)
        self._lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in rows]

    def one(self, name: str, kind: str, text: str, value: float) -> None:
        """One value without labels."""
        self.family(name, kind, text, [({}, value)])

    def histogram(self, name: str, text: str, rows: Iterable[tuple[Labels, Histogram]]) -> None:
        """A histogram for each set of labels."""
        self._head(name, "histogram", text)
        for labels, found in rows:
            counts, total = found.read()
            for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
                self._lines.append(f"{name}_bucket{_labels({**labels, 'le': bound})} {count}")
            self._lines.append(f"{name}_sum{_labels(labels)} {_number(total)}")
            self._lines.append(f"{name}_count{_labels(labels)} {counts[-1]}")

    def _head(self, name: str, kind: str, text: str) -> None:
        self._lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]

    def text(self) -> str:
        """All of it."""
        return "\n".join(self._lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def exposition(state: State) -> str:
    """Everything about this server. What the store cannot tell right now is left out, and ``slipway_store_up`` is 0."""
    page = Page()
    page.family("slipway_info", "gauge", "The version that runs.", [({"version": slipway.__version__}, 1)])
    _requests(page, state)
    _received(page, state)
    try:
        _stored(page, state)
        up = 1
    except SlipwayError:
        up = 0
    page.one("slipway_store_up", "gauge", "1 while the store can be read.", up)
    _process(page, state)
    return page.text()


def _requests(page: Page, state: State) -> None:
    watch = state.watch
    rows = [
        ({"route": route, "method": method, "status": str(status)}, count)
        for (route, method, status), count in sorted(watch.requests.items())
    ]
    page.family("slipway_http_requests_total", "counter", "Requests answered; status 0: the client went away.", rows)
    seconds = [({"route": route}, found) for route, found in sorted(watch.seconds.items())]
    page.histogram("slipway_http_request_seconds", "Time to the whole answer.", seconds)
    refused = [
        ({"reason": name.removeprefix("refused: ")}, count)
        for name, count in sorted(state.counts.items())
        if name.startswith("refused: ")
    ]
    page.family("slipway_refused_total", "counter", "Requests refused, by reason.", refused)
    page.one("slipway_http_running", "gauge", "Requests that are not answered yet.", watch.running)
    page.one("slipway_sse_clients", "gauge", "Clients that listen for events.", watch.streams)


def _received(page: Page, state: State) -> None:
    rows = []
    for signal in ("spans", "log records", "data points"):
        for outcome in ("stored", "rejected"):
            rows.append(({"signal": signal, "outcome": outcome}, state.counts[f"otlp {signal} {outcome}"]))
    page.family("slipway_otlp_records_total", "counter", "Records that came over OTLP.", rows)
    full = state.counts["otlp refused, too much is waiting"]
    page.one("slipway_otlp_overload_total", "counter", "Batches sent back with 429.", full)
    page.one("slipway_pending_records", "gauge", "Records that wait for the disk.", state.intake.waiting)
    page.one("slipway_journal_bytes", "gauge", "Bytes of raw bodies kept to mend a damaged store.", state.journal.bytes)
    page.one("slipway_journal_failed_total", "counter", "Bodies that could not be kept there.", state.journal.failed)
    pruned = [
        ({"what": what.replace("_", " ")}, state.counts[f"pruned {what}"])
        for what in ("traces", "spans", "log_records", "blobs")
    ]
    page.family("slipway_pruned_total", "counter", "What retention deleted.", pruned)
    page.histogram("slipway_commit_seconds", "Time from a batch to its commit.", [({}, state.commits)])


def _stored(page: Page, state: State) -> None:
    dropped: dict[tuple[str, str], int] = {}
    for where, reason, count in state.store.columns(Drop, ["where", "reason", "count"]):
        dropped[where, reason] = dropped.get((where, reason), 0) + count
    rows = [({"where": where, "reason": reason}, count) for (where, reason), count in sorted(dropped.items())]
    page.family("slipway_dropped_total", "counter", "What was not kept, by every process that told.", rows)
    page.one("slipway_indexer_lag", "gauge", "Rows that cannot be searched yet.", state.derived.lag())
    behind = round(state.indexer.behind_s, 1)
    page.one("slipway_indexer_lag_seconds", "gauge", "For how long the oldest of them has waited.", behind)
    with state.derived.reading() as connection:
        size = state.derived.store.backend.size_bytes(connection)
    page.one("slipway_store_bytes", "gauge", "Bytes of the database, without blobs.", size)


def _process(page: Page, state: State) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    page.one("process_cpu_seconds_total", "counter", "CPU time.", used.ru_utime + used.ru_stime)
    page.one("process_start_time_seconds", "gauge", "Unix time of the start.", state.started)
    page.one("process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes())
    descriptors = Path("/proc/self/fd")
    if descriptors.is_dir():
        page.one("process_open_fds", "gauge", "Open files and connections.", len(os.listdir(descriptors)))


def resident_bytes() -> int:
    """Memory that this process has; the most it ever had where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
