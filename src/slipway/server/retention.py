"""Retention: a thread of the server that deletes what is due, between requests rather than instead of them."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from slipway.errors import SlipwayError
from slipway.store.retention import DAY_NS, Limits, Pruned, Retention

if TYPE_CHECKING:
    from collections import Counter

    from slipway.config import Config
    from slipway.server.journal import Journal
    from slipway.store.derived import Builder, Derived

log = logging.getLogger("slipway.server")
EVERY_S = 600.0
REST = 4.0  # times as long as a transaction took: at most a fifth of the writer's time


def limits_of(config: Config) -> Limits:
    """The limits of ``[server.retention]``."""
    found = config.server.retention
    return Limits(found.days, found.max_bytes, found.keep_days)


class Pruner:
    """Runs `Retention` now and every ten minutes. ``counts`` is told of what was deleted."""

    def __init__(
        self, derived: Derived, builder: Builder, limits: Limits, counts: Counter[str], journal: Journal
    ) -> None:
        self._stopping = threading.Event()
        self._retention = Retention(derived, builder, limits, pause=self._rest)
        self._counts, self._journal, self._days = counts, journal, limits.days
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, where the settings limit anything."""
        if self._retention.on:
            self._thread = threading.Thread(target=self._run, name="slipway-retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the transaction at hand."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _rest(self, took: float) -> bool:
        return not self._stopping.wait(took * REST)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._tell(self._retention.run())
                if self._days > 0:
                    self._journal.expire(time.time_ns() - int(self._days * DAY_NS))
            except Exception as error:  # it is tried again; a server that cannot delete still serves
                known = isinstance(error, SlipwayError)
                log.error("nothing could be deleted: %s", error, exc_info=None if known else error)
            self._stopping.wait(EVERY_S)

    def _tell(self, done: Pruned) -> None:
        for name in ("traces", "spans", "log_records", "blobs"):
            self._counts[f"pruned {name}"] += getattr(done, name)
        if done.traces or done.log_records:
            fields = {"traces": done.traces, "spans": done.spans, "blobs": done.blobs, "kept": done.kept}
            log.info("retention", extra={"fields": fields})
