"""Keys: making one (its text is shown once), listing and revoking them. An admin of a project sees and makes keys of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from slipway.data.access import ApiKey, KeyUse
from slipway.errors import NotFound
from slipway.server import keys
from slipway.server.access import Refused
from slipway.server.routing import Call, route

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """What a key should allow. No ``projects``: the request's project. No ``scopes``: all that the role has."""

    member: Name
    role: Name
    projects: tuple[Name, ...] = ()
    scopes: tuple[Name, ...] = ()
    expires_ns: Annotated[int, msgspec.Meta(gt=0, le=2**63 - 1)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class KeyShown(msgspec.Struct):
    """A key, without its secret. Times are Unix nanoseconds; ``used_ns`` is to the minute."""

    id: str
    member: str
    role: str
    projects: tuple[str, ...]
    scopes: tuple[str, ...]
    note: str
    created_ns: int
    created_by: str
    expires_ns: int | None
    revoked_ns: int | None
    used_ns: int | None


class KeyMade(msgspec.Struct):
    """``key`` is the text to send. It is kept nowhere and never shown again."""

    key: str
    shown: KeyShown


class KeyList(msgspec.Struct):
    """The keys, in the order in which they were made."""

    keys: list[KeyShown]


@route("GET", "/api/v1/keys", needs="admin")
def list_keys(call: Call) -> KeyList:
    """The keys that the caller may manage."""
    found = [key for key in call.state.store.find(ApiKey) if manages(call, key.projects)]
    used = {use.key_id: use.used_ns for use in call.state.store.find(KeyUse)}
    return KeyList([_shown(key, used.get(key.id)) for key in found])


@route("POST", "/api/v1/keys", needs="admin", status=201)
def create_key(call: Call, body: NewKey) -> KeyMade:
    """Make a key. Nobody can give more than they have."""
    projects = body.projects or (call.project,)
    scopes = body.scopes or keys.scopes_of(keys.checked_role(body.role))
    if not manages(call, projects) or (call.who.scopes is not None and not call.who.scopes.issuperset(scopes)):
        raise Refused(403, "that key could do more than yours", mend="ask for less", reason="role")
    made, text = keys.issue(
        call.state.store,
        member=body.member,
        role=body.role,
        projects=projects,
        scopes=scopes,
        expires_ns=body.expires_ns,
        note=body.note,
        created_by=call.who.name,
    )
    call.state.keys.forget()
    return KeyMade(text, _shown(made, None))


@route("DELETE", "/api/v1/keys/{key_id}", needs="admin")
def revoke_key(call: Call, key_id: str) -> KeyShown:
    """Revoke a key. It fails within a second, in every server of the store."""
    key = call.state.store.get(ApiKey, key_id)
    if key is None or not manages(call, key.projects):
        raise NotFound(f"no key {key_id!r:.40}", mend="GET /api/v1/keys lists them")
    revoked = keys.revoke(call.state.store, key_id)
    call.state.keys.forget()
    return _shown(revoked, None)


def manages(call: Call, projects: tuple[str, ...]) -> bool:
    """Whether the caller is admin of all these projects. Every project (``*``) takes an admin of every project."""
    return all(call.who.may("admin", project) for project in projects)


def _shown(key: ApiKey, used_ns: int | None) -> KeyShown:
    return KeyShown(
        key.id,
        key.member,
        key.role,
        key.projects,
        key.scopes,
        key.note,
        key.created_ns,
        key.created_by,
        key.expires_ns,
        key.revoked_ns,
        used_ns,
    )
