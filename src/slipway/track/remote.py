"""The server as a sink of the recorder: spans over OTLP, other records and blobs on routes of their own.

A batch is confirmed once the server said 200 to all of it, which it does after its commit; sending it twice changes nothing.
Until then a copy lies in the spool (`Remote.ahead`). What the answers mean:

    200            stored, or counted by the server (partial success)
    408 429 5xx    not now: sent again after Retry-After, or with growing pauses; so is no answer at all
    401 403 404    not with these settings, nor where an answer points elsewhere: the spool keeps it until they are mended
    other 4xx      something in it is wrong: it is sent in halves, and the one record that is refused alone is counted
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from slipway.config import Config
from slipway.data import Drop, Environment, MetricPoint, Span
from slipway.errors import DataError
from slipway.track import drops as reasons
from slipway.track.convert import clean
from slipway.track.otlpjson import Parcel, parcel, request
from slipway.track.wire import KEY_VARIABLE, UNWELCOME_S, Answer, Away, Endpoint, Wire, api_key

TRACES, RECORDS, BLOBS = "/v1/traces", "/api/v1/records", "/api/v1/blobs"
MOST_BYTES = 2 << 20  # of a request, unless one record alone is larger
JSON, BYTES = "application/json", "application/octet-stream"
LISTS = {Environment: "environments", MetricPoint: "metric_points", Drop: "drops"}
SETTINGS = (401, 403, 404, 405)
_encode = msgspec.json.Encoder().encode


class Remote:
    """Takes batches of records; a thread of its own sends them, one request at a time. ``count`` is told what was refused."""

    takes_rows = True
    ahead = True  # a batch goes to the spool at once: a server is further away than a disk, and may vanish

    def __init__(self, config: Config, *, count: Callable[[tuple[str, str], int], None] = lambda why, n: None) -> None:
        self.endpoint = Endpoint.parse(config.endpoint)
        self._wire = Wire(self.endpoint, key=api_key())
        self._count = count
        self._turn = threading.Lock()  # the connection has one user at a time
        self._waiting: queue.SimpleQueue[tuple[Sequence[Any], Future[int]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="slipway-remote", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter ends: whoever hands a batch over waits for the answer
            self._thread = None

    def __call__(self, records: Sequence[Any]) -> Future[int]:
        """Send them in the background; the future resolves once the server has them."""
        future: Future[int] = Future()
        if self._thread is None:
            self._settle(records, future)
        else:
            self._waiting.put((records, future))
        return future

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            self._settle(*item)
            del item

    def _settle(self, records: Sequence[Any], future: Future[int]) -> None:
        try:
            future.set_result(self.write(records))
        except BaseException as error:  # the thread must live on; the delivery is told, and the spool has the batch
            future.set_exception(error)

    def write(self, records: Sequence[Any]) -> int:
        """Send them now; how many the server has. Raises `Away`."""
        with self._turn:
            return self._others(records) + self._spans(records)

    def put_blob(self, data: bytes) -> str:
        """Keep bytes in the server's blobs; returns their digest. Raises `Away`, and `DataError` for what it refuses."""
        with self._turn:
            said = self._wire.post(BLOBS, data, BYTES, pack=True)
            if said.status != 200:
                raise self._problem(said) or DataError(f"a blob was refused ({said.status})", mend=_reason(said))
        return str(msgspec.json.decode(said.body)["digest"])

    def check(self) -> None:
        """Ask whether records would be taken. Raises `Away`."""
        with self._turn:
            said = self._wire.post(RECORDS, b"{}", JSON, pack=False)
            problem = None if said.status == 200 else self._problem(said)
            if problem is not None:
                raise problem

    def close(self) -> None:
        """Send what was handed over, and let go of the connection."""
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()
        self._wire.close()

    # -- what is sent

    def _spans(self, records: Sequence[Any]) -> int:
        sent = 0
        for group in _cut(self._parcels(records)):
            sent += self._send(TRACES, group, request)
        return sent

    def _parcels(self, records: Sequence[Any]) -> Iterator[Parcel]:
        for record in records:
            if record.__class__ is tuple or record.__class__ is Span:
                try:
                    made = parcel(record)
                except DataError:
                    self._count(reasons.REFUSED, 1)
                    continue
                yield made

    def _others(self, records: Sequence[Any]) -> int:
        sent = 0
        found = []
        for record in records:
            kind = record.__class__
            if kind in LISTS:
                data = _encode(clean(msgspec.to_builtins(record), False))
                found.append(Parcel(data, record.project, LISTS[kind], ""))
            elif kind is not tuple and kind is not Span:
                self._count(reasons.REFUSED, 1)  # no server takes such a record from a program
        for group in _cut(found):
            sent += self._send(RECORDS, group, _records)
        return sent

    def _send(self, path: str, group: Sequence[Parcel], body: Callable[[Sequence[Parcel]], bytes]) -> int:
        project = group[0].project
        plain = project != "default" and project.isascii() and project.isprintable()
        headers = {"X-Slipway-Project": project} if plain else {}
        said = self._wire.post(path, body(group), JSON, headers, pack=path == TRACES)
        if said.status == 200:
            return len(group)
        problem = self._problem(said)
        if problem is not None:
            raise problem
        if len(group) == 1:
            self._count(reasons.REFUSED_BY_SERVER, 1)
            return 0
        half = len(group) // 2
        return self._send(path, group[:half], body) + self._send(path, group[half:], body)

    def _problem(self, said: Answer) -> Away | None:
        """Why it has to be sent again; None when something in it is wrong."""
        status, where = said.status, f"the server at {self.endpoint.host}:{self.endpoint.port}"
        if status in SETTINGS or 300 <= status < 400:
            mend = f"see endpoint and {KEY_VARIABLE}"
            return Away(f"{where} answered {status}: {_reason(said)}", mend=mend, retry_after_s=UNWELCOME_S)
        if status in (408, 429) or status >= 500 or status < 300:
            mend = "nothing: it is sent again"
            return Away(f"{where} answered {status}: {_reason(said)}", mend=mend, retry_after_s=said.retry_after_s)
        return None


def _cut(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """Groups of one project each that fit into a request."""
    open_: dict[str, list[Parcel]] = {}
    sizes: dict[str, int] = {}
    for each in parcels:
        project, size = each.project, len(each.data)
        if sizes.get(project, 0) + size > MOST_BYTES and open_.get(project):
            yield open_.pop(project)
            sizes[project] = 0
        open_.setdefault(project, []).append(each)
        sizes[project] = sizes.get(project, 0) + size
    yield from open_.values()


def _records(group: Sequence[Parcel]) -> bytes:
    lists: dict[str, list[bytes]] = {}
    for each in group:
        lists.setdefault(each.resource, []).append(each.data)
    return b"{%b}" % b",".join(b'"%b":[%b]' % (name.encode(), b",".join(data)) for name, data in lists.items())


def _reason(said: Answer) -> str:
    """What the server said, in a few words."""
    try:
        error: Mapping[str, Any] = msgspec.json.decode(said.body)
        inner = error.get("error", error)
        return str(inner.get("cause") or inner.get("message") or "")[:300] or "it gave no reason"
    except (msgspec.DecodeError, AttributeError, UnicodeDecodeError):
        return "it gave no reason"
