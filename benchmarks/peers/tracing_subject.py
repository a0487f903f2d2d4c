"""One library, one measurement, one process: run by benchmarks/tracing.py with the Python that has the library.

    python tracing_subject.py SUBJECT MODE URL FOLDER COUNT

MODE is ``burst`` (a tight loop, then flush), ``paced`` (1,000 calls a second) or ``kill`` (the same, until killed).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time

TEXT = ("The quick brown fox jumps over the lazy dog. " * 23)[:1000]


def slipway(url, folder, **options):
    import slipway as sw
    from slipway.config import Config

    sw.init(config=Config(root=folder, project="bench"), environment=False, instrument=False, **options)
    return sw.trace(name="call")(lambda text: text), lambda: sw.flush(60)


def slipway_off(url, folder):
    import slipway as sw

    return sw.trace(name="call")(lambda text: text), lambda: None


def slipway_sampled(url, folder):
    return slipway(url, folder, sample=0.0)


def bare(url, folder):
    return (lambda text: text), lambda: None


def opentelemetry(url, folder):
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url + "/v1/traces")))
    tracer = provider.get_tracer("bench")

    def call(text):
        with tracer.start_as_current_span("call") as span:
            span.set_attribute("input.value", text)
            span.set_attribute("output.value", text)
            return text

    return call, lambda: provider.force_flush(60_000)


def phoenix(url, folder):
    from phoenix.otel import register

    provider = register(
        endpoint=url + "/v1/traces",
        protocol="http/protobuf",
        batch=True,
        verbose=False,
        set_global_tracer_provider=False,
    )
    tracer = provider.get_tracer("bench")
    return tracer.chain(name="call")(lambda text: text), lambda: provider.force_flush(60_000)


def logfire(url, folder):
    import logfire as lf

    lf.configure(
        token="pylf_v1_us_0000000000000000000000000000000000000000000",
        advanced=lf.AdvancedOptions(base_url=url),
        console=False,
        inspect_arguments=False,
        config_dir=folder,
        data_dir=folder,
    )
    return lf.instrument("call", extract_args=True, record_return=True)(_named), lambda: lf.force_flush(60_000)


def langfuse(url, folder):
    os.environ.update(
        LANGFUSE_PUBLIC_KEY="pk-lf-0", LANGFUSE_SECRET_KEY="sk-lf-0", LANGFUSE_HOST=url, LANGFUSE_BASE_URL=url
    )
    from langfuse import get_client, observe

    client = get_client()
    return observe(name="call")(_named), client.flush


def mlflow(url, folder):
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "true"
    import mlflow as ml

    ml.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    ml.set_experiment("bench")

    def finish():
        ml.flush_trace_async_logging()

    return ml.trace(name="call")(_named), finish


def weave(url, folder):
    os.environ.update(WF_TRACE_SERVER_URL=url, WEAVE_PRINT_CALL_LINK="false")
    import weave as wv
    from weave.trace.context.weave_client_context import set_weave_client_global
    from weave.trace.weave_client import WeaveClient
    from weave.trace_server_bindings.remote_http_trace_server import RemoteHTTPTraceServer

    # Not wv.init(), which first asks a GraphQL server who is there: the stub takes calls only.
    server = RemoteHTTPTraceServer(url)
    server.set_auth(("api", "0" * 40))
    client = WeaveClient("bench", "bench", server, ensure_project_exists=False)
    set_weave_client_global(client)
    return wv.op(name="call")(_named), client.flush


def _named(text):
    return text


def main() -> None:
    subject, mode, url, folder, count = *sys.argv[1:5], int(sys.argv[5])
    started = time.process_time()
    call, finish = globals()[subject](url, folder)
    call("warm up " + TEXT)
    finish()
    report = {"start_cpu_s": time.process_time() - started}
    clock = time.perf_counter_ns
    if mode == "kill":
        pace(call, 1_000, float("inf"), count)
    elif mode == "paced":
        cpu, wall = time.process_time(), time.perf_counter()
        pace(call, 1_000, count, 0)
        finish()
        report |= {"cpu_us": (time.process_time() - cpu) / count * 1e6, "wall_s": time.perf_counter() - wall}
    else:
        times = []
        cpu, wall = time.process_time(), time.perf_counter()
        for number in range(count):
            text = f"#{number:06d}#" + TEXT
            before = clock()
            call(text)
            times.append(clock() - before)
        loop = time.perf_counter() - wall
        finish()
        used = time.process_time() - cpu
        report |= {"p50_us": statistics.median(times) / 1e3, "p99_us": sorted(times)[int(0.99 * count)] / 1e3}
        report |= {"cpu_us": used / count * 1e6, "loop_s": loop, "wall_s": time.perf_counter() - wall}
    report["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(report), flush=True)
    os._exit(0)  # what matters was flushed; some libraries wait long for a server that is a stub


def pace(call, per_second: int, count: float, _: int) -> None:
    """Calls at a steady rate; in mode kill each is announced so that the one who kills knows what was made."""
    announce = count == float("inf")
    due, number = time.perf_counter(), 0
    while number < count:
        call(f"#{number:06d}#" + TEXT)
        if announce:
            os.write(1, f"{number} {time.time()}\n".encode())
        number += 1
        due += 1 / per_second
        time.sleep(max(0.0, due - time.perf_counter()))


main()
