"""MLflow on the work of store.py: spans into its own SQLite store, through the store itself and no server.

python store_mlflow.py FOLDER SIZE
"""

import json
import os
import random
import secrets
import statistics
import sys
import threading
import time

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import Span
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire

BATCH = 1000
WORDS = "the quick brown fox jumps over the lazy dog "


def spans(count: int, text: int, for_trace: int = 10) -> list[Span]:
    """As ours, ready to be stored: ``text`` characters of input and of output each, ten to a trace."""
    words = (WORDS * (text // len(WORDS) + 1))[:text]
    found = []
    for number in range(count):
        if number % for_trace == 0:
            trace, root = secrets.token_bytes(16), b""
        span = Wire(trace_id=trace, span_id=secrets.token_bytes(8), parent_span_id=root, name="answer", kind=1)
        root = root or span.span_id
        span.start_time_unix_nano = 1_700_000_000_000_000_000 + number
        span.end_time_unix_nano = span.start_time_unix_nano + 5_000_000
        for key, value in (
            ("mlflow.spanInputs", {"question": words}),
            ("mlflow.spanOutputs", words),
            ("gen_ai.request.model", "small"),
            ("gen_ai.usage.input_tokens", 12),
            ("gen_ai.usage.output_tokens", 40),
        ):
            span.attributes.add(key=key).value.string_value = json.dumps(value)
        found.append(Span.from_otel_proto(span))
    return found


def measured(store: SqlAlchemyStore, made: list[Span]) -> tuple[float, float]:
    """(a second, microseconds of CPU each)."""
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(made), BATCH):
        store.log_spans("0", made[start : start + BATCH])
    return len(made) / (time.perf_counter() - wall), (time.process_time() - cpu) / len(made) * 1e6


def acknowledgements(store: SqlAlchemyStore, writers: int, each: int) -> tuple[float, float]:
    """p50 and p99 in ms of a write of one span, with so many threads writing."""
    times: list[float] = []

    def work() -> None:
        for span in spans(each, 100, for_trace=1):
            before = time.perf_counter()
            store.log_spans("0", [span])
            times.append((time.perf_counter() - before) * 1000)

    threads = [threading.Thread(target=work) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.99)]


def traces(store: SqlAlchemyStore, written: list[Span]) -> tuple[float, float]:
    """p50 in ms of reading a trace of ten spans by its id."""
    times = []
    for span in random.Random(1).sample(written, 100):
        before = time.perf_counter()
        found = store.get_trace(span.trace_id, allow_partial=True)
        times.append((time.perf_counter() - before) * 1000)
        assert len(found.data.spans) == 10, len(found.data.spans)
    return statistics.median(times), 0.0


def main() -> None:
    folder, size = sys.argv[1], int(sys.argv[2])
    store = SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")
    store.log_spans("0", spans(10, 100))  # what is loaded at the first write is no cost of a span
    big = spans(size, 1000)
    found = {
        "spans 1+1 KB": measured(store, big),
        "spans 0.1+0.1 KB": measured(store, spans(size, 100)),
        "ack 1 writer": acknowledgements(store, 1, 100),
        "ack 4 writers": acknowledgements(store, 4, 50),
        "trace by id": traces(store, big),
    }
    print(json.dumps(found))


main()
