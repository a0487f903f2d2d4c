"""What starting costs: CPU seconds of `import slipway`, `slipway --help`, `slipway init`, beside a bare interpreter.

    python benchmarks/startup.py            # half a minute
    python benchmarks/startup.py --runs 25

Every figure is a process of its own, user and system time together; the rows alternate, and a first round that only fills the
caches is thrown away. "above bare" is what Slipway adds; the ratio to a bare interpreter is what to compare between
machines. ``--peers`` changes nothing here: benchmarks/tracing.py imports the peers. It measures and asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("slipway"))
ROWS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import slipway": [sys.executable, "-c", "import slipway"],
    "slipway --help": [PROGRAM, "--help"],
    "slipway init": [PROGRAM, "init"],
}


def cpu_ms(command: list[str]) -> float:
    """CPU milliseconds of the process and of those that it waited for, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode:
            sys.exit(f"{' '.join(command)}: {said.decode(errors='replace').strip()[-300:]}")
    return (used.ru_utime + used.ru_stime) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--peers", action="store_true")
    chosen = parser.parse_args()
    found: dict[str, list[float]] = {name: [] for name in ROWS}
    for _ in range(chosen.runs + 1):
        for name, command in ROWS.items():
            found[name].append(cpu_ms(command))
    medians = {name: statistics.median(times[1:]) for name, times in found.items()}
    bare = medians["python -c pass"]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; medians of {chosen.runs}")
    print("| | CPU ms | above bare | times bare |\n|---|---|---|---|")
    for name, time_ms in medians.items():
        print(f"| `{name}` | {time_ms:.0f} | {time_ms - bare:.0f} | {time_ms / bare:.1f} |")


if __name__ == "__main__":
    main()
