"""What the store costs: durable spans and samples a second, CPU for each, time to an acknowledgement, a trace by its id.

    python benchmarks/store.py            # about a minute
    python benchmarks/store.py --runs 5   # medians of five
    python benchmarks/store.py --url postgresql://user@host/database
    python benchmarks/store.py --peers    # and MLflow's SQLite store, from a throw-away environment (minutes)

The floor beside it is Python's sqlite3 alone: the same rows, ready made, through executemany in batches of 1,000 with
synchronous=FULL. Every figure is a median of ``--runs``; ours and the floor alternate. It measures and asserts nothing.
MLflow is the peer whose store can be written to without a server; it gets spans of the same size through its store's own
methods, fewer of them, since it is slow. The servers that keep spans are measured by benchmarks/ingest.py.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from peers.installed import python_of

from slipway.data import Sample, Score, Span, new_span_id, new_trace_id
from slipway.store import Store, open_store
from slipway.store.rows import rows_of
from slipway.store.tables import tables

BATCH = 1000
PEER = Path(__file__).parent / "peers" / "store_mlflow.py"
PEER_SIZE = 2_000


def spans(count: int, text: int, for_trace: int = 10) -> list[Span]:
    """Spans of ``text`` characters of input and of output each, ten to a trace."""
    words = "the quick brown fox jumps over the lazy dog " * (text // 44 + 1)
    traces = [new_trace_id() for _ in range(count // for_trace + 1)]
    return [
        Span(
            traces[n // for_trace], new_span_id(), "answer", 1_700_000_000_000_000_000 + n, duration_ns=5_000_000,
            input={"question": words[:text]}, output=words[:text], sequence=n,
            attributes={"gen_ai.request.model": "small", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 40},
            resource={"service.name": "benchmark"},
        )
        for n in range(count)
    ]  # fmt: skip


def samples(count: int) -> list[Sample]:
    """Samples of a run, one score each."""
    run = new_trace_id()
    return [
        Sample(
            run, f"example-{n}", output={"name": "get_weather", "arguments": {"location": "oslo"}},
            scores=(Score("exact", float(n % 2), scorer="exact", scorer_version="1"),), latency_ms=1.5,
            input_tokens=12, output_tokens=40, slices={"lang": "en"}, example_hash="0" * 64, trace_id=new_trace_id(),
        )
        for n in range(count)
    ]  # fmt: skip


def measured(work: Callable[[], object], count: int) -> tuple[float, float]:
    """(a second, microseconds of CPU each)."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return count / (time.perf_counter() - wall), (time.process_time() - cpu) / count * 1e6


def batches(store: Store, records: Sequence[Any]) -> None:
    """Write in batches, each synced before the next."""
    for start in range(0, len(records), BATCH):
        store.write(records[start : start + BATCH])


def singly(store: Store, records: Sequence[Any]) -> None:
    """Submit one by one, as the runner does, and wait for all."""
    for future in [store.submit([record]) for record in records]:
        future.result()


def floor(folder: Path, records: Sequence[Any]) -> tuple[float, float]:
    """sqlite3 alone on rows that were made before."""
    rows = rows_of(type(records[0]))
    made = [rows.row(record) for record in records]
    table = tables[type(records[0])].name
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.executescript("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    names = ", ".join(f'"{name}"' for name in rows.names)
    key = ", ".join(rows.kind.key)
    connection.execute(f'CREATE TABLE "{table}" (position INTEGER PRIMARY KEY, {names}, UNIQUE ({key}))')
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(rows.names))})'

    def work() -> None:
        for start in range(0, len(made), BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(statement, made[start : start + BATCH])
            connection.execute("COMMIT")

    try:
        return measured(work, len(made))
    finally:
        connection.close()


def acknowledgements(store: Store, writers: int, each: int = 150) -> tuple[float, float]:
    """p50 and p99 in ms of a write of one sample, with so many threads writing."""
    times: list[float] = []

    def work() -> None:
        for sample in samples(each):
            before = time.perf_counter()
            store.write([sample])
            times.append((time.perf_counter() - before) * 1000)

    threads = [threading.Thread(target=work) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.99)]


def traces(store: Store, written: Sequence[Span]) -> float:
    """p50 in ms of reading a trace of ten spans by its id."""
    times = []
    for span in random.Random(1).sample(list(written), 200):
        before = time.perf_counter()
        found = list(store.find(Span, {"trace_id": span.trace_id}))
        times.append((time.perf_counter() - before) * 1000)
        assert len(found) == 10
    return statistics.median(times)


def once(url: str | None, folder: Path, size: int) -> dict[str, tuple[float, ...]]:
    """Every figure, once."""
    big, small, many = spans(size, 1000), spans(size, 100), samples(size)
    found = {"floor spans 1+1 KB": floor(_new(folder), big), "floor samples": floor(_new(folder), many)}
    store = open_store(url or f"sqlite:///{_new(folder)}/slipway.db")
    found["spans 1+1 KB"] = measured(lambda: batches(store, big), size)
    found["spans 0.1+0.1 KB"] = measured(lambda: batches(store, small), size)
    found["samples"] = measured(lambda: batches(store, many), size)
    found["samples one by one"] = measured(lambda: singly(store, samples(size)), size)
    one = samples(2000)
    store.write(one)
    found["get by key"] = measured(lambda: [store.get(Sample, s.run_id, s.example_id, 0) for s in one], len(one))
    found["find, whole records"] = measured(lambda: list(store.find(Sample, {"run_id": many[0].run_id})), size)
    keys = ("example_id", "repeat", "status")
    found["columns, three fields"] = measured(
        lambda: list(store.columns(Sample, keys, {"run_id": many[0].run_id})), size
    )
    found["ack 1 writer"] = acknowledgements(store, 1)
    found["ack 4 writers"] = acknowledgements(store, 4)
    found["trace by id"] = (traces(store, big), 0.0)
    store.close()
    return found


def peer(python: str, folder: Path, size: int) -> dict[str, tuple[float, ...]]:
    """The figures of MLflow's store, in a process of its own."""
    done = subprocess.run(
        [python, str(PEER), str(_new(folder)), str(size)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"mlflow: {done.stderr.strip().splitlines()[-1:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {f"mlflow {name}": tuple(values) for name, values in found.items()}


def _new(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--url")
    parser.add_argument("--peers", action="store_true", help="install and measure MLflow's store too")
    chosen = parser.parse_args()
    python = python_of("mlflow-server", "mlflow") if chosen.peers else None
    folder = Path(tempfile.mkdtemp(prefix="slipway-bench-"))
    runs = []
    try:
        for _ in range(chosen.runs):
            found = once(chosen.url, _new(folder), chosen.size)
            runs.append(found | (peer(python, folder, min(chosen.size, PEER_SIZE)) if python else {}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    middle = {name: [statistics.median(run[name][n] for run in runs) for n in (0, 1)] for name in runs[0]}
    report(middle, f"{chosen.size:,} records a run, median of {chosen.runs}")


def report(middle: dict[str, list[float]], what: str) -> None:
    """Print the tables."""
    acks = [name for name in middle if "ack " in name]
    reads = [name for name in middle if "trace by id" in name]
    print(f"{what}\n\n{'durable, synced':28}{'a second':>12}{'us CPU each':>14}")
    for name, (rate, cpu) in middle.items():
        if name not in (*acks, *reads):
            print(f"{name:28}{rate:12,.0f}{cpu:14.1f}")
    print(f"\n{'a write of one sample':28}{'p50 ms':>12}{'p99 ms':>14}")
    for name in acks:
        print(f"{name:28}{middle[name][0]:12.2f}{middle[name][1]:14.2f}")
    print()
    for name in reads:
        print(f"{name + ', 10 spans':28}{middle[name][0]:12.2f} ms p50")


if __name__ == "__main__":
    main()
