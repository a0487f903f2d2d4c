"""Weave on the work of runner.py: an Evaluation of its own, without a server that would keep the calls (WEAVE_DISABLED)."""

import asyncio
import contextlib
import io
import json
import os
import resource
import sys
import time

os.environ |= {"WEAVE_DISABLED": "true", "WEAVE_PRINT_CALL_LINK": "false"}
os.environ["WEAVE_PARALLELISM"] = str(json.loads(sys.argv[4])[1])

import weave


@weave.op
async def shout(text: str) -> str:
    return text.upper()


@weave.op
def exact(expected: str, output: str) -> dict[str, bool]:
    return {"correct": output == expected}


def main() -> None:
    size, _ = json.loads(sys.argv[4])
    rows = [{"text": f"word {n}", "expected": f"WORD {n}"} for n in range(size)]
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = asyncio.run(weave.Evaluation(dataset=rows, scorers=[exact]).evaluate(shout))
    used = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    assert found["exact"]["correct"]["true_count"] == size, found
    print(json.dumps(used))


main()
