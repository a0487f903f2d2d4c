"""The one tracer of this process. ``init`` puts it here, ``shutdown`` takes it away; a traced call looks here first."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.track.tracer import Tracer

_YES = ("1", "true", "yes", "on")


class Slot:
    """``tracer`` is None while nothing is recorded; ``lazy`` says that the first traced call may start one."""

    __slots__ = ("lazy", "lock", "tracer")

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        self.lock = threading.RLock()
        # Without init() nothing is recorded, unless the environment asks: so `SLIPWAY_TRACE=1 python app.py` works,
        # and so do processes that a recorded one spawns.
        self.lazy = os.environ.get("SLIPWAY_TRACE", "").strip().lower() in _YES


slot = Slot()


def active() -> bool:
    """Is there a tracer? Starts one when the environment asked for it and nobody did yet."""
    if slot.tracer is None and slot.lazy:
        with slot.lock:
            if slot.lazy:
                slot.lazy = False
                from slipway.track.tracing import init

                init()
    return slot.tracer is not None
