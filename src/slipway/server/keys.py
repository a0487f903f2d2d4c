"""Keys: how they look, how they are made and revoked, and what a key that was presented may do. No HTTP here.

A key is ``slw_<id>_<secret>``: 256 random bits, shown once. The store has its SHA-256. A slow hash (bcrypt, argon2) protects
what people choose, since that can be guessed; 2^256 cannot, and a slow hash would only make each request cost 100 ms of
processor time, which whoever sends wrong keys could then use against the server.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from slipway.data.access import EVERYWHERE, ROLES, SCOPES, ApiKey, KeyUse, Member, Role, Scope
from slipway.errors import DataError, NotFound

if TYPE_CHECKING:
    from slipway.store.protocol import Store

FORM = re.compile(r"slw_([0-9a-f]{16})_[0-9a-f]{64}")
FRESH_S = 0.9  # how old an answer may be: with the request's own time, a revoked key fails within a second
NOTED_S = 60.0
MOST_REMEMBERED = 10_000
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks. ``projects`` maps a project's name to the role there (`EVERYWHERE` stands for every project); ``scopes`` is
    what the key may be used for, None for everything."""

    name: str
    projects: Mapping[str, Role] = field(default_factory=dict)
    key_id: str | None = None
    scopes: frozenset[str] | None = None

    def role(self, project: str) -> Role | None:
        """The role in ``project``, or None."""
        return self.projects.get(project) or self.projects.get(EVERYWHERE)

    def may(self, needs: Role, project: str, scope: Scope | None = None) -> bool:
        """Whether the role there is ``needs`` or more, and the key is for ``scope``."""
        role = self.role(project)
        allowed = scope is None or self.scopes is None or scope in self.scopes
        return allowed and role is not None and ROLES.index(role) >= ROLES.index(needs)


def scopes_of(role: Role) -> tuple[Scope, ...]:
    """Every scope that ``role`` may have."""
    return tuple(scope for scope, least in SCOPES.items() if ROLES.index(least) <= ROLES.index(role))


def checked_project(name: str) -> str:
    """``name``, if a project can be called that. Raises `DataError`."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or (EVERYWHERE in name and name != EVERYWHERE):
        raise DataError(
            f"{name!r:.80} cannot be a project's name", mend="give 1 to 128 printable characters, without a star"
        )
    return name


def checked_member(name: str) -> str:
    """``name``, if a member can be called that. Raises `DataError`."""
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise DataError(f"{name!r:.80} cannot be a member's name", mend="give 1 to 128 printable characters")
    return name


def checked_role(role: str) -> Role:
    """``role``, if it is one. Raises `NotFound`."""
    for known in ROLES:
        if role == known:
            return known
    raise NotFound.among("role", role, ROLES)


def _checked_scopes(scopes: Sequence[str], role: Role) -> tuple[Scope, ...]:
    allowed = scopes_of(role)
    for scope in scopes:
        if scope not in SCOPES:
            raise NotFound.among("scope", scope, SCOPES)
        if scope not in allowed:
            raise DataError(f"a {role} has no scope {scope!r}", mend=f"a {role} may have: {', '.join(allowed)}")
    return tuple(scope for scope in allowed if scope in scopes or not scopes)


def issue(
    store: Store,
    *,
    member: str,
    role: str,
    projects: Sequence[str],
    scopes: Sequence[str] = (),
    expires_ns: int | None = None,
    note: str = "",
    created_by: str = "",
    clock: Callable[[], int] = time.time_ns,
) -> tuple[ApiKey, str]:
    """Make a key; returns its record and its text, which exists nowhere else. ``member`` is made, or given ``role`` in these
    projects, if need be. No scopes: all that the role has. Raises `DataError` or `NotFound` for what makes no sense."""
    now, known = clock(), checked_role(role)
    checked_member(member)
    if not projects:
        raise DataError("a key needs a project", mend=f"name one, or {EVERYWHERE} for every project")
    if expires_ns is not None and expires_ns <= now:
        raise DataError("the key would have expired already", mend="give a later time")
    named = tuple(dict.fromkeys(checked_project(name) for name in projects))
    key_id, secret = secrets.token_hex(8), secrets.token_hex(32)
    text = f"slw_{key_id}_{secret}"
    key = ApiKey(
        id=key_id,
        digest=digest_of(text),
        member=member,
        role=known,
        created_ns=now,
        projects=named,
        scopes=_checked_scopes(scopes, known),
        note=note,
        created_by=created_by,
        expires_ns=expires_ns,
    )
    before = store.get(Member, member)
    if before is None or before.removed_ns is not None:
        before = Member(member, now)
    roles = {**before.roles, **{name: _larger(before.role(name), known) for name in named}}
    store.write([replace(before, roles=roles), key])
    return key, text


def _larger(one: str | None, other: Role) -> Role:
    return max(checked_role(one) if one else other, other, key=ROLES.index)


def revoke(store: Store, key_id: str, *, clock: Callable[[], int] = time.time_ns) -> ApiKey:
    """End a key; again, it stays as it is. Every server of this store refuses it within a second. Raises `NotFound`."""
    key = store.get(ApiKey, key_id)
    if key is None:
        raise NotFound(f"no key {key_id!r:.40}", mend="slipway key ls shows them all")
    if key.revoked_ns is None:
        key = replace(key, revoked_ns=clock())
        store.write([key])
    return key


def digest_of(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Keys:
    """What the store says about keys, remembered for less than a second. Blocks when it has to ask the store."""

    def __init__(
        self, store: Store, *, clock: Callable[[], int] = time.time_ns, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._clock, self._tick = store, clock, tick
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[float, Identity | None]] = {}
        self._noted: dict[str, float] = {}
        self._configured: tuple[float, bool] = (float("-inf"), False)

    def remembered(self, text: str) -> tuple[bool, Identity | None]:
        """(whether it is known without asking the store, who presents ``text``)."""
        when, who = self._remembered.get(digest_of(text), (float("-inf"), None))
        return self._tick() - when < FRESH_S, who

    def identity(self, text: str) -> Identity | None:
        """Who presents the key ``text``; None when it is none of ours, was revoked, is past its time, or its member is gone."""
        known, who = self.remembered(text)
        if not known:
            asked = self._tick()  # before the question: what is revoked while it is answered counts as older
            who = self._asked(text)
            with self._lock:
                if len(self._remembered) >= MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[digest_of(text)] = (asked, who)
        return who

    def _asked(self, text: str) -> Identity | None:
        form = FORM.fullmatch(text)
        if form is None:
            return None
        key = self._store.get(ApiKey, form[1])
        same = hmac.compare_digest(digest_of(text), key.digest if key is not None else "0" * 64)
        if key is None or not same or not key.valid(self._clock()):
            return None
        member = self._store.get(Member, key.member)
        if member is None or member.removed_ns is not None:
            return None
        return Identity(key.member, _roles(key, member), key.id, frozenset(key.scopes))

    def configured(self) -> bool:
        """Whether an admin key was ever made. That it has expired or was revoked since opens nothing again."""
        when, yes = self._configured
        if not yes and self._tick() - when >= FRESH_S:
            asked = self._tick()
            yes = next(iter(self._store.columns(ApiKey, ["id"], {"role": "admin"}, limit=1)), None) is not None
            self._configured = (asked, yes)
        return yes

    @property
    def configured_now(self) -> bool | None:
        """As `configured`, without asking the store; None when that is not known."""
        when, yes = self._configured
        return yes if yes or self._tick() - when < FRESH_S else None

    def note_use(self, key_id: str) -> None:
        """Keep that the key was used now, at most once a minute. Does not wait."""
        tick = self._tick()
        if tick - self._noted.get(key_id, float("-inf")) >= NOTED_S:
            if len(self._noted) >= MOST_REMEMBERED:
                self._noted.clear()
            self._noted[key_id] = tick
            self._store.submit([KeyUse(key_id, self._clock())])

    def forget(self) -> None:
        """Ask the store again: something was changed here."""
        with self._lock:
            self._remembered.clear()
            self._configured = (float("-inf"), self._configured[1])


def _roles(key: ApiKey, member: Member) -> dict[str, Role]:
    """The role in each project: what both the key and its member have."""
    found: dict[str, Role] = {}
    names = {*key.projects, *member.roles}
    for name in names:
        held = member.role(name)
        within = name in key.projects or EVERYWHERE in key.projects
        if held is not None and within:
            found[name] = min(checked_role(held), checked_role(key.role), key=ROLES.index)
    return found
