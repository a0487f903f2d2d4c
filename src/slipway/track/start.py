"""What ``init`` sets going beside the recorder: OpenTelemetry, instrumentors, the picture of the environment."""

from __future__ import annotations

import importlib.util
import threading
from typing import Any

from slipway.track import drops as reasons
from slipway.track.delivery import waiting
from slipway.track.tracer import Tracer


def after_init(tracer: Tracer, opener: Any, *, environment: bool, instrument: bool | None) -> None:
    """Runs once for each ``init``; nothing here can make it fail."""
    if importlib.util.find_spec("opentelemetry") is not None:
        try:
            from slipway.track.otel import link
        except ImportError:  # another part of that namespace, without the API
            link = None  # type: ignore[assignment]
        try:
            if link is not None:
                link(tracer)
        except Exception:  # an OpenTelemetry that does not fit must not keep the application from starting
            tracer.recorder.drops.count(reasons.INSTRUMENTOR)
    if tracer.config.capture.instrument if instrument is None else instrument:
        from slipway.track.instrument import switch_on

        switch_on(tracer)
    if environment and opener.sink is None:
        threading.Thread(target=_environment, args=(tracer, opener), name="slipway-environment", daemon=True).start()
    else:
        tracer.environment_known.set()
        tracer.environment_saved.set()
    if waiting(
        tracer.spool_folder
    ):  # a process before us left something: it is shipped even if nothing new is recorded
        tracer.recorder.start()


def _environment(tracer: Tracer, opener: Any) -> None:
    try:
        _capture_and_save(tracer, opener)
    except Exception:  # spans go on without it; doctor shows the count
        tracer.recorder.count(reasons.ENVIRONMENT)
    finally:
        tracer.environment_saved.set()


def _capture_and_save(tracer: Tracer, opener: Any) -> None:
    try:
        with tracer.loading:  # a fork in the middle of an import would leave the child waiting for ever
            from slipway.track.environment import capture_environment

            captured = capture_environment(tracer.config)
        if tracer.recorder.closed:
            raise RuntimeError("the program ended first")
        tracer.environment_id = captured.environment.id
        tracer.recorder.put(captured.environment)
    finally:
        tracer.environment_known.set()
    captured.save(opener.open())
