"""T14: the disk under the whole server fills. Everybody is told, nothing acknowledged is lost, programs beside it go on, and with
room again so does the server, without a restart."""

from __future__ import annotations

import random
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from server import web
from server.otlp import JSON, PROTOBUF, batch, span
from server.patience import PATIENCE_S, until
from slipway.data import Span
from slipway.errors import StoreError
from slipway.server.app import problem
from slipway.server.journal import Damage, read
from slipway.store import open_store
from slipway.track.drops import records_lost

LARGEST_FILE = 2 << 20
FULL = (503, 507)
APPLICATION = """
import sys, threading
from slipway.config import Config
from slipway.track import flush, init, span
init(config=Config(root=sys.argv[1], project="app", endpoint=sys.argv[2]), environment=False, instrument=False)
ended, made = threading.Event(), 0
threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
while not ended.wait(0.05):
    with span(f"{sys.argv[3]} {made}", text="x" * 1000):
        made += 1
while not flush(1):
    pass
print(made)
"""


@dataclass
class Disk:
    """A place for a server's data that has little room. ``press`` takes what is left, ``free`` gives it back."""

    data: Path
    confine: Callable[[int], None]
    press: Callable[[], None]
    free: Callable[[int], None]


@pytest.fixture(params=["a small file system", "small files"])
def disk(request, tmp_path):
    """A file system of 16 MiB; and, for who may not mount one, a limit on the size of the server's files."""
    if request.param == "small files":

        def limit(pid, size):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        return Disk(
            tmp_path / "data",
            lambda pid: limit(pid, LARGEST_FILE),
            lambda: None,
            lambda pid: limit(pid, resource.RLIM_INFINITY),
        )
    folder = request.getfixturevalue("small_disk")("16m")
    filler = folder / "filler"
    filler.write_bytes(bytes(9 << 20))

    def press():
        with suppress(OSError), open(filler, "ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(pid):
        filler.unlink()
        # All that waits in spools comes now, and nobody knows how much that is on a slow machine.
        subprocess.run(["mount", "-o", "remount,size=512m", str(folder)], check=True)

    return Disk(folder / "data", lambda pid: None, press, free)


@contextmanager
def up(data, log):
    """A server of which only the data lie in the small place: (process, url)."""
    command = [sys.executable, "-m", "slipway.cli", "up", "--port", "0", "--data", str(data)]
    with open(log, "w") as lines, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=lines, text=True) as process:
        try:
            found = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert found, log.read_text()
            yield process, found[0]
        finally:
            process.kill()


@contextmanager
def application(folder, url, name):
    """A traced program that records until its input ends, and then says how many spans it made."""
    folder.mkdir()
    command = [sys.executable, "-c", APPLICATION, str(folder), url, name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as program:
        try:
            yield program
        finally:
            program.kill()


class Sender:
    """Sends spans of 60 kB that no compression makes shorter, and remembers those that were acknowledged."""

    def __init__(self, url):
        self._url, self._noise, self._number = url, random.Random(14), 0
        self.acknowledged = set()

    def send(self, coding=PROTOBUF):
        """The answer to the next one."""
        self._number += 1
        if coding is JSON:
            ids = f'"traceId":"{1:032x}","spanId":"{self._number:016x}"'
            text = f'{{"key":"text","value":{{"stringValue":"{self._noise.randbytes(30_000).hex()}"}}}}'
            body = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{ids},"attributes":[{text}]}}]}}]}}]}}'.encode()
        else:
            body = batch(span(self._number, attributes={"text": self._noise.randbytes(30_000).hex()}))
        answer = web.post(f"{self._url}/v1/traces", content=body, headers=coding)
        if answer.status_code == 200:
            self.acknowledged.add(f"{self._number:016x}")
        return answer


def test_t14_the_disk_under_the_server_fills_and_is_freed(disk, tmp_path):
    with (
        up(disk.data, tmp_path / "log") as (process, url),
        application(tmp_path / "apart", url, "apart") as apart,
        application(disk.data.parent / "beside", url, "beside") as beside,
    ):
        sender = Sender(url)
        assert sender.send().status_code == 200
        disk.confine(process.pid)
        refused = until(lambda: None if (answer := sender.send()).status_code == 200 else answer)
        check_refusal(refused)

        def is_told():
            disk.press()
            sender.send()
            alive, ready = web.get(f"{url}/healthz"), web.get(f"{url}/readyz")
            assert alive.status_code == 200  # a restart would not help
            if alive.json()["store"] == "ok" or ready.status_code == 200:
                return False
            assert ready.status_code in FULL
            return "retry-after" in ready.headers and "takes nothing" in ready.json()["error"]["cause"]

        until(is_told)
        until(lambda: check_refusal(answer, JSON) if (answer := sender.send(JSON)).status_code != 200 else False)
        assert web.get(f"{url}/metrics").status_code == 200
        assert [program.poll() for program in (apart, beside)] == [None, None]

        disk.free(process.pid)
        until(lambda: web.get(f"{url}/readyz").status_code == 200)  # it finds out by itself
        until(lambda: sender.send().status_code == 200)
        assert web.get(f"{url}/healthz").json() == {**web.get(f"{url}/healthz").json(), "store": "ok"}
        made = {name: ended(program) for name, program in (("apart", apart), ("beside", beside))}
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    with closing(open_store(f"sqlite:///{disk.data}/slipway.db")) as store:
        assert store.health(deep=True).problems == ()
        found = list(store.columns(Span, ["span_id", "name"]))
        assert sender.acknowledged <= {row[0] for row in found}
        names = [row[1] for row in found]
        of = {name: sum(each.startswith(f"{name} ") for each in names) for name in made}
        assert of["apart"] == made["apart"]
        assert of["beside"] + records_lost(store.health().drops) == made["beside"]
        assert len(names) == len(set(names))
    damage = Damage()
    assert list(read(disk.data / "journal", damage))
    assert damage.reasons == []


def check_refusal(answer, coding=PROTOBUF):
    """It says in the way of OTLP that the sender is to keep the batch, and to come again."""
    assert answer.status_code in FULL
    assert int(answer.headers["retry-after"]) > 0
    code = answer.json()["code"] if coding is JSON else answer.content[1]
    assert code == {503: 14, 507: 8}[answer.status_code]
    assert answer.headers["content-type"] == coding["Content-Type"]
    return True


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("s.db: database or disk is full", 507),
        ('postgresql://h/d: could not extend file "base/5/1": No space left on device', 507),
        ("cannot write s.db.session: Disk quota exceeded", 507),
        ("s.db: disk I/O error", 503),
        ("postgresql://h/d: the server closed the connection", 503),
    ],
)
def test_no_room_is_507_however_it_is_said(said, status):
    answer = problem(StoreError(said))
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")


def ended(program):
    """How many spans a program made, which never noticed anything."""
    out, err = program.communicate("\n", timeout=PATIENCE_S)
    assert (program.returncode, "Traceback" in err) == (0, False), err
    return int(out)
