"""What receiving costs: durable spans a second, time to an acknowledgement, CPU of the server for each span, start, memory.

    python benchmarks/ingest.py            # about a minute
    python benchmarks/ingest.py --peers    # Phoenix and MLflow too, each from a throw-away environment (ten minutes)
    python benchmarks/ingest.py --seconds 20 --connections 4 --batch 100

A real server in a process of its own on one core, clients on the others. Each connection sends the next OTLP/HTTP protobuf
batch when the one before was acknowledged; spans carry 1 KB in and 1 KB out as OpenInference writes them, and batches are made
before the clock starts. Meanwhile somebody asks whether the server lives, and the longest wait for that is told. Peers get the
same bytes. A peer that says 200 before its spans are on disk is measured all the same; which of them lose what they
acknowledged is for a kill test to say. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from peers.installed import python_of

TICKS = os.sysconf("SC_CLK_TCK")
WORDS = "the quick brown fox jumps over the lazy dog and finds that nothing was lost on the way "


@dataclass(frozen=True)
class Server:
    """How to start one and where to send spans. ``made`` is asked once before the first batch."""

    name: str
    command: tuple[str, ...]
    ready: str
    environ: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def batch(size: int, rng: random.Random) -> bytes:
    """One export of ``size`` spans of 1 + 1 KB."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    resource = of_resource.resource.attributes.add(key="service.name")
    resource.value.string_value = "benchmark"
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "openinference.instrumentation.openai"
    now = time.time_ns()
    trace = rng.randbytes(16)
    for number in range(size):
        if number % 10 == 0:
            trace = rng.randbytes(16)
        span = of_scope.spans.add(
            trace_id=trace, span_id=rng.randbytes(8), name="ChatCompletion", kind=1,
            start_time_unix_nano=now, end_time_unix_nano=now + 40_000_000,
        )  # fmt: skip
        at = rng.randrange(40)
        text = (WORDS[at:] + WORDS * 12)[:1_000]
        said = {
            "openinference.span.kind": "LLM",
            "llm.model_name": "small",
            "input.mime_type": "application/json",
            "input.value": '{"messages": [{"role": "user", "content": "' + text[:950] + '"}]}',
            "output.value": text,
            "session.id": f"session-{at}",
            "llm.provider": "local",
        }
        for key, value in said.items():
            span.attributes.add(key=key).value.string_value = value
        for key, count in (("llm.token_count.prompt", 212), ("llm.token_count.completion", 198)):
            span.attributes.add(key=key).value.int_value = count
        span.status.code = 1
    return bytes(request.SerializeToString())


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its children that live."""
    total = 0.0
    for each in (pid, *children(pid)):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def children(pid: int) -> list[int]:
    """All descendants."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    """Resident memory of a process and its children."""
    total = 0
    for each in (pid, *children(pid)):
        for line in Path(f"/proc/{each}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                total += int(line.split()[1])
    return total / 1024


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return once ``url`` is answered."""
    for _ in range(6_000):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                raise SystemExit(f"the server ended with {process.returncode}") from None
            time.sleep(0.02)
    raise SystemExit(f"nothing answers at {url}")


class Sender(threading.Thread):
    """One connection: the next batch when the last was acknowledged."""

    def __init__(self, port: int, batches: Sequence[bytes], headers: dict[str, str], until: float) -> None:
        super().__init__()
        self.port, self.batches, self.headers, self.until = port, batches, headers, until
        self.latencies: list[float] = []
        self.refused = 0

    def run(self) -> None:
        """Send until the time is over or nothing is left."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        headers = {"Content-Type": "application/x-protobuf", **self.headers}
        for body in self.batches:
            started = time.perf_counter()
            if started > self.until:
                break
            connection.request("POST", "/v1/traces", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.latencies.append(time.perf_counter() - started)
            else:
                self.refused += 1
        connection.close()


class Asking(threading.Thread):
    """One who asks whether the server lives, ten times a second, while others send."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.latencies: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Ask until it is over."""
        while not self.over.wait(0.1):
            started = time.perf_counter()
            urllib.request.urlopen(self.url, timeout=60).close()
            self.latencies.append(time.perf_counter() - started)


def measure(server: Server, options: argparse.Namespace, cores: tuple[set[int], set[int]]) -> dict[str, float]:
    """Start, warm, send, stop."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ingest-", dir=options.folder) as folder:
        given = [part.format(port=port, folder=folder) for part in server.command]
        environ = os.environ | {name: value.format(port=port, folder=folder) for name, value in server.environ.items()}
        started = time.perf_counter()
        os.sched_setaffinity(0, cores[0])  # the server inherits it
        process = subprocess.Popen(
            given, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        os.sched_setaffinity(0, cores[1])
        try:
            answers(f"http://127.0.0.1:{port}{server.ready}", process)
            found = {"start_s": time.perf_counter() - started, "start_cpu_s": cpu_seconds(process.pid)}
            found["idle_mb"] = memory_mb(process.pid)
            rng = random.Random(5)
            count = options.connections * max(
                int(options.seconds * options.guess / options.connections / options.batch), 3
            )
            batches = [batch(options.batch, rng) for _ in range(count + options.connections)]
            send(port, batches[count:], server, options, 60)  # what is loaded at the first batch is no cost of a span
            before, clock = cpu_seconds(process.pid), time.perf_counter()
            asking = Asking(f"http://127.0.0.1:{port}{server.ready}")
            asking.start()
            senders = send(port, batches[:count], server, options, options.seconds)
            took, cpu = time.perf_counter() - clock, cpu_seconds(process.pid) - before
            asking.over.set()
            asking.join()
            latencies = sorted(each for sender in senders for each in sender.latencies)
            done = len(latencies) * options.batch
            found |= {
                "spans_s": done / took,
                "cpu_us": cpu / max(done, 1) * 1e6,
                "p50_ms": latencies[len(latencies) // 2] * 1e3 if latencies else float("nan"),
                "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3 if latencies else float("nan"),
                "health_ms": max(asking.latencies, default=float("nan")) * 1e3,
                "refused": sum(sender.refused for sender in senders),
                "spans": done,
                "peak_mb": memory_mb(process.pid, "VmHWM"),
            }
            return found
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a server that leads a group of processes, and all of them."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):  # the workers of some outlive them, and would slow whoever is next
        os.killpg(process.pid, signal.SIGKILL)


def send(
    port: int, batches: Sequence[bytes], server: Server, options: argparse.Namespace, seconds: float
) -> list[Sender]:
    """Send ``batches`` over all connections."""
    until = time.perf_counter() + seconds
    lanes = options.connections
    senders = [Sender(port, batches[lane::lanes], server.headers, until) for lane in range(lanes)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return senders


def servers(peers: bool) -> list[tuple[Server, int]]:
    """Who is measured, and about how many spans a second to make batches for."""
    up = ("-m", "slipway.cli", "up", "--port", "{port}", "--data", "{folder}/data")
    found = [(Server("slipway", (sys.executable, *up), "/healthz"), 40_000)]
    if peers:
        phoenix = python_of("phoenix-server", "arize-phoenix")
        mlflow = python_of("mlflow-server", "mlflow")
        ports = {"PHOENIX_PORT": "{port}", "PHOENIX_HOST": "127.0.0.1", "PHOENIX_WORKING_DIR": "{folder}"}
        ports |= {"PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_TELEMETRY_ENABLED": "false"}
        if phoenix:
            command = (str(Path(phoenix).with_name("phoenix")), "serve")
            found.append((Server("phoenix", command, "/healthz", ports), 3_000))
        if mlflow:
            uri = "sqlite:///{folder}/mlflow.db"
            command = (
                mlflow,
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                "{port}",
                "--backend-store-uri",
                uri,
            )
            found.append((Server("mlflow", command, "/health", {}, {"x-mlflow-experiment-id": "0"}), 3_000))
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--folder", default=None, help="where the data folders are made")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    apart = ({cores[0]}, set(cores[1:]) or {cores[0]})
    os.sched_setaffinity(0, apart[1])
    print(f"{options.connections} connections x {options.batch} spans of 1 + 1 KB, server on one core of {len(cores)}")
    print(f"{'':8} {'spans/s':>8} {'CPU us/span':>11} {'p50 ms':>7} {'p99 ms':>7} {'start s':>8} {'start CPU':>9}"
          f" {'idle MiB':>8} {'peak MiB':>8} {'refused':>7} {'health ms':>9}")  # fmt: skip
    for server, guess in servers(options.peers):
        options.guess = guess
        runs = [measure(server, options, apart) for _ in range(options.runs)]
        mid = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"{server.name:8} {mid['spans_s']:8,.0f} {mid['cpu_us']:11.1f} {mid['p50_ms']:7.1f} {mid['p99_ms']:7.1f}"
              f" {mid['start_s']:8.2f} {mid['start_cpu_s']:9.2f} {mid['idle_mb']:8.0f} {mid['peak_mb']:8.0f}"
              f" {mid['refused']:7.0f} {mid['health_ms']:9.1f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
