"""What all requests share: the settings, the store, who may do what, and what was counted."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from slipway.server.routing import ROLES, Role

if TYPE_CHECKING:
    from slipway.config import Config
    from slipway.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. ``projects`` maps a project's name to the role there; ``"*"`` stands for every project."""

    name: str
    projects: dict[str, Role] = field(default_factory=dict)
    key_id: str | None = None

    def role(self, project: str) -> Role | None:
        """The role in ``project``, or None."""
        return self.projects.get(project) or self.projects.get("*")

    def may(self, needs: Role, project: str) -> bool:
        """Whether the role there is ``needs`` or more."""
        role = self.role(project)
        return role is not None and ROLES.index(role) >= ROLES.index(needs)


@dataclass
class State:
    """One server. ``counts`` is what /metrics shows; handlers run in ``threads``."""

    config: Config
    store: Store
    started: float = field(default_factory=time.time)
    counts: Counter[str] = field(default_factory=Counter)
    draining: bool = False

    def __post_init__(self) -> None:
        self.threads = anyio.CapacityLimiter(self.config.server.threads)
