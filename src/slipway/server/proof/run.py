"""Run the proof: a server, several clients, kills at random instants, and at the end a count of what is there.

found = prove(folder, kills=20, seconds=30)
assert found.lost == 0
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import InfrastructureError
from slipway.server.port import hold
from slipway.server.proof.client import PROJECT, SPANS, trace_id

START_S = 60.0
LEAST_S = 0.8  # the longest life of a server that answers, where no time is left for more
EARLY = 0.2  # the part of kills that may hit a server before it answers


@dataclass(frozen=True, slots=True)
class Proof:
    """What was acknowledged, and how much of it is in the store. ``damage`` is what the store's own check says."""

    seed: int
    kills: int
    early: int
    acknowledged: int
    found: int
    stored: int
    damage: Sequence[str]
    seconds: float

    @property
    def lost(self) -> int:
        """Acknowledged and not there."""
        return self.acknowledged - self.found


class Killed:
    """One server that is started again and again. Leave it with `close`."""

    def __init__(self, arguments: Sequence[str], port: int, log: Path) -> None:
        self._port, self._log = port, log
        # A name, not an import: the command line is above the server.
        command = [sys.executable, "-m", "slipway.cli.warm", "--port", str(port), *arguments]
        with open(log, "wb") as out:
            self._warm = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, text=True)
        self._pid = 0
        self._answer()

    def start(self) -> None:
        """Start the server."""
        self._pid = int(self._command("start"))

    def answers(self) -> None:
        """Return once it takes connections. Raises `InfrastructureError`."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                if self._command("runs") != "yes":
                    self._pid = 0
                    raise self._problem("the server ended as it started") from None
                time.sleep(0.005)
        raise self._problem(f"the server did not answer within {START_S:g} s")

    def kill(self) -> None:
        """SIGKILL. Raises `InfrastructureError` when it had ended by itself."""
        os.kill(self._pid, signal.SIGKILL)
        code = int(self._command("end"))
        self._pid = 0
        if code != -signal.SIGKILL:
            raise self._problem(f"the server ended by itself ({code})")

    def close(self) -> None:
        """Kill it, if it runs, and what starts it."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        self._warm.communicate()

    def _problem(self, what: str) -> InfrastructureError:
        said = self._log.read_text(errors="replace")[-2_000:]
        return InfrastructureError(f"{what}; it said: {said or 'nothing'}", mend="run: slipway up")

    def _command(self, command: str) -> str:
        assert self._warm.stdin is not None
        print(command, file=self._warm.stdin, flush=True)
        return self._answer()

    def _answer(self) -> str:
        assert self._warm.stdout is not None
        said = self._warm.stdout.readline()
        if not said:
            raise self._problem("the server could not be started")
        return said.strip()


def prove(
    folder: Path,
    *,
    kills: int,
    seconds: float,
    seed: int | None = None,
    store: str = "",
    clients: int = 3,
    tell: Callable[[int], None] = lambda killed: None,
) -> Proof:
    """Kill a server of its own in ``folder`` (or with the store at that URL) ``kills`` times within about ``seconds``.

    Raises `InfrastructureError` when the server does not start, ends by itself, or refuses what it is sent.
    """
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    rng, began = random.Random(seed), time.monotonic()
    arguments = ["--data", str(folder / "data"), *(["--store", store] if store else [])]
    early = 0
    with ExitStack() as leave:
        # Held, or one of the many connections to a server that is not there could be given this very port.
        port = leave.enter_context(hold("127.0.0.1")).getsockname()[1]
        server = Killed(arguments, port, folder / "server.log")
        leave.callback(server.close)
        acknowledged = leave.enter_context(_clients(f"http://127.0.0.1:{port}", folder, clients))
        start_s = 0.0
        for number in range(kills):
            at = time.monotonic()
            server.start()
            if number and rng.random() < EARLY:
                early += 1
                time.sleep(rng.uniform(0, start_s))
            else:
                server.answers()
                start_s = time.monotonic() - at
                left = (seconds - (time.monotonic() - began)) / (kills - number)
                time.sleep(rng.uniform(0, max(2 * (left - start_s), LEAST_S)))
            server.kill()
            tell(number + 1)
        server.start()
        _wait_for_more(acknowledged, clients)
        server.kill()
    sent = list(acknowledged())
    return _counted(folder, store, sent, seed, kills, early, began)


def _wait_for_more(acknowledged: Callable[[], Iterator[tuple[int, int]]], clients: int) -> None:
    """Until every client was served once more: the server came back, however it was killed."""
    before, deadline = Counter(client for client, _ in acknowledged()), time.monotonic() + START_S
    while time.monotonic() < deadline:
        now = Counter(client for client, _ in acknowledged())
        if all(now[client] > before[client] for client in range(clients)):
            return
        time.sleep(0.05)
    raise InfrastructureError("the server took nothing after the last start", mend="run: slipway doctor")


@contextmanager
def _clients(url: str, folder: Path, count: int) -> Iterator[Callable[[], Iterator[tuple[int, int]]]]:
    """Clients that send inside. Yields what reads the (client, batch) that were acknowledged so far."""
    files = [folder / f"client-{number}" for number in range(count)]
    running = [
        subprocess.Popen([sys.executable, "-m", "slipway.server.proof.client", url, str(file), str(number)])
        for number, file in enumerate(files)
    ]

    def acknowledged() -> Iterator[tuple[int, int]]:
        for number, file in enumerate(files):
            for line in file.read_text().splitlines() if file.exists() else ():
                yield number, int(line.split()[0])

    try:
        yield acknowledged
        if any(process.poll() is not None for process in running):
            raise InfrastructureError("a client was refused", mend="see what it said above")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _counted(
    folder: Path, url: str, sent: list[tuple[int, int]], seed: int, kills: int, early: int, began: float
) -> Proof:
    from slipway.data import Span
    from slipway.store import open_store

    store = open_store(url or f"sqlite:///{folder / 'data' / 'slipway.db'}")
    try:
        there: Counter[str] = Counter()
        names = store.columns(Span, ["trace_id", "name"], {"project": PROJECT})
        for trace, name in names:
            client, batch, _ = name.split("-")
            there[trace] += trace == trace_id(int(client), int(batch))
        damage = store.health(deep=True).problems
    finally:
        store.close()
    return Proof(
        seed=seed,
        kills=kills,
        early=early,
        acknowledged=len(sent) * SPANS,
        found=sum(min(there[trace_id(*each)], SPANS) for each in sent),
        stored=there.total(),
        damage=damage,
        seconds=time.monotonic() - began,
    )
