"""Waiting for what comes in its own time, on a machine that may be busy with much else; and doing a part in a forked child."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable

PATIENCE_S = 120.0


def until(what: Callable[[], object], why: str = "it never came to that", seconds: float = PATIENCE_S) -> bool:
    """Look again and again until ``what`` is true. Ask in it for the whole state that the test needs: what comes next to it
    need not be there yet."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why
        threading.Event().wait(0.02)
    return True


def forked(act: Callable[[], object]) -> int:
    """Fork, and do that in the child alone; the child's number. It ends with 0 when ``act`` gives something true."""
    pid = os.fork()
    if pid == 0:  # no pytest here, and no clean-up that is the parent's
        code = 1
        try:
            code = 0 if act() else 2
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def code_of(pid: int) -> int:
    """The exit code of that child, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
