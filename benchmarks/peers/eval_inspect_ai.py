"""inspect-ai on the work of runner.py: its own fake model, exact match, logs on."""

import json
import os
import resource
import sys
import time

os.environ["INSPECT_DISPLAY"] = "none"

from inspect_ai import Task, eval  # noqa: A004
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import exact
from inspect_ai.solver import Generate, TaskState, solver


@solver
def shout():
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output.completion = state.input_text.upper()
        return state

    return solve


def main() -> None:
    size, concurrency = json.loads(sys.argv[4])
    samples = [Sample(id=f"e{n}", input=f"word {n}", target=f"WORD {n}") for n in range(size)]
    task = Task(dataset=MemoryDataset(samples), solver=shout(), scorer=exact())
    wall, cpu = time.perf_counter(), time.process_time()
    eval(task, model="mockllm/model", max_samples=concurrency, log_dir=sys.argv[3])
    found = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))


main()
