"""A house that Home Assistant runs, through its REST API: /api/states, /api/services and, for the rooms, /api/template."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from slipway_assistant.backends.house import Change, Device, HouseError, Kind, is_risky
from slipway_assistant.backends.net import NetError, fetch, fetch_json

DOMAINS: dict[str, Kind] = {
    "light": "light", "switch": "switch", "input_boolean": "switch", "cover": "cover", "lock": "lock",
    "climate": "climate", "fan": "fan", "media_player": "media_player", "vacuum": "vacuum",
}  # fmt: skip
RISKY_COVERS = ("garage", "gate", "door")
STEP = 20
MOST_BYTES = 8_000_000
_ROOMS = "{% for a in areas() %}{{ area_name(a) }}\t{{ area_entities(a) | join(',') }}\n{% endfor %}"


class HomeAssistant:
    """The Home Assistant at `url`, with a long-lived access token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/").removesuffix("/api")
        self._headers = {"Authorization": f"Bearer {token}"}

    def devices(self) -> list[Device]:
        """The entities that can be switched or set, with the rooms as far as the token may know them."""
        raw = self._ask("/api/states")
        if not isinstance(raw, list):
            raise NetError("garbage", "Home Assistant's states are no list")
        rooms = self._rooms()
        return [device for one in raw if (device := _device(one, rooms)) is not None]

    def learn(self, name: str, kind: Kind, room: str) -> Device | None:
        """Home Assistant knows its devices; what it does not know is not there."""
        return None

    def change(self, devices: list[Device], change: Change) -> None:
        """One call of a service for all devices of a domain."""
        calls: dict[tuple[str, str], tuple[dict[str, Any], list[str]]] = defaultdict(lambda: ({}, []))
        for device in devices:
            domain, service, data = _service(device, change)
            calls[domain, service][0].update(data)
            calls[domain, service][1].append(device.id)
        for (domain, service), (data, ids) in calls.items():
            self._ask(f"/api/services/{domain}/{service}", send={"entity_id": ids, **data})

    def _rooms(self) -> dict[str, str]:
        """The room of each entity. Only an administrator's token may ask; without one, names have to do."""
        try:
            reply = fetch(
                f"{self._url}/api/template",
                headers={**self._headers, "Content-Type": "application/json"},
                send=_template(),
            )
        except NetError:
            return {}
        rooms: dict[str, str] = {}
        for line in reply.body.decode("utf-8", "replace").splitlines():
            name, _, entities = line.strip().partition("\t")
            rooms |= {entity: name for entity in entities.split(",") if entity}
        return rooms

    def _ask(self, path: str, *, send: Any = None) -> Any:
        return fetch_json(self._url + path, send=send, headers=self._headers, most_bytes=MOST_BYTES)


def _template() -> bytes:
    import msgspec

    return msgspec.json.encode({"template": _ROOMS})


def _device(one: Any, rooms: dict[str, str]) -> Device | None:
    if not isinstance(one, dict) or not isinstance(one.get("entity_id"), str):
        return None
    entity = one["entity_id"]
    domain, _, plain = entity.partition(".")
    kind = DOMAINS.get(domain)
    if kind is None or not plain.replace("_", "").isalnum() or one.get("state") == "unavailable":
        return None
    said = one.get("attributes")
    attributes: dict[str, Any] = said if isinstance(said, dict) else {}
    name = str(attributes.get("friendly_name") or plain.replace("_", " "))[:80]
    what = str(attributes.get("device_class", ""))
    risky = is_risky(name, kind) or (kind == "cover" and what in RISKY_COVERS)
    return Device(entity, name, kind, rooms.get(entity, ""), risky, {"state": str(one.get("state", ""))})


def _service(device: Device, change: Change) -> tuple[str, str, dict[str, Any]]:
    domain = device.id.partition(".")[0]
    wanted = {
        "cover": _cover,
        "lock": _lock,
        "light": _light,
        "climate": _climate,
        "media_player": _loudness,
        "fan": _speed,
    }.get(device.kind, _switch)(change)
    if wanted is None:
        raise HouseError(f"{device.name} cannot be told to {change.action}")
    return domain, *wanted


Service = tuple[str, dict[str, Any]] | None


def _cover(change: Change) -> Service:
    if change.action == "set" and change.level is not None:
        return "set_cover_position", {"position": change.level}
    services = {"open": "open_cover", "off": "open_cover", "close": "close_cover", "on": "close_cover"}
    return (services[change.action], {}) if change.action in services else None


def _lock(change: Change) -> Service:
    services = {"open": "unlock", "off": "unlock", "close": "lock", "on": "lock"}
    return (services[change.action], {}) if change.action in services else None


def _light(change: Change) -> Service:
    if change.action in ("off", "close"):
        return "turn_off", {}
    data: dict[str, Any] = {}
    if change.color:
        data["color_name"] = change.color
    if change.level is not None:
        data["brightness_pct"] = change.level
    elif change.action in ("dim", "brighten"):
        data["brightness_step_pct"] = -STEP if change.action == "dim" else STEP
    return "turn_on", data


def _climate(change: Change) -> Service:
    if change.level is not None:
        return "set_temperature", {"temperature": change.level}
    return _switch(change)


def _loudness(change: Change) -> Service:
    if change.level is not None and change.action == "set":
        return "volume_set", {"volume_level": change.level / 100}
    return _switch(change)


def _speed(change: Change) -> Service:
    if change.level is not None and change.action == "set":
        return "set_percentage", {"percentage": change.level}
    return _switch(change)


def _switch(change: Change) -> Service:
    services = {"on": "turn_on", "open": "turn_on", "off": "turn_off", "close": "turn_off"}
    return (services[change.action], {}) if change.action in services else None
