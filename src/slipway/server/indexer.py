"""Indexer: one thread of the server that keeps the derived data behind the rows by no more than a moment."""

from __future__ import annotations

from slipway.store.derived import Builder


class Indexer:
    """Runs ``builder``. `wake` it after a commit; it looks by itself as well."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def start(self) -> None:
        """Begin to follow."""
        raise NotImplementedError

    def wake(self) -> None:
        """There is something new. Costs nothing, from any thread."""

    def stop(self) -> None:
        """End after the batch at hand, and wait for that."""

    @property
    def problem(self) -> str:
        """What keeps it from going on, or nothing."""
        return ""
