"""`feedback`: what somebody said about a trace, kept in the store or sent to the server."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from slipway.config import Config, load
from slipway.data import Feedback, canonical_json, new_id
from slipway.data.feedback import FeedbackKind, make_feedback
from slipway.errors import ConfigError, DataError, InfrastructureError
from slipway.track.slot import slot

TRIES, PAUSE_S = 4, 0.25
KEY_VARIABLE = "SLIPWAY_API_KEY"


def feedback(
    trace_id: str,
    name: str,
    value: Any,
    *,
    kind: FeedbackKind | None = None,
    comment: str = "",
    who: str = "",
    span_id: str | None = None,
    key: str | None = None,
    timeout: float = 10.0,
) -> Feedback:
    """Keep what somebody said about a trace: ``feedback(trace_id, "helpful", True, who="ada")``. Returns it once it is on disk.

    ``value`` is a thumb (True, False), a number, a text, or a correction (what the answer should have been, any JSON);
    ``kind="label"`` or ``kind="correction"`` says so of a text. Giving it again with the same ``key`` changes nothing.

    With an ``endpoint`` (slipway.toml, SLIPWAY_ENDPOINT) it is sent to that server, with the key in SLIPWAY_API_KEY, and tried
    again for a moment; otherwise it is written to the store. Raises `DataError` for what cannot be kept, `ConfigError` for a
    key that the server refuses, and `InfrastructureError` when neither server nor store takes it within ``timeout`` seconds.
    """
    tracer = slot.tracer
    config = tracer.config if tracer is not None else load()
    made = make_feedback(
        trace_id,
        name,
        value,
        created_ns=time.time_ns(),
        kind=kind,
        who=who,
        comment=comment,
        span_id=span_id,
        project=config.project,
        key=key,
    )
    if config.endpoint:
        return _sent(config, made, key or new_id(), timeout)
    opener = getattr(tracer, "_open_sink", None)
    # In a test that records, what opens is a plain function: spans go to a list, and there is no store.
    if opener is not None and getattr(opener, "sink", opener) is None:
        return _kept(opener.open(), made)
    from slipway.store import open_store

    store = open_store(config.store_url)
    try:
        return _kept(store, made)
    finally:
        store.close()


def _kept(store: Any, made: Feedback) -> Feedback:
    if store.write([made]) == 0:
        found: Feedback | None = store.get(Feedback, made.id)
        return found or made
    return made


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Never: the key would be sent along to wherever the answer points."""


def _sent(config: Config, made: Feedback, key: str, timeout: float) -> Feedback:
    parts = urlsplit(config.endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"endpoint {config.endpoint!r:.200} is no address", mend="write http://HOST:4318")
    body = {name: getattr(made, name) for name in ("trace_id", "name", "value", "kind", "who", "comment", "span_id")}
    headers = {"Content-Type": "application/json", "x-slipway-project": made.project}
    if os.environ.get(KEY_VARIABLE):
        headers["Authorization"] = f"Bearer {os.environ[KEY_VARIABLE]}"
    request = urllib.request.Request(
        config.endpoint.rstrip("/") + "/api/v1/feedback", canonical_json({**body, "key": key}), headers
    )
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    opener = urllib.request.build_opener(_NoRedirects, *([urllib.request.ProxyHandler({})] if local else []))
    answer = _asked(opener, request, timeout)
    return Feedback(**answer, project=made.project)


def _asked(opener: urllib.request.OpenerDirector, request: urllib.request.Request, timeout: float) -> Mapping[str, Any]:
    until = time.monotonic() + timeout
    pause = PAUSE_S
    for left in reversed(range(TRIES)):
        try:
            with opener.open(request, timeout=max(until - time.monotonic(), 0.1)) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                problem: Exception = _refused(error)
            if error.code != 429 and error.code < 500:
                raise problem from None
        except (OSError, ValueError) as error:  # no answer, or one that is no JSON
            problem = InfrastructureError(f"the server did not answer: {error}", mend="see that it runs: slipway up")
        if left == 0 or time.monotonic() + pause >= until:
            break
        time.sleep(pause)
        pause *= 2
    raise problem


def _refused(error: urllib.error.HTTPError) -> Exception:
    try:
        said = json.loads(error.read(65_536))["error"]
        cause, mend = str(said["cause"]), str(said["mend"])
    except (ValueError, KeyError, TypeError, OSError):
        cause, mend = f"the server answered {error.code}", "see its log"
    if error.code in (401, 403, 404):
        return ConfigError(f"feedback was refused: {cause}", mend=f"{mend} ({KEY_VARIABLE} has the key)")
    if error.code == 429 or error.code >= 500:
        return InfrastructureError(f"feedback was not taken: {cause}", mend=mend)
    return DataError(f"feedback was refused: {cause}", mend=mend)
