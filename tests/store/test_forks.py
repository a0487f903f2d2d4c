"""A process forked while another thread was inside SQLite for too long: it is told, and the parent goes on."""

from __future__ import annotations

import threading

import pytest

from slipway.data import Span
from slipway.errors import StoreError
from slipway.store import forks, open_store
from store.locking import kept_locked
from track.waiting import code_of, forked, until


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("slipway.store.gate.PATIENCE_S", 0.05)


def is_refused(act):
    with pytest.raises(StoreError, match="forked while another thread was inside it"):
        act()
    return True


def test_t05_the_child_of_a_stuck_opening_is_told(tmp_path):
    url = f"sqlite:///{tmp_path / 'slipway.db'}"
    opened = []
    with kept_locked(tmp_path / "slipway.db"):
        thread = threading.Thread(target=lambda: opened.append(open_store(url)))
        thread.start()
        until(lambda: forks._opening)
        assert code_of(forked(lambda: is_refused(lambda: open_store(url)))) == 0
    thread.join()
    assert code_of(forked(lambda: open_store(url).health().problems == ())) == 0  # nobody is inside any more
    assert opened[0].health(deep=True).problems == ()
    opened[0].close()


def test_t05_the_child_of_a_stuck_commit_is_told(tmp_path):
    url = f"sqlite:///{tmp_path / 'slipway.db'}"
    store = open_store(url)
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with store.reading():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    inside.wait()
    try:
        assert (
            code_of(forked(lambda: is_refused(lambda: list(store.find(Span))) and is_refused(lambda: open_store(url))))
            == 0
        )
    finally:
        leave.set()
        thread.join()
    assert store.health(deep=True).problems == ()
    store.close()
