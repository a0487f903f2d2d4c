"""Who may do what: projects, their members, the members' keys, and when each key was last used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["viewer", "writer", "admin"]
ROLES: Sequence[Role] = ("viewer", "writer", "admin")
"""Least first: each may do what those before it may."""

Scope = Literal["read", "ingest", "feedback", "write", "admin"]
SCOPES: Mapping[Scope, Role] = {
    "read": "viewer",
    "ingest": "writer",
    "feedback": "writer",
    "write": "writer",
    "admin": "admin",
}
"""What a key may be used for, and the least role that gives it."""

EVERYWHERE = "*"
"""Stands for every project."""


@dataclass(frozen=True, slots=True)
class Project:
    """A name that records carry. It is kept once somebody makes it or the server takes the first record of it."""

    name: str
    created_ns: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A person or a service. ``roles`` maps a project's name (or `EVERYWHERE`) to the role there."""

    name: str
    created_ns: int
    roles: Mapping[str, str] = field(default_factory=dict)
    removed_ns: int | None = None

    def role(self, project: str) -> str | None:
        """The role in ``project``, or None."""
        return self.roles.get(project) or self.roles.get(EVERYWHERE)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of ``member``, kept as the SHA-256 ``digest`` of its text. It allows what the member may do, within ``role``,
    ``projects`` and ``scopes``. It is written when it is made and when it is revoked, and never otherwise."""

    id: str
    digest: str
    member: str
    role: str
    created_ns: int
    projects: tuple[str, ...] = (EVERYWHERE,)
    scopes: tuple[str, ...] = ()
    note: str = ""
    created_by: str = ""
    expires_ns: int | None = None
    revoked_ns: int | None = None

    def valid(self, now_ns: int) -> bool:
        """Whether it is neither revoked nor past its time."""
        return self.revoked_ns is None and (self.expires_ns is None or now_ns < self.expires_ns)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """When a key was last used, to the minute. A record of its own: a server that notes the use of a key it read a moment
    ago must not write back that the key is valid, which another process has just revoked."""

    key_id: str
    used_ns: int
