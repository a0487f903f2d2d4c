"""Database: where derived data are. Beside SQLite's file in one of its own, in PostgreSQL among the other tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.store.sql import SqlStore


class Derived:
    """The derived data of ``store``. Close it before the store.

    In SQLite they have a file of their own: building them never makes an acknowledged commit wait for the one writer of the
    other file, and no backup needs it.
    """

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def lag(self) -> int:
        """How many positions the rows are ahead of what is searchable."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the files. Closing again does nothing."""
