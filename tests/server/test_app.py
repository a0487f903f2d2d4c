"""What every route has in common, asked over HTTP."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys

import pytest

from server import web
from server.patience import PATIENCE_S
from slipway.server.port import hold
from slipway.server.routing import all_routes

OPEN = {"/healthz", "/readyz", "/api/v1/openapi.json", "/feedback.js"}


def test_it_lives_is_ready_and_describes_itself(served):
    assert web.get(f"{served.url}/healthz").json()["status"] == "ok"
    assert web.get(f"{served.url}/readyz").json() == {"status": "ready"}
    document = web.get(f"{served.url}/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {route.path.replace(":path}", "}") for route in all_routes()} == set(document["paths"])


def test_only_a_short_list_is_open_to_everybody():
    assert {route.path for route in all_routes() if route.needs is None} <= OPEN


def test_not_ready_while_it_stops(served):
    served.state.draining = True
    answer = web.get(f"{served.url}/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "stopping" in answer.json()["error"]["cause"]


@pytest.mark.parametrize("path", ["/nope", "/api/v1/nope", "/%2e%2e/etc/passwd", "/healthz/x"])
def test_an_unknown_path_is_a_404_in_json(served, path):
    answer = web.get(served.url + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["mend"]


def test_a_wrong_method_is_a_405(served):
    assert web.post(f"{served.url}/healthz").status_code == 405


def test_every_answer_has_the_security_headers(served):
    for path in ("/healthz", "/nope"):
        headers = web.get(served.url + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example"]
)
def test_t43_a_foreign_host_is_refused(served, host):
    assert web.get(f"{served.url}/healthz", headers={"Host": host}).status_code == 400


def test_the_command_says_where_it_listens_and_ends_on_sigterm(tmp_path):
    command = [sys.executable, "-m", "slipway.cli", "up", "--port", "0", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert found, said
    assert web.get(f"{found[0]}/healthz").status_code == 200
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (again.returncode, f"process {process.pid}" in again.stderr) == (3, True)  # T22
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert {json.loads(line)["level"] for line in errors.splitlines()} == {"info"}


def test_a_port_that_is_held_is_given_to_nobody_else(start):
    with hold("127.0.0.1") as held:
        address = held.getsockname()
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(address)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        assert start(port=address[1]).url == f"http://127.0.0.1:{address[1]}"
        assert web.get(f"http://127.0.0.1:{address[1]}/healthz").status_code == 200


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "slipway.cli", "up", "--json", "--port", port, "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert port in json.loads(done.stdout)["error"]["message"]
