"""Session: notices that the file's write-ahead log went missing, which SQLite itself does not (T17).

SQLite deletes the log when the last connection closes, so a missing log is normal after a clean end and a loss after any other.
Which it was is kept in a file beside the database: "open" from the first commit to the last close, held with a shared lock
by every process that has the store open. The system lets go of the locks of a process that dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
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
        self._path = database.with_name(f".{database.name}.session")
        self._turn = database.with_name(f".{database.name}.lock")
        self._handle: int | None = None
        self._inode = 0
        self.log_was_lost = False

    def begin(self) -> None:
        """Take part. Sets `log_was_lost` when the session before ended without a close and left no log."""
        with files.locked(self._turn):
            self._join()

    def _join(self) -> None:
        handle = self._handle = files.open_own(self._path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass  # others have it open: whatever state it says is theirs
        else:
            self.log_was_lost = os.pread(handle, 16, 0) == OPEN and not self._log.exists()
            if self.log_was_lost:
                self._say(CLOSED)  # a loss is told once, and kept as a Drop
            elif os.pread(handle, 16, 0) not in (OPEN, CLOSED):
                # Its bytes are taken now. Where there is no room for them nothing was said either: one can still read.
                with suppress(DiskFull):
                    self._say(CLOSED)
        fcntl.flock(handle, fcntl.LOCK_SH)

    def committed(self) -> None:
        """A commit is in the log: remember which file that is. Cheap when it is known already."""
        if not self._inode and self._handle is not None:
            self._say(OPEN)
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

    def end(self) -> None:
        """Leave; the last one out says that it was clean. To be called before the last connection closes."""
        if self._handle is None:
            return
        try:
            # One at a time: of two that leave at once each would see the other, and neither would say that it was clean.
            with files.locked(self._turn):
                self._leave()
        finally:
            handle, self._handle, self._inode = self._handle, None, 0
            if handle is not None:
                os.close(handle)

    def _leave(self) -> None:
        assert self._handle is not None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            with suppress(DiskFull):  # only where it never had room for OPEN, so that there is nothing to take back
                self._say(CLOSED)
        handle, self._handle = self._handle, None
        os.close(handle)

    def closed(self) -> None:
        """After the last connection of ours is closed. The log is gone then when no other process had one, even where another
        one takes part (a forkserver that opened the store and never wrote): that was a clean end."""
        if self._log.exists():
            return
        with suppress(FileNotFoundError), open(self._path, "r+b", buffering=0) as file:
            if file.read(len(OPEN)) == OPEN:
                file.seek(0)
                file.write(CLOSED)

    def after_fork(self) -> None:
        """The lock is the parent's; this process takes its own."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle, self._inode = None, 0
            self.begin()

    def _say(self, state: bytes) -> None:
        assert self._handle is not None
        try:
            os.pwrite(self._handle, state, 0)
            os.fsync(self._handle)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise (DiskFull if full else StoreError)(
                f"cannot write {self._path}: {error.strerror}",
                mend="free disk space; nothing acknowledged is lost" if full else "check the disk",
            ) from error
