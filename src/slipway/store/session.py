"""Session: notices that the file's write-ahead log went missing, which SQLite itself does not (T17).

SQLite deletes the log when the last connection closes, so a missing log is normal after a clean end and a loss after any other.
Which it was is kept in a file beside the database: "open" from the first commit to the last close, held with a shared lock
by every process that has committed and not closed since. The system lets go of the locks of a process that dies.

Whoever holds the lock has a connection to the log, so the log outlives everybody else's. One who only looks holds nothing:
else the last writer could not tell, beside an idle forkserver, that its end was the clean one. When a writer was killed, the
last one to close its connections, a reader perhaps, takes the log into the file, and says so.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slipway.errors import StoreError
from slipway.store import files

OPEN, CLOSED = b"open  \n", b"closed\n"  # of one length: saying so needs no room on a full disk


class DiskFull(StoreError):
    """No room for the session's seven bytes."""


class Session:
    """One store's hold on the file."""

    def __init__(self, database: Path) -> None:
        self._log = database.with_name(database.name + "-wal")
        self._path, self._turn = files.session_of(database), files.turn_of(database)
        self._handle: int | None = None
        self._inode = 0
        self.log_was_lost = False

    def begin(self) -> None:
        """Look, before the first connection: sets `log_was_lost` when the session before ended without a close and left no
        log."""
        with files.locked(self._turn):
            handle = files.open_own(self._path)
            try:
                self._look(handle)
            finally:
                _let_go(handle)

    def _look(self, handle: int) -> None:
        if not _alone(handle):
            return  # others write: whatever state it says is theirs
        state = os.pread(handle, 16, 0)
        self.log_was_lost = state == OPEN and not self._log.exists()
        if state != CLOSED:
            # A loss is told once, and kept as a Drop. A log that a crash left goes into the file with the first connection
            # that closes, and is no loss then. A new file's bytes are taken now; where there is no room for them one can
            # still read.
            with suppress(DiskFull):
                self._say(handle, CLOSED)

    def committed(self) -> None:
        """A commit is in the log: take part, and remember which file that is. Cheap when it is known already."""
        if self._inode:
            return
        with files.locked(self._turn):
            if self._handle is None:
                self._handle = files.open_own(self._path)
                fcntl.flock(self._handle, fcntl.LOCK_SH)
            self._say(self._handle, OPEN)
            self._inode = self._log.stat().st_ino

    def check(self) -> None:
        """Before a commit: the log is still the file that the last one went to. Raises `StoreError`."""
        if not self._inode:
            return
        try:
            same = os.stat(self._log).st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            self._inode = 0
            raise StoreError(
                f"{self._log} was deleted while the store was open",
                mend="leave the files beside the database alone; writing goes on with a new log, run: slipway doctor",
            )

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Leave, around the closing of all our connections: the next one may find another log. The last one out says that it
        was clean."""
        self._inode = 0
        if self._handle is None and not self._path.exists():  # the folder is gone
            yield
            return
        # One at a time: of two that leave at once each would see the other, and neither would say that it was clean.
        with files.locked(self._turn):
            handle, self._handle = self._handle, None
            if handle is not None:
                self._leave(handle)
            yield
            with suppress(StoreError):
                self._settle()

    def _leave(self, handle: int) -> None:
        # Said before the log goes, so that a kill in between is no loss.
        try:
            if _alone(handle):
                with suppress(DiskFull):  # only where there was no room for OPEN, so that there is nothing to take back
                    self._say(handle, CLOSED)
        finally:
            _let_go(handle)

    def _settle(self) -> None:
        """After connections were closed, with the turn taken: who was there when we left may have been killed meanwhile, and
        it was our connection, the last one, that took the log into the file."""
        handle = files.open_own(self._path)
        try:
            if _alone(handle) and os.pread(handle, 16, 0) == OPEN and not self._log.exists():
                with suppress(DiskFull):
                    self._say(handle, CLOSED)
        finally:
            _let_go(handle)

    def after_fork(self) -> None:
        """The lock is the parent's; this process takes its own with its first commit."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle, self._inode = None, 0

    def _say(self, handle: int, state: bytes) -> None:
        try:
            os.pwrite(handle, state, 0)
            os.fsync(handle)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (DiskFull if full else StoreError)(
                f"cannot write {self._path}: {error.strerror}",
                mend="free disk space; nothing acknowledged is lost" if full else "check the disk",
            ) from error


def _alone(handle: int) -> bool:
    """Whether nobody else takes part; the lock is ours alone then."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _let_go(handle: int) -> None:
    fcntl.flock(handle, fcntl.LOCK_UN)  # a child forked meanwhile has the descriptor too: closing ours would not do
    os.close(handle)
