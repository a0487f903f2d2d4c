"""``slipway run``: a script or module that does not know Slipway, run in this process with recording switched on."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.errors import NotFound
from slipway.track.live import LiveSpan
from slipway.track.tracing import init, shutdown, span


def run_script(target: str, arguments: Sequence[str] = (), *, module: bool = False, **options: Any) -> int:
    """Run ``target`` as ``python target`` (or ``python -m target``) would; returns its exit code.

    One root span, ``run script.py`` or ``run -m module``, covers the run; ``options`` go to `slipway.init`. An uncaught
    exception is printed as Python prints it and gives 1.
    Raises `NotFound` when there is no such script.
    """
    if not module and not Path(target).exists():
        raise NotFound(f"no script {target!r}", mend="give the path of a Python file, or -m and a module's name")
    init(**options)
    # What the script starts is recorded too, unless somebody said otherwise.
    traced = "SLIPWAY_TRACE" in os.environ
    os.environ.setdefault("SLIPWAY_TRACE", "true")
    before_argv, before_path, before_main = sys.argv, list(sys.path), sys.modules.get("__main__")
    sys.argv = [target, *arguments]
    sys.path[0] = os.getcwd() if module else str(Path(target).resolve().parent)
    code = 0
    try:
        name = f"run -m {target}" if module else f"run {Path(target).name}"
        with span(name, kind="run", target=target, arguments=list(arguments)) as root:
            try:
                _run(target, module=module)
            except SystemExit as stop:
                code = exit_code(stop.code)
            except KeyboardInterrupt as stop:
                code = 130
                _failed(root, stop)
            except BaseException as error:  # shown as python shows it; the trace keeps it as well
                code = 1
                _failed(root, error)
                _show(error)
            root.set({"process.exit_code": code})
            if code and isinstance(root, LiveSpan):
                root.set_status("error")
    finally:
        sys.argv, sys.path[:] = before_argv, before_path
        if before_main is not None:
            sys.modules["__main__"] = before_main
        if not traced:
            os.environ.pop("SLIPWAY_TRACE", None)
        shutdown()
    return code


def _run(target: str, *, module: bool) -> None:
    if module:
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    # run_path puts a __main__ module in place while the script runs: multiprocessing and pickle look there for its classes.
    runpy.run_path(target, run_name="__main__")


def exit_code(given: Any) -> int:
    """The code that python would leave with for ``SystemExit(given)``; a text is printed to standard error."""
    if given is None:
        return 0
    if isinstance(given, int):
        return given & 0xFF
    sys.stderr.write(f"{given}\n")
    return 1


def _failed(root: Any, error: BaseException) -> None:
    root.record_error(error)


def _show(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
