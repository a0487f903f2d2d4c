"""What searching costs: spans over 30 days written and derived, metric points written, then each question that the API asks,
timed.

python benchmarks/queries.py            2 million spans and 10 million points; needs about 5 GB of disk
python benchmarks/queries.py --small    20,000 spans and 100,000 points
python benchmarks/queries.py --spans 200000 --store postgresql://user@host/database --keep
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from slipway.data import MetricPoint, Span
from slipway.server.deriving import derive
from slipway.server.filters import parse
from slipway.store import open_store
from slipway.store.derived import Builder, Derived, Query
from slipway.store.derived.sqlite import derived_path

DAY_NS = 24 * 3_600_000_000_000
MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "claude-sonnet",
    "claude-haiku",
    "llama-3.1-8b",
    "qwen-2.5-7b",
    "mistral-small",
    "gemma-2",
)
TOOLS = ("search", "weather", "calendar", "calculator", "browse", "retrieve", "translate", "classify")
WORDS = tuple(f"word{number:05}" for number in range(20_000))
COLUMNS = tuple(field.name for field in fields(Span))
METRICS, OF_A_RUN, STEPS = 20_000, 400, 50


def rows(count: int, end_ns: int) -> Iterator[tuple[Any, ...]]:
    """Rows of spans in order of time: traces of an agent with two model calls and two tools, evenly over 30 days."""
    rnd = random.Random(7)
    traces = -(-count // 5)
    resource_json = json.dumps({"service.name": "bench"})
    for number in range(traces):
        started = end_ns - 30 * DAY_NS + number * 30 * DAY_NS // traces
        trace_id, root = f"{number + 1:032x}", f"{number * 5 + 1:016x}"
        session = f"session-{number // 4}"
        for child in range(5):
            span = dict.fromkeys(COLUMNS)
            span |= {
                "trace_id": trace_id,
                "span_id": f"{number * 5 + child + 1:016x}",
                "project": "default",
                "scope": "bench",
            }
            span |= {
                "started_ns": started + child * 1_000_000,
                "duration_ns": int(rnd.lognormvariate(20, 1)),
                "sequence": child,
            }
            said = " ".join(rnd.choices(WORDS, k=12)) + (" needle" if number % 50_000 == 7 else "")
            span |= {
                "input": json.dumps({"text": said}),
                "output": json.dumps(" ".join(rnd.choices(WORDS, k=12)) + " common"),
            }
            span |= {
                "events": "[]",
                "links": "[]",
                "resource": resource_json,
                "session_id": session,
                "attributes": "{}",
            }
            span["status"] = "error" if rnd.random() < 0.01 else "ok"
            if child == 0:
                span |= {"name": "answer", "kind": "agent"}
            elif child < 3:
                asked, answered = rnd.randrange(100, 4000), rnd.randrange(10, 800)
                told = {
                    "gen_ai.request.model": rnd.choice(MODELS),
                    "gen_ai.usage.input_tokens": asked,
                    "tier": rnd.choice("abc"),
                }
                told |= {"gen_ai.usage.output_tokens": answered, "gen_ai.usage.cost": (asked + 4 * answered) / 1e6}
                span |= {"name": "chat", "kind": "llm", "parent_id": root, "attributes": json.dumps(told)}
            else:
                span |= {"name": rnd.choice(TOOLS), "kind": "tool", "parent_id": root}
            yield tuple(span[name] for name in COLUMNS)


def points(count: int, end_ns: int) -> Iterator[list[MetricPoint]]:
    """Points, run by run: each has 400 of 20,000 metrics, at 50 steps."""
    rnd = random.Random(5)
    names = [f"layer{number // 100}/head{number % 100}/loss" for number in range(METRICS)]
    for run in range(count // (OF_A_RUN * STEPS)):
        mine = rnd.sample(names, OF_A_RUN)
        yield [
            MetricPoint(f"run-{run}", name, rnd.random(), step, end_ns + step) for step in range(STEPS) for name in mine
        ]


def fill_points(store: Any, count: int, end_ns: int) -> None:
    """Write the points, and say what that took."""
    begun, cpu, waiting = time.perf_counter(), time.process_time(), []
    for batch in points(count, end_ns):
        waiting.append(store.submit(batch))
        if len(waiting) > 2:
            waiting.pop(0).result()
    for future in waiting:
        future.result()
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"written: {count:,} points in {took:.0f} s ({cpu / count * 1e6:.1f} us of CPU each)")


def fill(store: Any, count: int, end_ns: int) -> float:
    """Write the spans; seconds."""
    begun, batch, waiting = time.perf_counter(), [], []
    for row in rows(count, end_ns):
        batch.append(row)
        if len(batch) == 5000:
            waiting.append(store.submit(batch))
            batch = []
            while len(waiting) > 4:
                waiting.pop(0).result()
    store.submit(batch).result()
    return time.perf_counter() - begun


def timed(name: str, question: Callable[[], Any], *, repeat: int = 7) -> None:
    """Print how long it takes: the first time, and the median of the rest."""
    took, answer = [], None
    for _ in range(repeat):
        begun = time.perf_counter()
        answer = question()
        took.append((time.perf_counter() - begun) * 1000)
    items = getattr(answer, "items", answer)
    size = len(items) if hasattr(items, "__len__") else 1
    end = "" if getattr(answer, "complete", True) else ", time was up"
    print(f"  {name:62} {statistics.median(took[1:]):9.1f} ms   first {took[0]:9.1f} ms   ({size} rows{end})")


def ask(query: Query, count: int, end_ns: int) -> None:
    """Every question."""
    rnd = random.Random(3)
    traces = count // 5
    day = (end_ns - DAY_NS, end_ns)
    month = (end_ns - 30 * DAY_NS, end_ns)

    def some_trace() -> str:
        return f"{rnd.randrange(1, traces):032x}"

    timed("one trace by id: its row", lambda: query.trace("default", some_trace()))
    timed("one trace by id: its tree", lambda: query.children("default", some_trace()))
    timed("percentiles of one day", lambda: query.summary("default", *day))
    timed("percentiles of 30 days", lambda: query.summary("default", *month))
    timed("percentiles of 30 days, by model", lambda: query.summary("default", *month, by="model"))
    timed(
        "percentiles of 30 days, by name and day", lambda: query.summary("default", *month, by="name", bucket_s=86_400)
    )
    timed(
        "percentiles of 30 days, of traces, by hour",
        lambda: query.summary("default", *month, roots=True, bucket_s=3600),
    )
    for text in (
        "",
        "status = error",
        "model = 'gpt-4o'",
        "time > -1d and status = error",
        "cost > 0.0085",
        "cost > 100",
        "session = 'session-77'",
        "name ~ '^ans'",
        "model ~ 'claude-(sonnet|haiku)'",
        "model ~ 'nothing has this'",
        "text 'needle'",
        "text 'common'",
        "text 'word00042'",
        "text 'word00042 word00077'",
        "attributes.tier = a",
        "attributes.tier = nothing",
    ):
        condition = parse(text, now_ns=end_ns)
        for list_of in (query.traces, query.spans):
            timed(f"{list_of.__name__}: {text or 'newest'}", lambda: list_of("default", condition), repeat=3)  # noqa: B023
    timed("sessions", lambda: query.sessions("default"))


def ask_metrics(store: Any, count: int) -> None:
    """Names by regular expression, their last values, and one series."""
    runs = [f"run-{run}" for run in range(count // (OF_A_RUN * STEPS))]
    for pattern in ("", "^layer7/", "head(1|2)/loss$", "layer1.*head77", "nothing has this"):
        timed(f"metric names: {pattern or 'all'}", lambda: store.metric_names(pattern, project="default"))  # noqa: B023
        timed(
            f"last values of {len(runs)} runs: {pattern or 'all, the first 20,000'}",
            lambda: store.last_values(pattern, limit=20_000, project="default"),  # noqa: B023
        )
    name = store.last_values("", runs=runs[:1], limit=1, project="default")[0].name
    one = {"run_id": runs[0], "name": name, "project": "default"}
    timed("the points of one metric in one run", lambda: list(store.columns(MetricPoint, ("step", "value"), one)))


def main() -> None:
    """Fill, derive, ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="20,000 spans, 100,000 points")
    parser.add_argument("--spans", type=int, default=2_000_000)
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--store", help="URL of an empty store; a temporary SQLite file without it")
    parser.add_argument("--folder", help="where the temporary file is made; one that is there already is asked again")
    given = parser.parse_args()
    count, measured = (20_000, 100_000) if given.small else (given.spans, given.points)
    end_ns = 1_780_000_000_000_000_000
    with tempfile.TemporaryDirectory(prefix="slipway-queries-") as temporary:
        folder = Path(given.folder or temporary)
        url = given.store or f"sqlite:///{folder}/slipway.db"
        store = open_store(url)
        derived = Derived(store)
        query = Query(derived)
        if not store.count(Span):
            took = fill(store, count, end_ns)
            print(f"written: {count:,} spans in {took:.0f} s ({count / took:,.0f} spans/s)")
        if not store.count(MetricPoint):
            fill_points(store, measured, end_ns)
        begun, cpu = time.perf_counter(), time.process_time()
        done = Builder(derived, derive).catch_up()
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        if done:
            print(
                f"derived: {done:,} spans in {took:.0f} s ({done / took:,.0f} spans/s, {cpu / done * 1e6:.0f} us of CPU each)"
            )
        if url.startswith("sqlite"):
            files = folder / "slipway.db", derived_path(folder / "slipway.db")
            print("on disk: " + ", ".join(f"{path.name} {path.stat().st_size / 1e6:,.0f} MB" for path in files))
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        ask(query, count, end_ns)
        ask_metrics(store, measured)
        derived.close()
        store.close()


if __name__ == "__main__":
    main()
