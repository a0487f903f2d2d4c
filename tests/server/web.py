"""HTTP for tests: patient, since the machine may have much else to do, and without TLS, whose set-up costs 28 ms a client.

Each request has a connection of its own, which ends with it: a server that stops waits for nobody.
"""

from __future__ import annotations

import httpx

from server.patience import PATIENCE_S

_client = httpx.Client(
    timeout=PATIENCE_S, verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
)
get, head, options, post, put, delete = (
    _client.get, _client.head, _client.options, _client.post, _client.put, _client.delete,
)  # fmt: skip
request, stream = _client.request, _client.stream


def client(url: str = "") -> httpx.Client:
    """A client that keeps its connections."""
    return httpx.Client(base_url=url, timeout=PATIENCE_S, verify=False, trust_env=False)
