"""The session beside a SQLite store: it knows a clean end from a lost log."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from slipway.store.session import CLOSED, OPEN, Session


def leave(session, together):
    together.wait()
    session.end()


def test_two_that_leave_at_once_leave_it_closed(tmp_path):
    """Each has a lock of its own, as two processes have; SQLite deletes the log when the last one is gone."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    with ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            log.touch()
            both = [Session(database), Session(database)]
            for session in both:
                session.begin()
                session.committed()
            assert (tmp_path / ".s.db.session").read_bytes() == OPEN
            list(pool.map(leave, both, [Barrier(2)] * 2))
            assert (tmp_path / ".s.db.session").read_bytes() == CLOSED
            log.unlink()
            after = Session(database)
            after.begin()
            assert not after.log_was_lost
            after.end()


def test_a_log_that_is_gone_after_a_crash_is_told_once(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    log.touch()
    crashed = Session(database)
    crashed.begin()
    crashed.committed()
    os.close(crashed._handle)  # as the system does for a process that dies: the lock is gone, nothing was said
    log.unlink()
    for lost in (True, False):
        session = Session(database)
        session.begin()
        assert session.log_was_lost is lost
        session.end()


def test_a_clean_end_beside_one_that_never_wrote(tmp_path):
    """A forkserver has the store open without a connection: the log goes with our last one, and that is no loss."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    idle, ours = Session(database), Session(database)
    for session in (idle, ours):
        session.begin()
    log.touch()
    ours.committed()
    ours.end()
    log.unlink()  # SQLite does, closing the last connection
    ours.closed()
    os.close(idle._handle)  # it is killed
    after = Session(database)
    after.begin()
    assert not after.log_was_lost
    after.end()
