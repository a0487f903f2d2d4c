"""One client of the proof: ``python -m slipway.server.proof.client URL FILE NUMBER``.

It sends batches of spans over OTLP, each until the server says 200, and only then writes the batch's number and the time (of
the monotonic clock) into FILE. A batch whose answer was lost is sent again, as any sender does.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit

SPANS = 10
PAUSE_S = 0.01
ANSWER_S = 10.0
PROJECT = "proof"


def trace_id(client: int, batch: int) -> str:
    """The trace of a batch."""
    return f"{client + 1:08x}{batch + 1:024x}"


def batch_of(client: int, batch: int) -> bytes:
    """An ExportTraceServiceRequest."""
    trace, now = trace_id(client, batch), time.time_ns()
    spans = [
        {
            "traceId": trace,
            "spanId": f"{number + 1:016x}",
            "name": f"{client}-{batch}-{number}",
            "startTimeUnixNano": str(now),
            "endTimeUnixNano": str(now + 1_000_000),
            "attributes": [{"key": "text", "value": {"stringValue": f"{batch} " * 20}}],
        }
        for number in range(SPANS)
    ]
    resource = {"attributes": [{"key": "slipway.project", "value": {"stringValue": PROJECT}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()


def main(url: str, file: str, client: int) -> int:
    """Send until the parent is gone or says stop. Returns the exit code: 1 when the server refused a batch for good."""
    parts, parent = urlsplit(url), os.getppid()
    out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=ANSWER_S)
    batch = 0
    body = batch_of(client, batch)
    while os.getppid() == parent:
        try:
            connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            status = answer.status
            said = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            time.sleep(PAUSE_S)
            continue
        if status == 200 and b"rejectedSpans" not in said:
            os.write(out, f"{batch} {time.monotonic_ns()}\n".encode())
            batch += 1
            body = batch_of(client, batch)
        elif status != 429 and status < 500:
            print(f"the server refused a batch: {status} {said[:300]!r}", file=sys.stderr)  # noqa: T201
            return 1
        time.sleep(PAUSE_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
