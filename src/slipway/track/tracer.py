"""What ``init`` builds: settings, clock, ids, recorder. One for a process; `Tracer.fork` gives the child its own."""

from __future__ import annotations

import itertools
import os
import platform
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from slipway.config import Config
from slipway.data import Span
from slipway.track import drops as reasons
from slipway.track.convert import Converter
from slipway.track.delivery import Delivery, Sink
from slipway.track.drops import Drops
from slipway.track.recorder import Recorder
from slipway.track.redact import Hook, Redactor

SPOOL = "spool"
LOW_48 = (1 << 48) - 1


class RandomIds:
    """``bits(64)`` of randomness and ids of traces; drawn anew after a fork."""

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(32))
        self.bits = self._random.getrandbits

    def trace(self, wall_ns: int, low: int = 0) -> int:
        """A new trace's id: 48 bits of time in steps of 65 us, 16 and 64 random ones. ``low``: the 64 that are drawn already.

        Ids that grow with time stand next to each other in the store's index; wholly random ones change a page of it
        for each span, which costs more than the span. OpenTelemetry asks for the low 56 bits to be random, no more.
        """
        below = (self.bits(16) << 64 | low) if low else (self.bits(80) or 1)
        return (wall_ns >> 16 & LOW_48) << 80 | below

    def forked(self) -> None:
        """Two children must not draw the same ids."""
        self._random.seed(os.urandom(32))


class Tracer:
    """The tracer of this process. Its fields are read on every traced call; they change only in `fork`."""

    def __init__(
        self,
        config: Config,
        *,
        open_sink: Callable[[], Sink],
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.perf_counter_ns,
        ids: Any = None,
        redactors: Sequence[Hook] = (),
        personal: bool | None = None,
        threaded: bool = True,
    ) -> None:
        self.config, self.project = config, config.project
        self.wall, self.monotonic = wall, monotonic
        self.ids = ids or RandomIds()
        self.bits: Callable[[int], int] = self.ids.bits
        self.new_trace: Callable[[int, int], int] = self.ids.trace
        sample = min(max(config.trace.sample, 0.0), 1.0)
        # The same rule as OpenTelemetry's TraceIdRatioBased: the low 64 bits of the trace id against a bound.
        self.threshold = None if sample >= 1.0 else int(sample * (1 << 64))
        # The bound again for the wrappers' short way out; 0 where every trace is kept.
        self.draws = max(self.threshold, 1) if self.threshold is not None else 0
        self.sequence = itertools.count()
        self.generation = os.getpid()
        self.max_bytes = config.capture.max_bytes
        self.inputs, self.outputs = config.capture.inputs, config.capture.outputs
        self.otel: Any = None
        self.environment_id: str | None = None
        self.environment_known = threading.Event()
        self.environment_saved = threading.Event()  # its blobs too, or given up and counted
        # Held while a thread of ours imports modules, so that no fork copies a half-loaded one.
        self.loading = threading.RLock()
        self._open_sink, self._threaded = open_sink, threaded
        capture = config.capture
        wanted = capture.personal if personal is None else personal
        self.recorder = Recorder(
            converter=Converter(
                project=config.project,
                max_bytes=capture.max_bytes,
                redactor=(lambda: Redactor(personal=wanted, presidio=capture.presidio, hooks=redactors))
                if capture.redact or redactors or capture.presidio
                else None,
                resource=_resource(),
                environment_id=lambda: self.environment_id,
                inline_bytes=capture.inline_bytes if getattr(open_sink, "keeps_blobs", False) else None,
                prices=config.prices,
                payload_cut=lambda: self.recorder.drops.count(reasons.PAYLOAD_CUT),
            ),
            make_delivery=self._delivery,
            drops=self._drops(),
            limit=config.trace.queue,
            flush_s=config.trace.flush_ms / 1_000,
            threaded=threaded,
        )

    @property
    def spool_folder(self) -> Path:
        """Where spans wait while the store cannot take them; with an endpoint, those for that server alone."""
        folder = self.config.data_folder / SPOOL
        if not self.config.endpoint:
            return folder
        from slipway.track.wire import Endpoint

        return folder / Endpoint.parse(self.config.endpoint).folder

    def amend(self, record: Any) -> Any:
        """Spans that were spooled before the environment was known are given its id on their way to the store."""
        if self.environment_id is not None and isinstance(record, Span) and record.environment_id is None:
            return replace(record, environment_id=self.environment_id)
        return record

    def _drops(self) -> Drops:
        self.process = process_name()
        return Drops(self.process, self.project)

    def _delivery(self) -> Delivery:
        return Delivery(
            open_sink=self._open if self._threaded else self._open_now,
            folder=self.spool_folder,
            process=self.process,
            drops=self.recorder.drops,
            spool_bytes=self.config.trace.spool_bytes,
            spool_days=self.config.trace.spool_days,
            hold=self.config.trace.queue,
            amend=self.amend,
        )

    def _open(self) -> Future[Sink]:
        # On a thread of its own: loading and migrating a store takes longer than spans should stay in memory.
        future: Future[Sink] = Future()
        generation = self.generation

        def run() -> None:
            try:
                with self.loading:
                    sink = self._open_sink()
            except Exception as error:  # shown by doctor, tried again with growing pauses
                future.set_exception(error)
            else:
                if generation == self.generation:
                    future.set_result(sink)

        threading.Thread(target=run, name="slipway-open", daemon=True).start()
        return future

    def _open_now(self) -> Future[Sink]:
        future: Future[Sink] = Future()
        try:
            future.set_result(self._open_sink())
        except Exception as error:
            future.set_exception(error)
        return future

    def fork(self) -> None:
        """In a forked child: a queue, writer, files and connection of its own, and other ids."""
        self.generation = os.getpid()
        self.loading = threading.RLock()
        self.environment_known.set()
        self.environment_saved = threading.Event()
        self.environment_saved.set()  # the parent saves it
        forked = getattr(self.ids, "forked", None)
        if forked is not None:
            forked()
        self.recorder.converter.resource = _resource()
        self.recorder.after_fork_in_child(self._delivery, self._drops())


def process_name() -> str:
    """``host-pid-random``: tells processes apart, over machines and reused pids."""
    host = "".join(char if char.isalnum() else "_" for char in socket.gethostname())[:32] or "host"
    return f"{host}-{os.getpid()}-{os.urandom(3).hex()}"


def _resource() -> Mapping[str, Any]:
    return {
        "process.pid": os.getpid(),
        "process.runtime.name": platform.python_implementation().lower(),
        "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
        "host.name": socket.gethostname(),
        "telemetry.sdk.name": "slipway",
    }
