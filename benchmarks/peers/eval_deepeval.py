"""deepeval on the work of runner.py: a metric of its own that compares, cache off."""

import contextlib
import io
import json
import os
import resource
import sys
import time

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase


class Exact(BaseMetric):
    def __init__(self) -> None:
        self.threshold = 1.0
        self.async_mode = True

    def measure(self, case: LLMTestCase, *arguments: object, **named: object) -> float:
        self.score = float(case.actual_output == case.expected_output)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, case: LLMTestCase, *arguments: object, **named: object) -> float:
        return self.measure(case)

    def is_successful(self) -> bool:
        return self.success

    @property
    def __name__(self) -> str:
        return "Exact"


def main() -> None:
    size, concurrency = json.loads(sys.argv[4])
    wall, cpu = time.perf_counter(), time.process_time()
    cases = [
        LLMTestCase(input=f"word {n}", actual_output=f"word {n}".upper(), expected_output=f"WORD {n}")
        for n in range(size)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluate(
            cases,
            [Exact()],
            async_config=AsyncConfig(max_concurrent=concurrency),
            cache_config=CacheConfig(write_cache=False, use_cache=False),
            display_config=DisplayConfig(print_results=False, show_indicator=False),
        )
    found = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


main()
