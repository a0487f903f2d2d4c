"""Big inputs and outputs of spans: JSON text in a blob; the span keeps ``{"$blob": digest, "bytes": n, "preview": head}``.

    whole(store, span.output)    # the value, wherever it is kept

On its way to the store a reference carries its payload with it (``$data``), in the queue and in the spool; `Keeping` puts that
into a blob before the span is written. Equal payloads are one blob.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import msgspec

from slipway.data import Span, digest
from slipway.store.protocol import Store

BLOB, DATA = "$blob", "$data"
PREVIEW = 1_024
_encode = msgspec.json.Encoder().encode
_KEPT, _CARRIED = {BLOB, "bytes", "preview"}, {BLOB, "bytes", "preview", DATA}


def reference(value: Any, data: bytes) -> dict[str, Any]:
    """What stands for ``value``, whose JSON text is ``data``, until it is in a blob. The preview is its beginning."""
    head = value[:PREVIEW] if isinstance(value, str) else data[: 2 * PREVIEW].decode("utf-8", "ignore")[:PREVIEW]
    return {BLOB: digest(data), "bytes": len(data), "preview": head, DATA: data.decode()}


def refers(value: Any) -> bool:
    """Is it a reference to a payload in a blob?"""
    return isinstance(value, Mapping) and value.keys() == _KEPT


def whole(store: Store, value: Any) -> Any:
    """``value`` of a span's input or output, fetched from its blob when it is in one. Raises `StoreError` when that is gone."""
    if not refers(value):
        return value
    data = store.get_blob(value[BLOB])
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode("utf-8", "backslashreplace")


class Keeping:
    """``store.submit`` (or another ``submit``) for spans that carry payloads. What carries none is passed on at once; for the
    others a thread writes the blobs first, so that whoever hands them over does not wait for the disk."""

    def __init__(self, store: Store, submit: Callable[[Sequence[Any]], Future[int]] | None = None) -> None:
        self._store, self._submit = store, submit or store.submit
        self.takes_rows: bool = getattr(self._submit, "takes_rows", False)

    def __call__(self, records: Sequence[Any]) -> Future[int]:
        """Store them in the background; the future resolves once spans and blobs are on disk."""
        if not any(map(carries, records)):
            return self._submit(records)
        future: Future[int] = Future()
        try:
            threading.Thread(target=self._keep, args=(records, future), name="slipway-blobs", daemon=True).start()
        except RuntimeError:  # the interpreter ends: no thread can be started any more
            self._keep(records, future)
        return future

    def write(self, records: Sequence[Any]) -> int:
        """As ``store.write``."""
        return self._store.write([self._kept(record) if carries(record) else record for record in records])

    def _keep(self, records: Sequence[Any], future: Future[int]) -> None:
        try:
            kept = [self._kept(record) if carries(record) else record for record in records]
            self._submit(kept).add_done_callback(lambda done: _pass_on(done, future))
        except BaseException as error:  # whoever waits is told; the batch goes to the spool with its payloads
            future.set_exception(error)

    def _kept(self, span: Span) -> Span:
        return replace(span, input=self._put(span.input), output=self._put(span.output))

    def _put(self, value: Any) -> Any:
        if not _carried(value):
            return value
        data = value[DATA].encode("utf-8", "surrogatepass")
        return {BLOB: self._store.put_blob(data), "bytes": len(data), "preview": value["preview"]}


def _carried(value: Any) -> bool:
    if type(value) is not dict or value.keys() != _CARRIED:
        return False
    return type(value[DATA]) is str and type(value["preview"]) is str  # it may come from a stranger


def carries(record: Any) -> bool:
    """Is it a span with a payload that has to go into a blob?"""
    return record.__class__ is Span and (_carried(record.input) or _carried(record.output))


def _pass_on(done: Future[int], future: Future[int]) -> None:
    error = done.exception()
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
