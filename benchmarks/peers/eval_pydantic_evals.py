"""pydantic-evals on the work of runner.py."""

import asyncio
import json
import resource
import sys
import time

from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EqualsExpected


async def shout(text: str) -> str:
    return text.upper()


def main() -> None:
    size, concurrency = json.loads(sys.argv[4])
    data = Dataset(
        name="bench",
        cases=[Case(name=f"e{n}", inputs=f"word {n}", expected_output=f"WORD {n}") for n in range(size)],
        evaluators=[EqualsExpected()],
    )
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(data.evaluate(shout, max_concurrency=concurrency, progress=False))
    found = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


main()
