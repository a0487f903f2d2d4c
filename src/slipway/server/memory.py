"""Memory: what was freed goes back to the system, instead of staying with the thread that had it."""

from __future__ import annotations

import ctypes

# of mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8


def settle() -> bool:
    """To be called before there are threads. False where the C library is not glibc.

    glibc gives each thread an arena of its own and keeps there what is freed. Bodies of megabytes that pass through six threads
    leave 30 to 40 MiB behind; the interpreter lets one thread run at a time anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((ARENA_MAX, 1), (MMAP_THRESHOLD, 1 << 18), (TRIM_THRESHOLD, 1 << 20))
    return all(mallopt(name, value) for name, value in settings)
