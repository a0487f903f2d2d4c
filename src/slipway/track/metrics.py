"""`log`: numbers of a run while it goes on, on the same way to the store as spans."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from slipway.data import MetricPoint
from slipway.track import drops as reasons
from slipway.track.live import SEALED, bound_now
from slipway.track.slot import active, slot
from slipway.track.tracer import Tracer

LONGEST_NAME = 1_024
MOST_NAMES = 50_000
"""Different names that one process may log: a name with an id in it makes a new one each time, and none is ever removed."""
LAST_STEP = 2**63 - 1


def log(
    metrics: Mapping[str, float] | None = None,
    /,
    *,
    step: int | None = None,
    run_id: str | None = None,
    **more: float,
) -> None:
    """Keep a point of each metric: ``log(loss=0.31, step=7)`` or ``log({"loss/train": 0.31}, step=7)``.

    The run is ``run_id``, else that of `slipway.track.bound` (inside a task: its eval run), else this process's own. A name
    logged again at the same step replaces its point; without ``step`` that is step 0. NaN and infinities are kept.

    Returns at once and never raises: what is no number, or has no usable name, run or step, is counted and shown by
    ``slipway doctor``; so are new names once a process has logged 50,000 of them. Nothing is kept without `slipway.init`, nor
    inside samples of a held-out suite.
    ``slipway metrics --values`` shows the last value of each.
    """
    tracer = slot.tracer if active() else None
    if tracer is None or bound_now.get().run_id == SEALED:
        return
    try:
        points = {**metrics, **more} if metrics is not None else more
        run = _run(tracer, run_id)
        at = 0 if step is None else int(step)
        now = tracer.wall()
    except Exception:  # a mapping or a step that is none must not stop a training loop
        tracer.recorder.drops.count(reasons.NOT_CONVERTED)
        return
    for name, value in points.items():
        try:
            point = MetricPoint(run, name, _number(value), at, now, tracer.project)
            fits = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and 0 <= at <= LAST_STEP
        except Exception:  # float() runs code of the value's own
            fits = False
        if not fits:
            tracer.recorder.drops.count(reasons.NOT_CONVERTED)
        elif _admitted(tracer.recorder.metric_names, name):
            tracer.recorder.put(point)
        else:
            tracer.recorder.drops.count(reasons.TOO_MANY_NAMES)


def _admitted(names: set[str], name: str) -> bool:
    if name not in names:
        if len(names) >= MOST_NAMES:
            return False
        names.add(name)
    return True


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | bytearray):
        raise TypeError("text is no number")
    return float(value)


def _run(tracer: Tracer, given: str | None) -> str:
    run = given or bound_now.get().run_id
    if run is None:
        # Host, pid and randomness, drawn anew after a fork: an id for each process that nothing has to keep.
        return hashlib.sha256(tracer.process.encode()).hexdigest()[:32]
    if not isinstance(run, str):
        raise TypeError("a run's id is text")
    return run
