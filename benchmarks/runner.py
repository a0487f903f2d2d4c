"""What an evaluation costs: samples a second, CPU, memory, overhead on slow models, resuming, comparing.

    python benchmarks/runner.py            # about two minutes
    python benchmarks/runner.py --peers    # and the peers, each in a throw-away environment of its own (a quarter of an hour)
    python benchmarks/runner.py --peers --only engines
    python benchmarks/runner.py --quick    # small sizes

Every figure comes from a process of its own; engines alternate and medians are shown. The work is an exact match on a model
of no latency. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from peers.installed import program_of, python_of

HERE = Path(__file__).parent
# Peer -> the most samples it is given: beyond that one measurement takes many minutes.
PEERS = {
    "pydantic-evals": 10_000,
    "weave": 1_000,
    "deepeval": 1_000,
    "inspect-ai": 1_000,
    "promptfoo": 1_000,
    "mlflow": 200,
}
KEEPS_NOTHING = {"pydantic-evals", "deepeval", "weave"}


def rows(size: int) -> list[dict[str, str]]:
    """The same work for every engine."""
    return [{"id": f"e{n}", "input": f"word {n}", "expected": f"WORD {n}"} for n in range(size)]


def measured(work: Callable[[], object]) -> dict[str, float]:
    """Wall and CPU seconds of ``work``, and the peak memory of the process so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def slipway_run(
    folder: str, size: int, concurrency: int, *, trace: bool = False, warm: bool = True
) -> dict[str, float]:
    """Ours, into a store on disk, every sample committed."""
    import slipway as sw

    @sw.task(version="1")
    async def shout(example):
        return example.input.upper()

    store = sw.open_store(f"sqlite:///{folder}/slipway.db")
    limit = sw.Limit(concurrency=concurrency)
    if warm:  # imports are a cost of the process, not of a sample
        sw.evaluate(shout, rows(5), store=store, progress=False, name="warm")
    data = sw.dataset(rows(size), name="bench")
    return measured(
        lambda: sw.evaluate(shout, data, store=store, progress=False, limit=limit, trace=True if trace else None)
    )


def floor_run(folder: str, size: int, concurrency: int) -> dict[str, float]:
    """The least that keeps results: asyncio, SQLite in WAL mode, synchronous=FULL, a commit each 50."""
    data = rows(size)

    async def work() -> None:
        base = sqlite3.connect(f"{folder}/floor.db", isolation_level=None)
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("CREATE TABLE samples (id TEXT PRIMARY KEY, output TEXT, score REAL)")
        kept: list[tuple[str, str, float]] = []

        def commit() -> None:
            base.execute("BEGIN")
            base.executemany("INSERT INTO samples VALUES (?, ?, ?)", kept)
            base.execute("COMMIT")
            kept.clear()

        todo = iter(data)

        async def worker() -> None:
            for row in todo:
                await asyncio.sleep(0)
                output = row["input"].upper()
                kept.append((row["id"], output, float(output == row["expected"])))
                if len(kept) >= 50:
                    commit()

        await asyncio.gather(*(worker() for _ in range(concurrency)))
        commit()

    return measured(lambda: asyncio.run(work()))


def slow_run(folder: str, size: int, concurrency: int, seconds: float, fail: bool = False) -> dict[str, float]:
    """A model that takes ``seconds``; with ``fail`` every sample raises after that."""
    import slipway as sw

    @sw.task(version="1")
    async def slow(example):
        await asyncio.sleep(seconds)
        if fail:
            raise ValueError("wrong in every sample")
        return example.input.upper()

    store = sw.open_store(f"sqlite:///{folder}/slow.db")
    sw.evaluate(slow, rows(2), store=store, progress=False, name="warm")
    data = sw.dataset(rows(size), name="bench")
    return measured(
        lambda: sw.evaluate(slow, data, store=store, progress=False, limit=sw.Limit(concurrency=concurrency))
    )


def big_run(folder: str, size: int) -> dict[str, float]:
    """Resuming a run that lacks one sample, running it all again from the record, comparing the two."""
    from dataclasses import replace

    import slipway as sw
    from slipway.data import Sample

    class Started:
        at = 0.0

    @sw.task(version="1")
    async def shout(example):
        Started.at = Started.at or time.perf_counter()
        return example.input.upper()

    store = sw.open_store(f"sqlite:///{folder}/big.db")
    data = sw.dataset(rows(size), name="bench")
    first = sw.evaluate(shout, data, store=store, progress=False).only
    other = sw.open_store(f"sqlite:///{folder}/killed.db")
    other.write([replace(first.record, status="interrupted")])
    lacking = f"e{size // 2}"
    batch: list[Sample] = []
    for sample in store.find(Sample, {"run_id": first.id}):
        if sample.example_id != lacking:
            batch.append(sample)
        if len(batch) == 5_000:
            other.write(batch)
            batch = []
    other.write(batch)
    Started.at = 0.0
    begun = time.perf_counter()
    sw.evaluate(shout, data, store=other, progress=False)
    resumed = Started.at - begun
    second: list[object] = []
    again = measured(lambda: second.append(sw.evaluate(shout, data, store=store, progress=False).only))
    compared = measured(lambda: sw.compare(first, second[0]))
    return {
        "resume": resumed,
        "again": again["wall"],
        "again_cpu": again["cpu"],
        "compare": compared["wall"],
        "compare_cpu": compared["cpu"],
    }


CHILDREN: dict[str, Callable[..., dict[str, float]]] = {
    "slipway": slipway_run,
    "slipway, traced": lambda folder, size, concurrency: slipway_run(folder, size, concurrency, trace=True),
    "slipway, cold": lambda folder, size, concurrency: slipway_run(folder, size, concurrency, warm=False),
    "floor": floor_run,
    "slow": slow_run,
    "failing": lambda *given: slow_run(*given, fail=True),
    "big": big_run,
}


def child(name: str, *given: float, python: str = sys.executable, script: Path | None = None) -> dict[str, float]:
    """One measurement in a fresh process and a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(script or __file__), "--child", name, folder, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        return {"failed": 1.0, "why": done.stderr.strip().splitlines()[-1:]}  # type: ignore[dict-item]
    return json.loads(done.stdout.strip().splitlines()[-1])


def medians(results: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(result[key] for result in results) for key in results[0]}


def prepared(peer: str) -> str | None:
    """The interpreter that measures the peer; None when it cannot be installed here, which is said."""
    if peer != "promptfoo":
        return python_of(peer, peer)
    program = program_of(peer)
    os.environ["PROMPTFOO"] = program or ""
    return program and sys.executable


def engines(sizes: list[int], repeats: int, peers: bool) -> None:
    """E1 and E2: samples a second, CPU and memory."""
    print("| engine | samples | concurrency | wall s | samples/s | CPU ms a sample | peak MB | keeps results |")
    print("|---|---|---|---|---|---|---|---|")
    pythons = {peer: prepared(peer) for peer in PEERS} if peers else {}
    for size in [200, *sizes] if peers else sizes:
        plan = [("floor", 16), ("slipway", 16), ("slipway", 64)]
        if size <= 10_000:
            plan += [("slipway, cold", 16), ("slipway, traced", 16)]
        found: dict[tuple[str, int], list[dict[str, float]]] = {}
        for _ in range(repeats if size <= 10_000 else 1):
            for name, concurrency in plan:
                found.setdefault((name, concurrency), []).append(child(name, size, concurrency))
        for peer, python in pythons.items():
            if python is not None and size <= PEERS[peer]:
                script = HERE / "peers" / f"eval_{peer.replace('-', '_')}.py"
                found[peer, 16] = [child(peer, size, 16, python=python, script=script)]
        for (name, concurrency), results in found.items():
            if "failed" in results[0]:
                print(f"| {name} | {size:,} | {concurrency} | failed: {results[0].get('why')} |")
                continue
            one = medians(results)
            keeps = "no" if name in KEEPS_NOTHING else "yes"
            print(
                f"| {name} | {size:,} | {concurrency} | {one['wall']:.2f} | {size / one['wall']:,.0f} | "
                f"{one['cpu'] / size * 1000:.3f} | {one['mb']:.0f} | {keeps} |",
                flush=True,
            )


def overhead(size: int, seconds: float) -> None:
    """E4 and E5: how near to the model's own time."""
    print(f"\n| {size:,} samples of {seconds * 1000:g} ms | concurrency | ideal s | wall s | times ideal | CPU s |")
    print("|---|---|---|---|---|---|")
    for name, concurrency in (("slow", 64), ("slow", 512), ("failing", 64)):
        one = child(name, size, concurrency, seconds)
        ideal = -(-size // concurrency) * seconds
        times = one["wall"] / ideal
        print(
            f"| {name} | {concurrency} | {ideal:.2f} | {one['wall']:.2f} | {times:.2f} | {one['cpu']:.2f} |", flush=True
        )
    one = child("slow", 200, 16, 1.0)
    print(f"| 200 x 1 s | 16 | 13.00 | {one['wall']:.2f} | {one['wall'] / 13:.2f} | {one['cpu']:.2f} |", flush=True)


def big(size: int) -> None:
    """E6, E7, E8: on a run of many samples."""
    one = child("big", size)
    print(f"\n| a run of {size:,} | wall s | CPU s |\n|---|---|---|")
    print(f"| resumed, to the first new sample | {one['resume']:.2f} | |")
    print(f"| run again, all from the record | {one['again']:.2f} | {one['again_cpu']:.2f} |")
    print(f"| compared with another | {one['compare']:.2f} | {one['compare_cpu']:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["engines", "overhead", "big"], help="one of the three tables")
    parser.add_argument("--child", nargs=3, metavar=("NAME", "FOLDER", "ARGUMENTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, folder, given = options.child
        print(json.dumps(CHILDREN[name](folder, *json.loads(given))))
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the start")
    if options.only in (None, "engines"):
        sizes = [1_000] if options.quick else [1_000, 10_000, 100_000]
        engines(sizes, 1 if options.quick else 3, options.peers)
    if options.only in (None, "overhead"):
        overhead(128 if options.quick else 1_000, 0.2)
    if options.only in (None, "big"):
        big(2_000 if options.quick else 100_000)
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
