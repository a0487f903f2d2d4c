"""Port: found free, and held until the server listens there, so that nobody else is given it in between."""

from __future__ import annotations

import socket


def hold(host: str, port: int = 0) -> socket.socket:
    """A socket that has ``port``, or a free one for 0, and does not listen. Raises `OSError` for one that is taken.

    Until it is closed, the system gives this port to nobody who asks for any free one, for an outgoing connection either. A
    server that names it can listen there meanwhile, and whoever connects reaches that server only.
    """
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so that two may have it while one of them listens
        held.bind((host, port))
    except BaseException:
        held.close()
        raise
    return held
