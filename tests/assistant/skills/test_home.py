"""The house: in notes of its own, and through a server that speaks Home Assistant's REST API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from slipway_assistant.backends import net
from slipway_assistant.settings import Settings
from web_here import Listener, WebHere

TOKEN = "a-long-lived-token"


class HomeAssistant:
    """What Home Assistant does with its states when a service is called, as far as these tests go."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.areas: dict[str, list[str]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.admin = True

    def add(self, entity: str, name: str, state: str = "off", area: str = "", **attributes: Any) -> None:
        said = {"friendly_name": name, **attributes}
        self.states[entity] = {
            "entity_id": entity,
            "state": state,
            "attributes": said,
            "last_changed": "2026-11-21T08:00:00+00:00",
        }
        if area:
            self.areas.setdefault(area, []).append(entity)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(text="401: Unauthorized", status=401)
        if request.path == "/api/states":
            return web.json_response(list(self.states.values()))
        if request.path == "/api/template":
            if not self.admin:
                return web.Response(text="401: Unauthorized", status=401)
            return web.Response(text="".join(f"{name}\t{','.join(ids)}\n" for name, ids in self.areas.items()))
        service = re.fullmatch(r"/api/services/(\w+)/(\w+)", request.path)
        assert service is not None
        assert request.method == "POST"
        data = await request.json()
        if any(one not in self.states or not one.startswith(service[1] + ".") for one in data["entity_id"]):
            return web.json_response({"message": "Service call requested response data"}, status=400)
        self.calls.append((f"{service[1]}.{service[2]}", data))
        return web.json_response([self.states[one] for one in data["entity_id"]])


@pytest.fixture(scope="module")
def server() -> Iterator[WebHere]:
    with WebHere({}) as running:
        yield running


@pytest.fixture
def house(server: WebHere, monkeypatch: pytest.MonkeyPatch) -> HomeAssistant:
    monkeypatch.setattr(net, "TIMEOUT_S", 120.0)
    home = HomeAssistant()
    home.add("light.kitchen_ceiling", "Kitchen ceiling", area="Kitchen")
    home.add("light.bedside", "Bedside lamp", "on", area="Bedroom", brightness=120)
    home.add("light.salon", "Plafonnier du salon")
    home.add("switch.wemo", "Wemo plug", area="Office")
    home.add("cover.garage", "Garage door", "closed", device_class="garage")
    home.add("cover.blind", "Living room blind", "open", area="Living room", device_class="blind")
    home.add("lock.front", "Front door", "locked")
    home.add("climate.thermostat", "Thermostat", "heat", temperature=20)
    home.add("light.old", "Old lamp", "unavailable")
    home.add("sensor.power", "Power", "120")
    server.handlers = {}
    for path in ["GET /api/states", "POST /api/template"] + [
        f"POST /api/services/{domain}/{service}"
        for domain, services in {
            "light": "turn_on turn_off", "switch": "turn_on turn_off", "cover": "open_cover close_cover set_cover_position",
            "lock": "lock unlock", "climate": "set_temperature turn_on turn_off",
        }.items()
        for service in services.split()
    ]:  # fmt: skip
        server.handlers[path] = home.answer
    return home


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    return Listener(tmp_path / "kept")


@pytest.fixture
def connected(listener: Listener, server: WebHere, house: HomeAssistant) -> Listener:
    listener.settings = Settings(home_assistant_url=server.url + "/", home_assistant_token=TOKEN)
    return listener


def state(listener: Listener) -> dict[str, Any]:
    devices = json.loads((listener.folder / "home.json").read_text(encoding="utf-8"))["devices"]
    return {one["id"]: one["state"] for one in devices}


@pytest.mark.parametrize(
    ("lang", "arguments", "said", "kept"),
    [
        ("en", {"action": "on", "room": "kitchen"}, "I turned on the lights in the kitchen.", {"kitchen_lights": {"on": True}}),
        ("fr", {"action": "off", "device": "lampe de chevet"}, "C'est éteint : lampe de chevet.",
         {"lampe_de_chevet": {"on": False}}),
        ("ja", {"action": "on", "room": "寝室"}, "寝室の照明をつけました。", {"寝室_照明": {"on": True}}),
        ("en", {"action": "close", "device": "curtains"}, "I closed the curtains.", {"curtains": {"open": 0}}),
        ("en", {"action": "set", "room": "office", "color": "blue"}, "I set the lights in the office to blue.",
         {"office_lights": {"color": "blue", "on": True}}),
        ("ja", {"action": "set", "color": "赤"}, "照明を赤にしました。", {"照明": {"color": "red", "on": True}}),
        ("en", {"action": "dim", "level": 40}, "I set the lights to 40 %.", {"lights": {"level": 40, "on": True}}),
        ("en", {"action": "set", "level": 7}, "I set the lights to 70 %.", {"lights": {"level": 70, "on": True}}),
        ("fr", {"action": "set", "device": "chauffage", "level": 21}, "C'est réglé sur 21 degrés : chauffage.",
         {"chauffage": {"level": 21, "on": True}}),
    ],
)  # fmt: skip
def test_what_is_named_first_is_learned_and_kept(
    listener: Listener, lang: str, arguments: dict[str, Any], said: str, kept: dict[str, Any]
) -> None:
    answer = listener.asks("home.set", lang=lang, **arguments)
    assert (answer.text, answer.ok) == (said, True)
    assert state(listener) == kept


def test_the_same_lamp_is_found_again_and_all_lights_together(listener: Listener) -> None:
    listener.asks("home.set", action="on", device="the bedside lamp")
    listener.asks("home.set", action="on", room="kitchen")
    listener.asks("home.set", action="dim", device="bed side lamp")
    assert state(listener) == {"the_bedside_lamp": {"on": True, "level": 80}, "kitchen_lights": {"on": True}}
    assert listener.asks("home.set", action="off").ok
    assert all(one["on"] is False for one in state(listener).values())


def test_another_thing_of_the_same_kind_is_not_meant(listener: Listener) -> None:
    listener.asks("home.set", action="off", device="wemo plug")
    listener.asks("home.set", action="on", device="kettle")
    listener.asks("home.set", action="close", device="blinds")
    listener.asks("home.set", action="open", device="window", confirmed=True)
    assert state(listener) == {
        "wemo_plug": {"on": False}, "kettle": {"on": True}, "blinds": {"open": 0}, "window": {"open": 100},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "arguments", "question"),
    [
        ("en", {"action": "open", "device": "garage door"}, "Shall I really open the garage door?"),
        ("fr", {"action": "open", "device": "portail"}, "Voulez-vous vraiment que j'ouvre : portail ?"),
        ("ja", {"action": "open", "device": "玄関の鍵"}, "本当に玄関の鍵を開けますか？"),
        ("en", {"action": "off", "device": "front door lock"}, "Shall I really unlock the front door lock?"),
        ("en", {"action": "on", "device": "oven"}, "Shall I really switch the oven on?"),
    ],
)
def test_what_is_risky_waits_for_a_yes(listener: Listener, lang: str, arguments: dict[str, Any], question: str) -> None:
    answer = listener.asks("home.set", lang=lang, **arguments)
    assert (answer.text, answer.confirm) == (question, True)
    assert all(one == {} for one in state(listener).values())
    assert listener.asks("home.set", lang=lang, confirmed=True, **arguments).ok
    assert all(one != {} for one in state(listener).values())


def test_closing_and_locking_need_no_yes(listener: Listener) -> None:
    assert listener.asks("home.set", action="close", device="garage door").text == "I closed the garage door."
    assert listener.asks("home.set", action="close", device="front door lock").text == "I locked the front door lock."


def test_a_colour_and_a_temperature_that_make_no_sense_are_said(listener: Listener) -> None:
    assert listener.asks("home.set", action="set", color="good sleep").text == "I do not know the colour good sleep."
    answer = listener.asks("home.set", lang="fr", action="set", device="thermostat", level=80)
    assert (answer.text, answer.ok) == ("Je peux régler entre 5 et 35 degrés.", False)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"devices": 3}', b'{"devices": [{"id": 3}]}', b"\xff" * 100])
def test_a_damaged_file_is_said_and_left_as_it_is(listener: Listener, damage: bytes) -> None:
    (listener.folder / "home.json").write_bytes(damage)
    answer = listener.asks("home.set", action="on")
    assert not answer.ok
    assert (listener.folder / "home.json").read_bytes() == damage


@pytest.mark.parametrize(
    ("arguments", "service", "data"),
    [
        ({"action": "on", "room": "kitchen"}, "light.turn_on", {"entity_id": ["light.kitchen_ceiling"]}),
        ({"action": "off", "device": "bedside lamp"}, "light.turn_off", {"entity_id": ["light.bedside"]}),
        ({"action": "off", "room": "salon"}, "light.turn_off", {"entity_id": ["light.salon"]}),
        ({"action": "dim", "room": "bedroom"}, "light.turn_on", {"entity_id": ["light.bedside"], "brightness_step_pct": -20}),
        ({"action": "set", "room": "bedroom", "color": "rouge"}, "light.turn_on",
         {"entity_id": ["light.bedside"], "color_name": "red"}),
        ({"action": "set", "device": "bedside lamp", "level": 40}, "light.turn_on",
         {"entity_id": ["light.bedside"], "brightness_pct": 40}),
        ({"action": "on", "device": "wemo"}, "switch.turn_on", {"entity_id": ["switch.wemo"]}),
        ({"action": "close", "device": "blinds", "room": "living room"}, "cover.close_cover", {"entity_id": ["cover.blind"]}),
        ({"action": "set", "device": "living room blind", "level": 30}, "cover.set_cover_position",
         {"entity_id": ["cover.blind"], "position": 30}),
        ({"action": "set", "device": "heating", "level": 21}, "climate.set_temperature",
         {"entity_id": ["climate.thermostat"], "temperature": 21}),
    ],
)  # fmt: skip
def test_home_assistant_is_told_in_its_own_words(
    connected: Listener, house: HomeAssistant, arguments: dict[str, Any], service: str, data: dict[str, Any]
) -> None:
    answer = connected.asks("home.set", **arguments)
    assert answer.ok, answer
    assert house.calls == [(service, data)]


def test_all_lights_are_one_call(connected: Listener, house: HomeAssistant) -> None:
    connected.asks("home.set", action="off")
    assert house.calls == [("light.turn_off", {"entity_id": ["light.kitchen_ceiling", "light.bedside", "light.salon"]})]


@pytest.mark.parametrize(("device", "entity"), [("garage door", "cover.garage"), ("front door", "lock.front")])
def test_home_assistant_opens_nothing_without_a_yes(
    connected: Listener, house: HomeAssistant, device: str, entity: str
) -> None:
    assert connected.asks("home.set", action="open", device=device).confirm
    assert house.calls == []
    assert connected.asks("home.set", action="open", device=device, confirmed=True).ok
    assert house.calls[0][1] == {"entity_id": [entity]}


def test_a_token_that_may_not_know_the_rooms_finds_devices_by_name(connected: Listener, house: HomeAssistant) -> None:
    house.admin = False
    assert connected.asks("home.set", action="on", room="kitchen").ok
    assert house.calls == [("light.turn_on", {"entity_id": ["light.kitchen_ceiling"]})]


def test_what_home_assistant_does_not_know_is_said(connected: Listener, house: HomeAssistant) -> None:
    answer = connected.asks("home.set", lang="fr", action="on", device="machine à café")
    assert (answer.text, answer.ok) == ("Je ne connais pas d'appareil appelé machine à café.", False)
    assert house.calls == []


def test_a_wrong_token_and_a_silent_house_are_said(connected: Listener, server: WebHere) -> None:
    connected.settings = Settings(home_assistant_url=server.url, home_assistant_token="wrong")
    assert connected.asks("home.set", action="on").text == (
        "Sorry, Home Assistant does not accept my access key. Please check the settings."
    )
    connected.settings = Settings(home_assistant_url="http://127.0.0.1:1", home_assistant_token=TOKEN)
    assert (
        connected.asks("home.set", lang="ja", action="on").text == "すみません、今ホームアシスタントにつながりません。"
    )


@pytest.mark.parametrize(
    "said", [b"{}", b"null", b"[3, {}, []]", b'[{"entity_id": "light.x/../y", "state": 3}]', b"<html>"]
)
def test_garbage_from_home_assistant_is_no_device(connected: Listener, server: WebHere, said: bytes) -> None:
    server.handlers["GET /api/states"] = lambda request: said
    assert not connected.asks("home.set", action="on", device="lamp").ok
