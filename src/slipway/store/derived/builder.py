"""Builder: follows the rows by position and derives them, each batch in one transaction with the position it reached."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.store.derived.database import Derived
from slipway.store.derived.facts import Derive

BATCH = 500


class Builder:
    """Builds ``derived``. Two at once are safe, and of no use."""

    def __init__(self, derived: Derived, derive: Derive, *, batch: int = BATCH) -> None:
        self._derived, self._derive, self._batch = derived, derive, batch

    def step(self) -> int:
        """Derive the next batch; how many spans it had. 0: everything is derived. A kill at any instant loses and repeats
        nothing. Raises `StoreError`."""
        raise NotImplementedError

    def catch_up(self) -> int:
        """Derive everything there is; how many spans that were."""
        raise NotImplementedError

    def again(self, trace_ids: Sequence[str]) -> None:
        """Derive traces again, for instance because of a log record that came late. What they counted for is taken back first."""
        raise NotImplementedError

    def forget(self, trace_ids: Sequence[str]) -> None:
        """Traces whose rows are deleted can no longer be found. Rollups keep what they counted."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Empty everything, so that the next steps derive it from the first row on."""
        raise NotImplementedError
