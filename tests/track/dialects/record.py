"""Record what an SDK exports: ``python record.py NAME COMMAND...`` with tests/ on PYTHONPATH.

Runs the command beside the OpenAI-compatible fake and a collector, with their addresses in FAKE and OTLP, and writes the traces
and log records that came as NAME.traces.json and NAME.logs.json, in OTLP's JSON. README.md says which versions were recorded.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fake_openai import FakeOpenAI

REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/logs": ExportLogsServiceRequest}
IDS = ("traceId", "spanId", "parentSpanId")
PRIVATE = ("process.", "host.", "os.")


Rows = dict[str, list[Any]]


def main(name: str, *command: str) -> None:
    found: Rows = {"resourceSpans": [], "resourceLogs": []}
    collector = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Collector,), {"found": found}))
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    with FakeOpenAI(answer=reply) as fake:
        environ = {**os.environ, "FAKE": fake.url, "OTLP": f"http://127.0.0.1:{collector.server_port}"}
        environ.pop("PYTHONPATH", None)
        subprocess.run(command, env=environ, check=True, timeout=300)
        bodies = json.dumps(found).replace(fake.url.split("/")[2], "127.0.0.1:1")
    for kind, rows in json.loads(bodies).items():
        if rows:
            which = "traces" if kind == "resourceSpans" else "logs"
            Path(__file__).with_name(f"{name}.{which}.json").write_text(written(kind, rows))


class Collector(BaseHTTPRequestHandler):
    found: Rows

    def do_POST(self) -> None:
        body = self.body()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path in REQUESTS:
            if "json" in self.headers["Content-Type"]:
                given = json.loads(body)
            else:
                request = REQUESTS[self.path].FromString(body)
                given = hexadecimal(MessageToDict(request, use_integers_for_enums=True))
            for kind, rows in self.found.items():
                rows.extend(given.get(kind, ()))
        self.send_response(200)
        self.end_headers()

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


def written(kind: str, rows: list[Any]) -> str:
    """The rows as JSON, without what they tell of the machine."""
    for row in rows:
        given = row.get("resource", {}).get("attributes", [])
        row["resource"] = {"attributes": [each for each in given if not each["key"].startswith(PRIVATE)]}
    return (
        re.sub(
            r'File \\"[^"]*/lib(?:/python[\d.]+)?(?:/site-packages)?/', 'File \\\\"', json.dumps({kind: rows}, indent=1)
        )
        + "\n"
    )


def reply(body: dict[str, Any]) -> Any:
    """A tool is called once when there is one; then the answer comes."""
    if body.get("tools") and not any(each["role"] == "tool" for each in body["messages"]):
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "boston"}'}
        return {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
    return "a ramp for ships"


def hexadecimal(value: Any) -> Any:
    """Ids as OTLP's JSON has them, in contrast to protobuf's."""
    if isinstance(value, dict):
        return {k: base64.b64decode(v).hex() if k in IDS else hexadecimal(v) for k, v in value.items()}
    return [hexadecimal(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(*sys.argv[1:])
