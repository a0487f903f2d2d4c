"""Many clients that stay connected: whoever comes next is served all the same."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from server import web
from server.patience import PATIENCE_S

STREAMS = 200
OPEN_FILES = """
import resource
from slipway.server.serve import _room_for
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
_room_for(300)
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def listening(url, leave):
    """A client that is connected and stays so."""
    host, port = url.removeprefix("http://").split(":")
    client = leave.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S))
    client.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_two_hundred_listeners_keep_nobody_out(served):
    with ExitStack() as leave:
        for _ in range(STREAMS):
            listening(served.url, leave)
        assert len(served.state.feed.listeners) == STREAMS
        assert web.get(f"{served.url}/healthz").status_code == 200


def test_beyond_the_most_a_client_waits_until_one_leaves(start):
    served = start(max_connections=3)
    with ExitStack() as leave:
        first, *_ = [listening(served.url, leave) for _ in range(3)]
        host, port = served.url.removeprefix("http://").split(":")
        late = leave.enter_context(socket.create_connection((host, int(port)), timeout=1))
        late.sendall(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        with pytest.raises(TimeoutError):
            late.recv(1)
        first.close()
        late.settimeout(PATIENCE_S)
        assert late.recv(12) == b"HTTP/1.1 200"


def test_the_process_may_open_as_many_files(tmp_path):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    done = subprocess.run([sys.executable, "-c", OPEN_FILES], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(556 if hard == resource.RLIM_INFINITY else min(556, hard)), str(hard)]
