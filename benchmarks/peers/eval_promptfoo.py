"""promptfoo on the work of runner.py: a provider of ours in JavaScript, its `equals`, no cache. Its start is in the figures."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

PROVIDER = """
module.exports = class {
  id() { return 'shout'; }
  async callApi(prompt) { return { output: prompt.toUpperCase() }; }
};
"""


def main() -> None:
    folder, (size, concurrency) = Path(sys.argv[3]), json.loads(sys.argv[4])
    (folder / "provider.cjs").write_text(PROVIDER)
    tests = [{"vars": {"text": f"word {n}"}, "assert": [{"type": "equals", "value": f"WORD {n}"}]} for n in range(size)]
    config = {"prompts": ["{{text}}"], "providers": [f"file://{folder}/provider.cjs"], "tests": tests}
    (folder / "config.json").write_text(json.dumps(config))
    quiet = ("DISABLE_TELEMETRY", "DISABLE_UPDATE", "DISABLE_REMOTE_GENERATION", "DISABLE_SHARING")
    environ = {
        **os.environ,
        **{f"PROMPTFOO_{name}": "1" for name in quiet},
        "PROMPTFOO_CONFIG_DIR": str(folder / "kept"),
    }
    command = [os.environ["PROMPTFOO"], "eval", "-c", "config.json", "-j", str(concurrency), "--no-cache"]
    options = ["--no-table", "--no-progress-bar", "--no-share", "-o", "out.json"]
    wall = time.perf_counter()
    done = subprocess.run(
        [*command, *options], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=900
    )
    wall = time.perf_counter() - wall
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit((done.stderr or done.stdout).strip()[-300:])
    found = json.loads((folder / "out.json").read_text())["results"]["stats"]
    assert found["successes"] == size, found
    print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}))


main()
