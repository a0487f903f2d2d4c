"""Python in a process for which permission bits bind, also when the tests run as root.

Root's power to pass over them is two capabilities. They are dropped from the bounding set, and the next program that is
started has them no more: it is still root, owns what root owns, and may read and import what root may.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

_CONFINE = """
import ctypes, os, sys
CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
        if libc.prctl(CAPBSET_DROP, capability, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "cannot give up the right to pass over permissions")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def start_confined(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """``python`` with these arguments, bound by permission bits, with pipes for text."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        [sys.executable, "-c", _CONFINE, *arguments], env=environ, text=True, **{**pipes, **options}
    )


def confined(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The same, run to its end."""
    with start_confined(*arguments, **options) as child:
        out, err = child.communicate(timeout=240)
    return subprocess.CompletedProcess(arguments, child.returncode, out, err)
