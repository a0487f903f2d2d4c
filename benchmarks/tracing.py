"""What tracing costs the application, and what is lost when things go wrong; beside the peers when asked.

    python benchmarks/tracing.py                  # about two minutes
    python benchmarks/tracing.py --peers          # and the peers, each installed from PyPI into an environment of its own
    python benchmarks/tracing.py --only slipway opentelemetry --runs 7

A call takes 1 KB and returns 1 KB. Every figure comes from a process of its own; subjects alternate, medians of ``--runs`` are
shown. Peers send to a stub server on the loopback that answers at once (protobuf or JSON, whatever it is sent); Slipway
writes its store, synced, on disk. It measures and asserts nothing. On a busy machine trust the ratios within one table.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SRC = HERE.parent / "src"
SUBJECT = HERE / "peers" / "tracing_subject.py"
VENVS = Path(os.environ.get("SLIPWAY_BENCH_VENVS", Path(tempfile.gettempdir()) / "slipway-bench-venvs"))
PEERS = {
    "opentelemetry": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
    "phoenix": ["arize-phoenix-otel", "openinference-instrumentation"],
    "langfuse": ["langfuse"],
    "logfire": ["logfire"],
    "weave": ["weave"],
    "mlflow": ["mlflow"],
}
IMPORTS = {
    "slipway": "import slipway.track",
    "opentelemetry": "import opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "phoenix": "import phoenix.otel",
    "langfuse": "import langfuse",
    "logfire": "import logfire",
    "weave": "import weave",
    "mlflow": "import mlflow",
}
Rows = list[dict[str, Any]]
MARK = re.compile(rb"#(\d{6})#")


@dataclass
class Stub:
    """A server that takes everything and remembers which calls it has seen."""

    seen: set[int] = field(default_factory=set)
    url: str = ""

    def __enter__(self) -> Stub:
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                stub.seen.update(int(number) for number in MARK.findall(body))
                self._answer()

            def _answer(self) -> None:
                protobuf = "protobuf" in self.headers.get("Content-Type", "")
                data = b"" if protobuf else b'{"digest": "%s"}' % (b"0" * 43)  # Weave sends no call before it has one
                self.send_response(200)
                self.send_header("Content-Type", self.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = do_POST  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Silent."""

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that is killed cuts its connection: that is what is measured."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def prepared(name: str) -> str | None:
    """The Python that has ``name``; None (and the reason, printed) when it cannot be installed."""
    if name.startswith(("slipway", "bare")):
        return sys.executable
    folder = VENVS / f"tracing-{name}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [uv, "venv", "-q", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(python), *PEERS[name]],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
            if done.returncode:
                print(f"{name}: cannot be installed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                return None
        (folder / "complete").touch()
    return str(python)


def environ() -> dict[str, str]:
    """The same for every subject: ours is found in the source tree."""
    return {**os.environ, "PYTHONPATH": str(SRC), "OTEL_SDK_DISABLED": "false", "PYTHONWARNINGS": "ignore"}


def measure(python: str, subject: str, mode: str, count: int) -> dict[str, Any] | None:
    """One process; None when it failed (the last line of what it said is printed)."""
    with Stub() as stub, tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        command = [python, str(SUBJECT), subject, mode, stub.url, folder, str(count)]
        try:
            done = subprocess.run(
                command, env=environ(), cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"{subject} {mode}: no end within 300 s", file=sys.stderr)
            return None
        if done.returncode or not done.stdout.strip().startswith("{"):
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            print(f"{subject} {mode}: failed: {said}", file=sys.stderr)
            return None
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        found["arrived"], found["twice"] = arrived(subject, stub, folder)
        return found


def killed(python: str, subject: str, rate_s: float) -> dict[str, Any] | None:
    """SIGKILL after ``rate_s`` seconds at 1,000 calls/s: the part of calls lost, and how old the oldest of them was."""
    with Stub() as stub, tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        command = [python, str(SUBJECT), subject, "kill", stub.url, folder, "0"]
        child = subprocess.Popen(
            command, env=environ(), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        if not first:
            return None
        timer = threading.Timer(rate_s, child.send_signal, (signal.SIGKILL,))
        timer.start()
        calls = [line.split() for line in [first, *child.stdout] if line.endswith("\n") and line[0].isdigit()]
        child.wait()
        died = float(calls[-1][1])
        time.sleep(1.0)  # what is on its way to the stub arrives
        seen = stored(folder) if subject.startswith("slipway") else stub.seen
        lost = [float(at) for number, at in calls if int(number) not in seen]
        return {
            "lost": len(lost) / len(calls),
            "lost_ms": 1_000 * (died - min(lost)) if lost else 0.0,
            "calls": len(calls),
        }


def arrived(subject: str, stub: Stub, folder: str) -> tuple[int, int]:
    """(calls that arrived, how many arrived twice)."""
    if subject.startswith("slipway"):
        return len(stored(folder)), 0
    if subject == "mlflow":
        import sqlite3

        with sqlite3.connect(f"{folder}/mlflow.db") as database:
            return database.execute("select count(*) from trace_info").fetchone()[0], 0
    return len(stub.seen), 0


def stored(folder: str) -> set[int]:
    """The calls that our store has once the next process has shipped what was spooled."""
    sys.path.insert(0, str(SRC))
    from slipway.data import Span
    from slipway.store import open_store
    from slipway.track import ship_folder

    if not Path(folder, ".slipway").exists():
        return set()
    store = open_store(f"sqlite:///{folder}/.slipway/slipway.db")
    ship_folder(Path(folder, ".slipway/spool"), store.write)
    found = [int(match.group(1)) for span in store.find(Span) if (match := MARK.search(str(span.input).encode()))]
    store.close()
    if len(found) != len(set(found)):
        print(f"slipway: {len(found) - len(set(found))} calls are stored twice", file=sys.stderr)
    return set(found)


def import_cpu(python: str, name: str) -> float | None:
    """CPU seconds of importing, above those of the bare interpreter."""
    statement = IMPORTS.get(name)
    if statement is None:
        return None
    code = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
    done = subprocess.run([python, "-c", code], env=environ(), capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def installed(name: str) -> tuple[float, int] | None:
    """(MiB, distributions) of an environment that holds nothing else."""
    if name == "slipway":
        PEERS["slipway"] = [str(HERE.parent)]
        folder = VENVS / "tracing-slipway"
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [uv, "venv", "-q", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(folder / "bin/python"), str(HERE.parent)],
        ):
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return None
    folder = VENVS / f"tracing-{name}"
    site = next(folder.glob("lib/python*/site-packages"), None)
    if site is None:
        return None
    files = [
        path
        for path in site.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "_virtualenv" not in path.name
    ]
    return sum(path.stat().st_size for path in files) / 1_048_576, len(list(site.glob("*.dist-info")))


def median(found: list[dict[str, Any]], key: str) -> float | None:
    values = [row[key] for row in found if row.get(key) is not None]
    return statistics.median(values) if values else None


def shown(value: float | None, pattern: str = "{:.1f}") -> str:
    return pattern.format(value) if value is not None else "-"


def table(head: list[str], lines: list[list[str]]) -> None:
    widths = [max(len(row[index]) for row in [head, *lines]) for index in range(len(head))]
    for row in [head, *lines]:
        print(
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="install and measure the peers too")
    parser.add_argument("--only", nargs="*", default=None, help="these subjects")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--count", type=int, default=20_000, help="calls of a burst")
    options = parser.parse_args()
    report(options, *measured(options))


def measured(options: argparse.Namespace) -> tuple[dict[str, str], dict[str, dict[str, Rows]]]:
    """(the Python of each subject, the rows of each measurement by subject)."""
    names = options.only or ["slipway", *(PEERS if options.peers else ())]
    pythons = {name: python for name in names if (python := prepared(name))}
    cost: dict[str, Rows] = {name: [] for name in [*pythons, "bare", "slipway_off", "slipway_sampled"]}
    paced: dict[str, Rows] = {name: [] for name in [*pythons, "bare"]}
    kills: dict[str, Rows] = {name: [] for name in pythons}
    imports: dict[str, Rows] = {name: [] for name in pythons}
    for _ in range(options.runs):  # alternating: a busy minute falls on all of them
        for name in cost:
            found = measure(pythons.get(name, sys.executable), name, "burst", options.count)
            cost[name] += [found] if found else []
        for name in paced:
            found = measure(pythons.get(name, sys.executable), name, "paced", 3_000)
            paced[name] += [found] if found else []
        for name, python in pythons.items():
            lost = killed(python, name, 2.0) if name != "mlflow" else None
            kills[name] += [lost] if lost else []
            imports[name].append({"cpu": import_cpu(python, name)})
    return pythons, {"cost": cost, "paced": paced, "kills": kills, "imports": imports}


def report(options: argparse.Namespace, pythons: dict[str, str], found: dict[str, dict[str, Rows]]) -> None:
    """Print the tables."""
    paced, kills, imports = found["paced"], found["kills"], found["imports"]
    print(f"\na traced call, 1 KB in and 1 KB out; medians of {options.runs} runs\n")
    head = [
        "",
        "p50 us",
        "p99 us",
        "CPU us, burst",
        "CPU us, 1,000/s",
        "of a burst arrive",
        "lost: SIGKILL",
        "of the last ms",
        "import s",
    ]
    table(
        head,
        [
            [
                name,
                shown(median(rows, "p50_us"), "{:.2f}"),
                shown(median(rows, "p99_us")),
                shown(median(rows, "cpu_us")),
                shown(median(paced.get(name, []), "cpu_us")),
                shown(100 * (median(rows, "arrived") or 0) / options.count, "{:.1f} %")
                if name in pythons and rows
                else "-",
                shown(100 * lost, "{:.1f} %") if (lost := median(kills.get(name, []), "lost")) is not None else "-",
                shown(median(kills.get(name, []), "lost_ms"), "{:.0f}"),
                shown(median(imports.get(name, []), "cpu"), "{:.2f}"),
            ]
            for name, rows in found["cost"].items()
        ],
    )
    if options.peers:
        sizes = {name: installed(name) for name in pythons}
        table(
            ["installed", "MiB", "distributions"],
            [[n, shown(s[0], "{:.0f}"), str(s[1])] for n, s in sizes.items() if s],
        )


if __name__ == "__main__":
    main()
