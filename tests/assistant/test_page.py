"""The page: a real Chromium writes and speaks to the assistant; what comes from elsewhere is refused."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shutil
import threading
import wave
from concurrent.futures import Future

import httpx
import pytest

from assistant.chromium import PATIENCE_S, Page
from slipway_assistant.app import Assistant
from slipway_assistant.mind import prepare, variant
from slipway_assistant.page.rings import Rings
from slipway_assistant.page.serve import serve, spoken
from slipway_assistant.settings import Settings
from slipway_assistant.voice import open_voice


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "the tests need Chromium; run: make system"
    return found


class Served:
    """The page served from a thread of its own."""

    def __init__(self, assistant):
        self.assistant, self.rings, self.url = assistant, Rings(), Future()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await serve(self.assistant, port=0, ready=self.url.set_result, stop=self.stop, rings=self.rings)
        except BaseException as error:
            self.url.done() or self.url.set_exception(error)

    def __enter__(self):
        self.thread.start()
        self.address = self.url.result(PATIENCE_S)
        self.http = httpx.Client(base_url=self.address, timeout=PATIENCE_S, verify=False, trust_env=False)
        return self

    def __exit__(self, *_):
        self.http.close()
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    settings = Settings(data=str(tmp_path_factory.mktemp("data")), timezone="Europe/Paris")
    mind = prepare(variant("keywords"), []).mind
    with Served(Assistant(settings, mind, None, open_voice(settings), name="keywords")) as served:
        yield served


def turn(served, **said):
    return served.http.post("/turn", json=said)


def test_a_turn_over_http(served):
    answer = turn(served, text="set a timer for 5 minutes")
    assert answer.status_code == 200
    told = answer.json()
    assert told["call"] == {"name": "timer.set", "arguments": {"minutes": 5}}
    assert told["said"]
    assert set(told["ms"]) == {"chat", "to_skill", "execute_tool", "text_to_speech", "first_audio"}
    with wave.open(io.BytesIO(base64.b64decode(told["audio"]))) as sound:
        assert sound.getnframes() > sound.getframerate() / 2


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/turn", {"Origin": "http://evil.example"}, b'{"text": "stop"}', 403),
        ("/turn", {"Origin": "null"}, b'{"text": "stop"}', 403),
        ("/turn", {"Sec-Fetch-Site": "cross-site"}, b'{"text": "stop"}', 403),
        ("/turn", {"Sec-Fetch-Site": "same-site"}, b'{"text": "stop"}', 403),
        ("/turn", {"Host": "evil.example"}, b'{"text": "stop"}', 400),
        ("/turn", {"Host": "127.0.0.1.evil.example"}, b'{"text": "stop"}', 400),
        ("/turn", {}, b"{", 400),
        ("/turn", {}, b"[1]", 400),
        ("/turn", {}, b'{"text": ""}', 400),
        ("/turn", {}, b'{"text": 5}', 400),
        ("/turn", {}, b'{"text": "stop", "lang": "de"}', 400),
        ("/turn", {}, json.dumps({"text": "a" * 1_001}).encode(), 400),
        ("/turn", {}, b"x" * 6_000_001, 413),
        ("/thumb", {}, b'{"trace_id": "x", "up": true}', 400),
        ("/thumb", {}, b'{"trace_id": "' + b"0" * 32 + b'", "up": 1}', 400),
        ("/speech", {}, b"ab", 409),
    ],
)
def test_what_is_refused(served, path, headers, body, status):
    answer = served.http.post(path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}


def test_the_page_may_load_nothing_from_elsewhere(served):
    answer = served.http.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert served.http.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert served.http.get("/recorder.js").text.strip().startswith("class Recorder")
    assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")


def test_what_rings_is_told_to_the_page_that_waits(served):
    now = served.http.get("/rings?after=-1").json()
    assert now["rings"] == []
    served.rings.put("Your timer is done.", "en", spoken(served.assistant, "Your timer is done.", "en"))
    told = served.http.get(f"/rings?after={now['next']}").json()
    assert [ring["text"] for ring in told["rings"]] == ["Your timer is done."]
    assert told["next"] == now["next"] + 1
    assert base64.b64decode(told["rings"][0]["audio"])[:4] == b"RIFF"


def test_a_browser_writes_and_hears_the_answer(served, browser, tmp_path):
    async def talk():
        async with Page(browser, tmp_path, served.address) as page:
            await page.until("document.body.dataset.ready")
            await page.js("document.getElementById('text').value = 'set a timer for 5 minutes'")
            await page.js("document.getElementById('send').click()")
            said = await page.until("document.querySelector('.answer p')?.textContent")
            call = await page.js("document.querySelector('.call').textContent")
            bars = await page.js("document.querySelectorAll('.stages progress').length")
            played = await page.until("document.body.dataset.played")
            wide = await page.js("document.documentElement.scrollWidth <= innerWidth")
            await page.js("(document.getElementById('lang').value = 'ja', greet())")
            greeting = await page.js("document.getElementById('greeting').textContent")
            await page.js(
                "var s = document.createElement('script'); s.text = 'window.foreign = 1'; document.body.append(s)"
            )
            foreign = await page.js("window.foreign")
            return said, call, bars, float(played), wide, greeting, foreign

    said, call, bars, played, wide, greeting, foreign = asyncio.run(talk())
    assert "minute" in said
    assert call.startswith("timer.set(minutes=5)")
    assert bars == 5
    assert 0.5 < played < 10
    assert wide
    assert "入力" in greeting
    assert foreign is None  # the policy runs no script but the page's own


@pytest.mark.slow
def test_a_browser_speaks_and_hears_the_answer(browser, tmp_path):
    from slipway_assistant.ears import wav
    from slipway_assistant.listening import ears_for
    from slipway_assistant.spoken import say

    settings = Settings(data=str(tmp_path / "data"), timezone="Europe/Paris")
    mind = prepare(variant("keywords"), []).mind
    wav.write(tmp_path / "said.wav", say("turn on the kitchen light", lead_s=1.0, trail_s=4.0).pcm)
    options = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={tmp_path}/said.wav%noloop",
    ]

    async def talk(address):
        async with Page(browser, tmp_path, address, options=options, size=(390, 844)) as page:
            await page.until("document.body.dataset.ready")
            await page.js("document.getElementById('mic').click()")
            said = await page.until("document.querySelector('.answer p')?.textContent")
            heard = await page.js("document.querySelector('.mine').textContent")
            played = await page.until("document.body.dataset.played")
            wide = await page.js("document.documentElement.scrollWidth <= innerWidth")
            return heard, said, float(played), wide

    assistant = Assistant(settings, mind, ears_for(settings, mind, None), open_voice(settings), name="keywords")
    with Served(assistant) as served:
        heard, said, played, wide = asyncio.run(talk(served.address))
    # What a browser under load makes of the sound is not ours to promise; that it was this sentence is.
    assert "kitchen light" in heard
    assert said
    assert played > 0.5
    assert wide
