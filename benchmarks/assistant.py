"""What a turn of the assistant costs, and how often it is right: `slipway-assistant bench` with spoken sentences.

    python benchmarks/assistant.py                  # the default mind, 200 spoken sentences, three to five minutes
    python benchmarks/assistant.py --speech 0 --variant keywords

Exits 1 when a latency budget is broken: text to call p50 10 ms and p95 20 ms, from the end of speech to the skill p50 200 ms and
p95 500 ms, from the answer to its first sound p95 50 ms. The utterances are those of SLIPWAY_NLU_DATA, or our own.
"""

from __future__ import annotations

import sys

from slipway_assistant.cli import main

if __name__ == "__main__":
    given = sys.argv[1:]
    sys.argv[1:] = ["bench", *(given if "--speech" in given else ["--speech", "200", *given])]
    sys.exit(main())
