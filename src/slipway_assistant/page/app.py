"""The page's requests: `GET /` is the page, `POST /turn` takes a sentence, `POST /speech` sound, `POST /thumb` an opinion.

Only this machine's own pages are answered: a foreign site that points at this port, or has its name point here, is refused.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import wave
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from slipway.errors import SlipwayError
from slipway_assistant.app import Assistant, Turn
from slipway_assistant.conversation import as_plain
from slipway_assistant.page.rings import Rings
from slipway_assistant.stages import BUDGETS_MS
from slipway_assistant.voice.loudspeaker import Tape
from slipway_assistant.voice.voice import Audio

LONGEST_BODY = 6_000_000
"""Bytes: a minute of sound at 48,000 samples a second."""
LONGEST_TEXT = 1_000
RATES = range(8_000, 192_001)
HOSTS = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "cache-control": "no-store",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")


class Bad(SlipwayError):
    """A request that cannot be answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def create_app(assistant: Assistant, rings: Rings) -> Any:
    """The ASGI application."""
    return Starlette(
        routes=[
            Route("/", _guarded(_page)),
            Route("/recorder.js", _guarded(_recorder)),
            Route("/facts", _guarded(lambda request: _facts(assistant))),
            Route("/rings", _guarded(lambda request: _rings(request, rings))),
            Route("/turn", _guarded(lambda request: _turn(request, assistant)), methods=["POST"]),
            Route("/speech", _guarded(lambda request: _speech(request, assistant)), methods=["POST"]),
            Route("/thumb", _guarded(lambda request: _thumb(request, assistant)), methods=["POST"]),
        ]
    )


Endpoint = Callable[[Request], Awaitable[Response]]


def _guarded(answer: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            _refuse_foreign(request)
            response = await answer(request)
        except Bad as bad:
            response = JSONResponse({"error": str(bad)}, status_code=bad.status)
        for name, value in HEADERS.items():
            response.headers[name] = value
        response.headers.setdefault("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
        return response

    return endpoint


def _refuse_foreign(request: Request) -> None:
    """Refuse what comes under another name than this machine's, and what a page of another site sends."""
    hosts = request.headers.getlist("host")
    form = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    if form is None or form[1] not in HOSTS:
        raise Bad(400, "the assistant answers to 127.0.0.1 and localhost only")
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Bad(403, "another site may not talk to the assistant")
    origin = request.headers.get("origin")
    if origin is not None and origin.lower() != f"http://{hosts[0].lower()}":
        raise Bad(403, "another site may not talk to the assistant")


async def _page(request: Request) -> Response:
    return Response(_html(), media_type="text/html", headers={"content-security-policy": _policy()})


async def _recorder(request: Request) -> Response:
    """What runs on the browser's audio thread: it must have an address of its own."""
    return Response(_inside("script", 'id="recorder" type="text/plain"'), media_type="text/javascript")


async def _facts(assistant: Assistant) -> Response:
    said = {
        "language": assistant.settings.language,
        "ears": assistant.ears is not None,
        "hears": list(getattr(assistant.ears, "languages", ())),
        "voice": assistant.voice.name if assistant.voice is not None else "",
        "budgets": dict(BUDGETS_MS),
    }
    return JSONResponse(said)


async def _rings(request: Request, rings: Rings) -> Response:
    """What rang after the number given, as soon as there is something; nothing after a while."""
    try:
        after = int(request.query_params.get("after", "-1"))
    except ValueError:
        raise Bad(400, "after is a whole number") from None
    return JSONResponse(await rings.after(after))


async def _turn(request: Request, assistant: Assistant) -> Response:
    said = await _json(request)
    text, lang = said.get("text"), said.get("lang") or None
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise Bad(400, f"text is a sentence of at most {LONGEST_TEXT} letters")
    if lang not in (None, "en", "fr", "ja"):
        raise Bad(400, "lang is en, fr or ja")
    turn = await asyncio.to_thread(assistant.turn_text, text.strip(), lang, aloud=False)
    return JSONResponse(_shown(turn))


async def _speech(request: Request, assistant: Assistant) -> Response:
    """16-bit samples of one channel, least significant byte first, `rate` of them a second."""
    import numpy as np

    from slipway_assistant.ears.resample import to_16k

    if assistant.ears is None:
        raise Bad(409, "the assistant was started without ears")
    rate, lang = request.query_params.get("rate", "16000"), request.query_params.get("lang") or None
    if not rate.isdecimal() or int(rate) not in RATES or lang not in (None, "en", "fr", "ja"):
        raise Bad(400, "rate is samples a second, lang is en, fr or ja")
    body = await _body(request)
    if len(body) < 2 or len(body) % 2:
        raise Bad(400, "the sound is not made of 16-bit samples")
    pcm = to_16k(np.frombuffer(body, dtype="<i2"), int(rate))
    turn = await asyncio.to_thread(assistant.turn_audio, pcm, lang, aloud=False)
    return JSONResponse(_shown(turn))


async def _thumb(request: Request, assistant: Assistant) -> Response:
    said = await _json(request)
    trace_id, up = said.get("trace_id"), said.get("up")
    if not isinstance(trace_id, str) or not re.fullmatch("[0-9a-f]{32}", trace_id) or not isinstance(up, bool):
        raise Bad(400, "a thumb has trace_id and up")
    assistant.thumb(trace_id, up=up)
    return JSONResponse({"kept": True})


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        said = json.loads(await _body(request))
    except (ValueError, RecursionError):
        raise Bad(400, "the body is no JSON") from None
    if not isinstance(said, dict):
        raise Bad(400, "the body is no JSON object")
    return said


async def _body(request: Request) -> bytes:
    whole = bytearray()
    try:
        async for part in request.stream():
            whole += part
            if len(whole) > LONGEST_BODY:
                raise Bad(413, "that is too long")
    except ClientDisconnect:
        raise Bad(400, "the browser went away") from None
    return bytes(whole)


def _shown(turn: Turn) -> dict[str, Any]:
    """A turn for the page: what JSON can have of it, and its sound as a WAV."""
    said = json.loads(json.dumps(as_plain(turn), default=str))
    return {**said, "audio": wav(turn.audio)}


def wav(audios: Sequence[Audio]) -> str:
    """Sound as a WAV in base64; empty for none."""
    if not audios:
        return ""
    tape = Tape()
    for audio in audios:
        tape.write(audio.pcm, audio.rate)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(tape.rate)
        file.writeframes(tape.pcm.tobytes())
    return base64.b64encode(out.getvalue()).decode()


@cache
def _html() -> str:
    return (files("slipway_assistant.page") / "page.html").read_text("utf-8")


def _inside(tag: str, attributes: str = "") -> str:
    """What is between the tags of one element of the page."""
    found = re.search(f"<{tag}{' ' if attributes else ''}{re.escape(attributes)}>(.*?)</{tag}>", _html(), re.DOTALL)
    assert found, f"page.html has no <{tag} {attributes}>"
    return found[1]


@cache
def _policy() -> str:
    """Nothing but the page's own script and style, named by their hashes, and what it asks of this server."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' {digest(_inside('script'))}",
            f"style-src {digest(_inside('style'))}",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
