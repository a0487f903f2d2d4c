"""Forks: a file that a thread was inside of when this process was forked off is out of its reach for good (T05).

SQLite keeps what it has locked in the memory of the process. A child has a copy of that and not the thread which would let
go: its every statement would wait for `BUSY_S` and then say that the file is locked. So a fork waits until the threads are out,
in `gate.PATIENCE_S` at the most; the child of one that could not wait is told at once what is the matter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.errors import StoreError
from slipway.store.gate import Gate

_gate = Gate()
_opening: list[Path] = []
_out_of_reach: set[Path] = set()


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Around the making, migrating or looking at of a file that no store looks after yet."""
    with _gate:
        _opening.append(path)
        try:
            yield
        finally:
            _opening.remove(path)


def out_of_reach(path: Path) -> None:
    """In a child: a thread of the parent was inside that file."""
    _out_of_reach.add(path)


def check(path: Path) -> None:
    """Raises `StoreError` when this process cannot use the file."""
    if path in _out_of_reach:
        raise StoreError(
            f"{path} cannot be used here: this process was forked while another thread was inside it, and did not get out "
            "in time",
            mend="start processes with spawn or forkserver, or before the store is in use; spans lie in the spool, and another "
            "process takes them to the store",
        )


def _after_in_child() -> None:
    _out_of_reach.update(_opening)
    _opening.clear()
    _gate.begin_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_gate.shut,
        after_in_parent=_gate.open,
        after_in_child=_after_in_child,
    )
