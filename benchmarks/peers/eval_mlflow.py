"""MLflow on the work of runner.py: mlflow.genai.evaluate into its own SQLite store."""

import contextlib
import io
import json
import os
import resource
import sys
import time

os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = str(json.loads(sys.argv[4])[1])
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from mlflow.genai.scorers import scorer


@scorer
def exact(outputs, expectations):
    return outputs == expectations["expected"]


def main() -> None:
    size, _ = json.loads(sys.argv[4])
    mlflow.set_tracking_uri(f"sqlite:///{sys.argv[3]}/mlflow.db")
    mlflow.set_experiment("bench")
    rows = [{"inputs": {"text": f"word {n}"}, "expectations": {"expected": f"WORD {n}"}} for n in range(size)]
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = mlflow.genai.evaluate(data=rows, predict_fn=lambda text: text.upper(), scorers=[exact])
    used = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    assert found.metrics["exact/mean"] == 1.0, found.metrics
    print(json.dumps(used))


main()
