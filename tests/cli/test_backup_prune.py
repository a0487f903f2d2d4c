"""``slipway prune``: counts with --dry-run, deletes without."""

from __future__ import annotations

import time

from slipway.data import Span
from slipway.store import open_store


def test_prune_counts_and_then_deletes(slipway, tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    now = time.time_ns()
    store.write([Span(f"{n:032x}", f"{n:016x}", "work", now - n * 86_400 * 10**9, 5) for n in (9, 8, 1)])
    assert slipway("prune").code == 2  # nothing is limited
    done = slipway("prune", "--days", "5", "--dry-run", "--json").json
    assert (done["dry_run"], done["traces"]) == (True, 2)
    assert store.count(Span) == 3
    (tmp_path / "slipway.toml").write_text("[server.retention]\ndays = 5\n")
    assert "deleted 2 traces" in slipway("prune").out
    assert store.count(Span) == 1
    store.close()
