"""More comes in than a server can take (T04): who is too many is told to wait, memory stays bounded, nothing acknowledged is
lost, and /healthz answers."""

from __future__ import annotations

import http.client
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from server import web
from server.otlp import PROTOBUF, batch, span
from slipway.data import Span
from slipway.store import open_store

MIB = 1 << 20
TEXT = "the quick brown fox jumps over the lazy dog " * 23


@contextmanager
def running(folder, **settings):
    """A server in a process of its own, with default limits but for ``settings``. Yields (process, port)."""
    lines = [f"{name.replace('_', '-')} = {value}" for name, value in settings.items()]
    (folder / "slipway.toml").write_text("\n".join(["[server]", *lines]))
    command = [sys.executable, "-m", "slipway.cli", "up", "--port", "0"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder)
        try:
            yield process, int(re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())[1])
        finally:
            process.terminate()
            process.communicate(timeout=120)


def resident(process, what="VmRSS"):
    """Bytes of memory."""
    return int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) * 1024


class Flood:
    """Senders that send as fast as they can, each a new batch of ``size`` spans whatever became of the one before."""

    def __init__(self, port, senders, size):
        self.port, self.size = port, size
        self.acknowledged, self.refused, self.odd = [], 0, []
        self._lock, self._over = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(1, senders + 1)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(300)
            assert not thread.is_alive()

    def _send(self, sender):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        rng, number = random.Random(sender), 0
        texts = [TEXT[at:] + TEXT[:at] for at in rng.sample(range(len(TEXT)), 8)]
        said = [{"input.value": texts[n % 8], "output.value": texts[n % 7]} for n in range(self.size)]
        spans = [span(n, attributes=attributes) for n, attributes in enumerate(said, 1)]
        while not self._over.is_set():
            number += 1
            trace = sender << 64 | number
            body = batch(*[{**one, "trace_id": trace.to_bytes(16, "big")} for one in spans])
            try:
                connection.request("POST", "/v1/traces", body, PROTOBUF)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:  # cut off, without an answer
                self.odd.append(repr(error))
                return
            with self._lock:
                if answer.status == 200:
                    self.acknowledged.append(f"{trace:032x}")
                elif answer.status in (429, 503) and answer.headers["Retry-After"]:
                    self.refused += 1
                else:
                    self.odd.append((answer.status, dict(answer.headers)))
        connection.close()


def overloaded(folder, until, **settings):
    """Send more than the server takes ``until(flood, seconds)``; what T04 promises is checked meanwhile and afterwards."""
    never, healthy = threading.Event(), 0
    with running(folder, **settings) as (process, port):
        url = f"http://127.0.0.1:{port}"
        assert web.post(f"{url}/v1/traces", content=batch(span(1)), headers=PROTOBUF).status_code == 200
        most = 1.5 * resident(process) + 64 * MIB
        with Flood(port, 16, 1000) as flood, web.client(url) as client:
            begun = time.monotonic()
            while not until(flood, time.monotonic() - begun):
                assert time.monotonic() - begun < 600, (len(flood.acknowledged), flood.refused)
                assert flood.odd == []
                assert client.get("/healthz").json()["status"] == "ok"
                healthy += 1
                never.wait(0.05)
        again = web.post(f"{url}/v1/traces", content=batch(span(2)), headers=PROTOBUF)
        assert again.status_code == 200  # as soon as the flood is over
        assert resident(process, "VmHWM") < most
    assert flood.odd == []
    assert flood.refused > 0 < healthy
    with closing(open_store(f"sqlite:///{folder}/.slipway/slipway.db")) as store:
        kept = Counter(trace for (trace,) in store.columns(Span, ["trace_id"]))
    assert [trace for trace in flood.acknowledged if kept[trace] != flood.size] == []


def test_t04_twice_what_a_server_can_take(tmp_path):
    overloaded(tmp_path, lambda flood, seconds: len(flood.acknowledged) >= 40 and flood.refused >= 40)


@pytest.mark.slow
def test_t04_twice_what_a_server_can_take_for_five_minutes(tmp_path):
    overloaded(tmp_path, lambda flood, seconds: seconds > 300)
