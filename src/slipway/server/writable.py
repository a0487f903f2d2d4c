"""Writable: whether the store takes what it is given, for /healthz and /readyz.

It is told how each commit ended. After one that failed /readyz tries a commit itself: else a server that nobody sends to any
more, since it said that it is not ready, would never learn that there is room again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from slipway.data import KeyUse
from slipway.errors import InfrastructureError, StoreError

if TYPE_CHECKING:
    from slipway.store.protocol import Store

PROBE = "readyz"  # no key has this id, and its one row is written again each time
OK, FULL, FAILING = "ok", "disk is full", "cannot be written"
NO_ROOM = ("disk is full", "no space left", "quota exceeded")  # as SQLite, the system and PostgreSQL say it


def is_full(error: BaseException) -> bool:
    """Whether there is no room on the disk."""
    said = str(error).lower()
    return any(words in said for words in NO_ROOM)


class Writable:
    """What is known of one store. `state` is one of the words above."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.state = OK

    def tell(self, error: BaseException | None) -> None:
        """A commit ended, with ``error`` or well. One that was refused for what is in it says nothing."""
        if error is None:
            self.state = OK
        elif isinstance(error, InfrastructureError):
            self.state = FULL if is_full(error) else FAILING

    def check(self) -> None:
        """Raises `StoreError` while nothing can be written. Nothing is tried where the last commit went well."""
        if self.state == OK:
            return
        try:
            self._store.write([KeyUse(PROBE, time.time_ns())])
        except StoreError as error:
            self.tell(error)
            raise StoreError(
                f"the store takes nothing: {self.state}", mend="free disk space, or see the server's log"
            ) from error
        self.tell(None)
