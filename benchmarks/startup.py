"""What starting costs: CPU of `import slipway`, `slipway --help`, `slipway init`; of `slipway up` until it answers, and after.

    python benchmarks/startup.py            # two minutes
    python benchmarks/startup.py --peers    # and Phoenix and MLflow, each in an environment of its own (ten minutes)
    python benchmarks/startup.py --bytecode environment    # as this environment has it, compiled or not

Every figure is a process of its own, user and system time together; the rows alternate, and a first round that only fills the
caches is thrown away. "above bare" is what Slipway adds; the ratio to a bare interpreter is what to compare between machines.
A server is started in a new folder until it says that it is ready, then again in the same one, where its store exists; it is
left alone for ``--idle`` seconds, since what is put off until after the first answer is paid then, and is sent a batch of one
span, since the rest is paid then. Modules are compiled once and kept, in a folder of the benchmark's own, as they are after
any first start. ``--bytecode environment`` leaves that as it is: where PYTHONDONTWRITEBYTECODE is set and nobody compiled what
was installed, each start compiles it all. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ingest import Server, answers, batch, cpu_seconds, end, free_port, memory_mb, servers

PROGRAM = str(Path(sys.executable).with_name("slipway"))
ROWS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import slipway": [sys.executable, "-c", "import slipway"],
    "slipway --help": [PROGRAM, "--help"],
    "slipway init": [PROGRAM, "init"],
}
Figures = dict[str, list[float]]


def cpu_ms(command: list[str], environ: dict[str, str]) -> float:
    """CPU milliseconds of the process and of those that it waited for, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode:
            sys.exit(f"{' '.join(command)}: {said.decode(errors='replace').strip()[-300:]}")
    return (used.ru_utime + used.ru_stime) * 1000


def started(server: Server, idle_s: float, environ: dict[str, str]) -> dict[str, float]:
    """A server in a new folder, and again where its store exists."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True) as folder:
        new = _once(server, folder, None, environ)
        existing = _once(server, folder, idle_s, environ)
    return {"new": new["ready"], **existing}


def _once(server: Server, folder: str, idle_s: float | None, environ: dict[str, str]) -> dict[str, float]:
    port = free_port()
    given = [part.format(port=port, folder=folder) for part in server.command]
    more = {name: value.format(port=port, folder=folder) for name, value in server.environ.items()}
    before = time.perf_counter()
    process = subprocess.Popen(
        given, env=environ | more, cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        answers(f"http://127.0.0.1:{port}{server.ready}", process)
        found = {"ready": cpu_seconds(process.pid), "wall": time.perf_counter() - before}
        if idle_s is not None:
            time.sleep(idle_s)
            found |= {"idle": cpu_seconds(process.pid), "mb": memory_mb(process.pid)}
            found["first_ms"] = _send(port, server)
            time.sleep(idle_s)
            found |= {"first_cpu": cpu_seconds(process.pid) - found["idle"], "mb_after": memory_mb(process.pid)}
        return found
    finally:
        end(process)


def _send(port: int, server: Server) -> float:
    """Milliseconds until the first span is acknowledged."""
    body = batch(1, random.Random(7))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    before = time.perf_counter()
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf", **server.headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        print(f"{server.name}: the first span was answered {answer.status}", file=sys.stderr)
    return (time.perf_counter() - before) * 1000


def environment(bytecode: str, folder: str) -> dict[str, str]:
    """The environment of every process that is measured."""
    if bytecode == "environment":
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": folder}


def report_programs(found: dict[str, list[float]]) -> None:
    """The table of programs that end by themselves."""
    medians = {name: statistics.median(times[1:]) for name, times in found.items()}
    bare = medians["python -c pass"]
    print("| | CPU ms | above bare | times bare |\n|---|---|---|---|")
    for name, time_ms in medians.items():
        print(f"| `{name}` | {time_ms:.0f} | {time_ms - bare:.0f} | {time_ms / bare:.1f} |")


def report_servers(found: dict[str, list[dict[str, float]]], idle_s: float) -> None:
    """The table of servers."""
    print(f"\nCPU seconds from the start until it is ready, and {idle_s:.0f} s later; then one span over OTLP")
    head = (
        "",
        "new folder",
        "existing store",
        "when idle",
        "ready after s",
        "idle MiB",
        "first span ms",
        "CPU s",
        "MiB",
    )
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name, runs in found.items():
        mid = {key: statistics.median(run[key] for run in runs[1:]) for key in runs[0]}
        cells = [f"{mid[key]:.2f}" for key in ("new", "ready", "idle")] + [f"{mid['wall']:.1f}", f"{mid['mb']:.0f}"]
        cells += [f"{mid['first_ms']:.0f}", f"{mid['first_cpu']:.2f}", f"{mid['mb_after']:.0f}"]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peers", action="store_true", help="install and start Phoenix and MLflow too")
    parser.add_argument("--bytecode", choices=("kept", "environment"), default="kept")
    parser.add_argument("--idle", type=float, default=3.0, metavar="SECONDS")
    chosen = parser.parse_args()
    subjects = [
        replace(server, ready="/readyz") if server.name == "slipway" else server for server, _ in servers(chosen.peers)
    ]
    programs: Figures = {name: [] for name in ROWS}
    up: dict[str, list[dict[str, float]]] = {server.name: [] for server in subjects}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-bytecode-") as folder:
        environ = environment(chosen.bytecode, folder)
        for _ in range(chosen.runs + 1):
            for name, command in ROWS.items():
                programs[name].append(cpu_ms(command, environ))
            for server in subjects:
                up[server.name].append(started(server, chosen.idle, environ))
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{load}; medians of {chosen.runs}; bytecode: {chosen.bytecode}\n")
    report_programs(programs)
    report_servers(up, chosen.idle)


if __name__ == "__main__":
    main()
