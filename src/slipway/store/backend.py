"""Backend: what differs between SQLite and PostgreSQL. sqlite.py and postgresql.py each fill it in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine

    from slipway.errors import StoreError


class Blobs(Protocol):
    """Bytes under their SHA-256."""

    def put(self, data: bytes) -> str:
        """Keep ``data`` durably; returns its digest."""
        ...

    def get(self, name: str) -> bytes:
        """The bytes, verified. Raises `StoreError`."""
        ...

    def damaged(self) -> list[str]:
        """Digests of blobs whose bytes no longer match, and of leftovers that are none."""
        ...

    def size(self) -> tuple[int, int]:
        """(how many, bytes)."""
        ...


class Backend(Protocol):
    """One database. Connections that `engine` gives are in autocommit mode; transactions are begun by `begin`."""

    url: str
    read_only: str
    """Why nothing can be written, "" when it can. Then a connection is used for one read."""

    @property
    def blobs(self) -> Blobs:
        """Where big payloads are."""
        ...

    def engine(self) -> Engine:
        """A new engine without a pool: whoever connects keeps the connection."""
        ...

    def prepare(self, engine: Engine) -> None:
        """Create or migrate the schema. Raises `StoreError` when it is newer than this code knows."""
        ...

    def opened(self) -> list[Any]:
        """The store is open; gives records of what was found amiss, to be written first."""
        ...

    def closing(self) -> AbstractContextManager[None]:
        """Around the closing of all connections: at the end, after an error, or because the process forks."""
        ...

    def after_fork(self, *, stayed_inside: bool) -> None:
        """This process is a forked child: let go of what is the parent's. ``stayed_inside``: another thread of the parent was in
        the driver all the while."""
        ...

    def begin(self, cursor: Any) -> None:
        """Begin a transaction that will write, waiting for other writers."""
        ...

    def explain(self, error: BaseException) -> StoreError:
        """What went wrong, and what to do about it."""
        ...

    def committed(self) -> None:
        """A transaction is on disk."""
        ...

    def looked(self, connection: Connection) -> None:
        """A read of a read-only store is over. Raises `StoreError` when it cannot be trusted."""
        ...

    def among(self, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """``column IN values``, however many they are."""
        ...

    def is_error(self, error: BaseException) -> bool:
        """Whether it comes from the driver."""
        ...

    def own_fault(self, error: BaseException) -> bool:
        """Whether the rows were to blame, rather than disk, network or permissions."""
        ...

    def size_bytes(self, connection: Connection) -> int:
        """Bytes on disk."""
        ...

    def problems(self, connection: Connection, *, deep: bool) -> list[str]:
        """What is wrong with the files, in words."""
        ...
