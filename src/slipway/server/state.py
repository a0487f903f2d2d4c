"""What all requests share: the settings, the store, who may do what, and what was counted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from slipway.server.arrived import Arrived
from slipway.server.deriving import derive
from slipway.server.feed import Feed
from slipway.server.indexer import Indexer
from slipway.server.journal import Journal
from slipway.server.keys import Identity, Keys
from slipway.server.meters import Histogram
from slipway.server.receiver.intake import Intake
from slipway.server.retention import Pruner, limits_of
from slipway.server.watch import Watch
from slipway.server.writable import Writable
from slipway.store.derived import Builder, Derived, Query

if TYPE_CHECKING:
    from slipway.config import Config
    from slipway.store.protocol import Store

__all__ = ["Identity", "State"]


@dataclass
class State:
    """One server. ``counts`` is what /metrics shows; handlers run in ``threads``."""

    config: Config
    store: Store
    started: float = field(default_factory=time.time)
    counts: Counter[str] = field(default_factory=Counter)
    draining: bool = False
    arrived: Arrived = field(default_factory=Arrived)

    def __post_init__(self) -> None:
        self.threads = anyio.CapacityLimiter(self.config.server.threads)
        self.journal = Journal(self.config.data_folder / "journal", self.config.server.journal_bytes)
        self.writable = Writable(self.store)
        self.intake = Intake(self)
        self.keys = Keys(self.store)
        self.derived = Derived(self.store)
        self.query = Query(self.derived)
        self.feed = Feed(self)
        self.watch = Watch(self)
        self.commits = Histogram()
        reading = partial(derive, store=self.store, prices=self.config.prices)
        self.indexer = Indexer(Builder(self.derived, reading), self.arrived)
        limits = limits_of(self.config)
        self.pruner = Pruner(self.derived, self.indexer.builder, limits, self.counts, self.journal)
