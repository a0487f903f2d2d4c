"""What metrics cost: logging points, finding names by regular expression, their last values in 500 runs.

    python benchmarks/metrics.py            # about a minute
    python benchmarks/metrics.py --full     # all 20,000 names in all 500 runs: 10 million last values, several minutes
    python benchmarks/metrics.py --peers    # and trackio, MLflow, Aim, each from PyPI in an environment of its own

Times are CPU ms, medians of ``--runs``; each peer logs the same 20,000 names x 5 steps through its own way of logging
many at once, and is asked for the names that match. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from peers.installed import python_of

NAMES, STEPS, RUNS = 20_000, 5, 500

PEERS = {
    "trackio": """
import os, time
os.environ["TRACKIO_DIR"] = os.getcwd()
import trackio
from trackio.sqlite_storage import SQLiteStorage
before = time.process_time()
for step in range(STEPS):
    SQLiteStorage.bulk_log("p", "r", [{f"layer/{n}/w": float(n) for n in range(NAMES)}], steps=[step])
print("log", time.process_time() - before)
""",
    "mlflow": """
import re, time, logging
import mlflow
from mlflow.entities import Metric
logging.disable(logging.CRITICAL)
mlflow.set_tracking_uri("sqlite:///mlflow.db")
client = mlflow.MlflowClient()
run = client.create_run(client.create_experiment("p")).info.run_id
before = time.process_time()
for step in range(STEPS):
    for start in range(0, NAMES, 1000):
        client.log_batch(run, [Metric(f"layer/{n}/w", float(n), 5, step) for n in range(start, start + 1000)])
print("log", time.process_time() - before)
before = time.process_time()
found = [name for name in client.get_run(run).data.metrics if re.search(r"/77\\d/", name)]
print("regex", time.process_time() - before)
""",
    "aim": """
import time
import aim
run = aim.Run(repo=aim.Repo.from_path(".", init=True), system_tracking_interval=None, log_system_params=False)
before = time.process_time()
for step in range(STEPS):
    for n in range(NAMES):
        run.track(float(n), name=f"layer/{n}/w", step=step)
run.close()
print("log", time.process_time() - before)
""",
}


def cpu_ms(work: Callable[[], object], runs: int) -> float:
    """Median CPU milliseconds."""
    times = []
    for _ in range(runs):
        before = time.process_time()
        work()
        times.append((time.process_time() - before) * 1000)
    return statistics.median(times)


def ours(folder: Path, runs: int, full: bool) -> dict[str, float]:
    """Log, search, read last values."""
    from slipway.data import MetricPoint
    from slipway.store import open_store

    points = [MetricPoint("run", f"layer/{n}/w", float(n), step, 5) for step in range(STEPS) for n in range(NAMES)]

    def log(store_folder: Path) -> None:
        store = open_store(f"sqlite:///{store_folder}/slipway.db")
        before = time.process_time()
        for start in range(0, len(points), 10_000):
            store.write(points[start : start + 10_000])
        times.append((time.process_time() - before) * 1000)
        store.close()

    times: list[float] = []
    for _ in range(runs):
        log(Path(tempfile.mkdtemp(dir=folder)))
    found = {f"log {len(points):,} points": statistics.median(times)}

    url = f"sqlite:///{folder}/runs/slipway.db"
    store = open_store(url)
    of_each = NAMES if full else 400
    store.write([MetricPoint("run", f"layer/{n}/w", 1.0, 0, 5) for n in range(NAMES)])
    for run in range(RUNS):
        store.write([MetricPoint(f"run{run}", f"layer/{n * (NAMES // of_each)}/w", 1.0, 0, 5) for n in range(of_each)])
    narrow, wide, values = r"/77\d/", r"^layer/.*[02468]/w$", r"^layer/1\d?[05]0/w$"
    chosen = [f"run{n}" for n in range(RUNS)]
    found |= {
        f"regex, {len(store.metric_names(narrow))} of 20,000 names found": cpu_ms(
            lambda: store.metric_names(narrow), runs
        ),
        f"regex, {len(store.metric_names(wide)):,} of 20,000 names found": cpu_ms(
            lambda: store.metric_names(wide), runs
        ),
        "regex that hangs others: (a+)+$": cpu_ms(lambda: store.metric_names("(a+)+$"), runs),
        f"with {len(store.last_values(values, runs=chosen)):,} last values of 500 runs": cpu_ms(
            lambda: store.last_values(values, runs=chosen), runs
        ),
    }
    store.close()

    def cold() -> None:
        again = open_store(url)
        before = time.process_time()
        again.metric_names(narrow)
        firsts.append((time.process_time() - before) * 1000)
        again.close()

    firsts: list[float] = []
    for _ in range(runs):
        cold()
    found["regex, the first in a process (reads the names)"] = statistics.median(firsts)

    store = open_store(url)
    store.write([MetricPoint("run", f"other/{n}", 1.0, 0, 5) for n in range(30_000)])
    store.metric_names(narrow)
    found["regex on 50,000 names (T07)"] = cpu_ms(lambda: store.metric_names(narrow), runs)
    store.close()
    return found


def peer(name: str, folder: Path) -> dict[str, str]:
    """What a peer prints, or why it has nothing to print."""
    python = python_of(name, name)
    if python is None:
        return {"not installed": "-"}
    where = Path(tempfile.mkdtemp(dir=folder))
    program = f"NAMES, STEPS = {NAMES}, {STEPS}\n{PEERS[name]}"
    try:
        done = subprocess.run(
            [python, "-c", program], check=False, cwd=where, capture_output=True, text=True, timeout=600
        )
    except subprocess.TimeoutExpired:
        return {"gave up": "after 600 s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:100]}
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith(("log ", "regex "))]
    return {what: f"{float(seconds) * 1000:,.1f}" for what, seconds in lines}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    try:
        print(f"{'slipway':52}{'CPU ms':>10}")
        for what, time_ms in ours(folder, chosen.runs, chosen.full).items():
            print(f"{what:52}{time_ms:10.1f}")
        for name in PEERS if chosen.peers else ():
            print(f"\n{name}")
            for what, text in peer(name, folder).items():
                print(f"  {what:50}{text:>10}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
