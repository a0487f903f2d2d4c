"""The session beside a SQLite store: it knows a clean end from a lost log."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from slipway.errors import StoreError
from slipway.store.session import CLOSED, OPEN, Session


def end(session):
    with session.closing():
        pass


def leave(session, together):
    together.wait()
    end(session)


def taking_part(database):
    """A session that has committed; its log is there, as SQLite's is."""
    database.with_name(database.name + "-wal").touch()
    session = Session(database)
    session.begin()
    session.committed()
    return session


def crash(session):
    """As the system does for a process that dies: the lock is gone, nothing was said."""
    os.close(session._handle)


def test_two_that_leave_at_once_leave_it_closed(tmp_path):
    """Each has a lock of its own, as two processes have; SQLite deletes the log when the last one is gone."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    with ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            both = [taking_part(database), taking_part(database)]
            assert (tmp_path / ".s.db.session").read_bytes() == OPEN
            list(pool.map(leave, both, [Barrier(2)] * 2))
            assert (tmp_path / ".s.db.session").read_bytes() == CLOSED
            log.unlink()
            after = Session(database)
            after.begin()
            assert not after.log_was_lost


def test_a_log_that_is_gone_after_a_crash_is_told_once(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    crash(taking_part(database))
    log.unlink()
    for lost in (True, False):
        session = Session(database)
        session.begin()
        assert session.log_was_lost is lost


def test_a_crash_beside_others_is_told_when_all_are_gone(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    first, second = taking_part(database), taking_part(database)
    crash(first)
    beside = Session(database)
    beside.begin()
    assert not beside.log_was_lost  # the other one still has its log
    crash(second)
    log.unlink()
    after = Session(database)
    after.begin()
    assert after.log_was_lost


@pytest.mark.parametrize("idle_ends", [True, False])
def test_the_last_writer_says_that_it_was_clean_before_the_log_goes(tmp_path, idle_ends):
    """One that has the store open and never wrote, a forkserver, is in nobody's way: from the moment that the last writer
    leaves, the log may go, whoever is killed next."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    idle = Session(database)
    idle.begin()
    ours = taking_part(database)
    end(ours)
    assert (tmp_path / ".s.db.session").read_bytes() == CLOSED
    log.unlink()  # SQLite does, closing the last connection; then both are killed
    if idle_ends:
        end(idle)
    after = Session(database)
    after.begin()
    assert not after.log_was_lost


def test_a_log_that_a_crash_left_is_no_loss_once_it_was_seen(tmp_path):
    """The next process takes it into the file with the first connection that it closes, and may be killed right then."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    crash(taking_part(database))
    looking = Session(database)
    looking.begin()
    assert not looking.log_was_lost
    log.unlink()  # SQLite again
    after = Session(database)
    after.begin()
    assert not after.log_was_lost


def test_another_log_is_an_error_while_taking_part_and_none_after_leaving(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    session = taking_part(database)
    end(session)  # its connections close, after an error or for a fork, and SQLite deletes the log ...
    log.rename(tmp_path / "keeps its number")
    session.check()
    log.touch()  # ... and makes a new one for the next
    session.check()
    session.committed()
    assert (tmp_path / ".s.db.session").read_bytes() == OPEN
    session.check()
    log.unlink()
    with pytest.raises(StoreError, match="was deleted while the store was open"):
        session.check()
    end(session)


def test_a_forked_child_leaves_its_parents_part_alone(tmp_path):
    database = tmp_path / "s.db"
    parent = taking_part(database)
    pid = os.fork()
    if pid == 0:
        try:
            parent.after_fork()
            parent.committed()
            end(parent)  # not the last one out
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert (tmp_path / ".s.db.session").read_bytes() == OPEN
    end(parent)
    assert (tmp_path / ".s.db.session").read_bytes() == CLOSED


def test_one_that_is_killed_while_the_other_leaves_lost_nothing(tmp_path):
    """Each sees the other and says nothing; then the other is dead, and it was our connection that ended the log."""
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    other, ours = taking_part(database), taking_part(database)
    with ours.closing():
        crash(other)
        log.unlink()  # SQLite does, closing the last connection
    after = Session(database)
    after.begin()
    assert not after.log_was_lost


def test_the_log_of_one_that_was_killed_ends_with_whoever_read_it(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    writer = taking_part(database)
    reader = Session(database)
    reader.begin()
    crash(writer)
    with reader.closing():
        log.unlink()
    after = Session(database)
    after.begin()
    assert not after.log_was_lost


def test_a_log_that_stays_when_we_leave_can_still_be_lost(tmp_path):
    database, log = tmp_path / "s.db", tmp_path / "s.db-wal"
    writer = taking_part(database)
    reader = Session(database)
    reader.begin()
    crash(writer)
    end(reader)  # somebody else reads it still
    log.unlink()
    after = Session(database)
    after.begin()
    assert after.log_was_lost
