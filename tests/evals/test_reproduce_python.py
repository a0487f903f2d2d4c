"""A run of another Python: an environment of its own, made for real from wheels that lie in a folder."""

from __future__ import annotations

import os
import platform
import stat
import sys
import sysconfig
import zipfile
from contextlib import contextmanager
from importlib import metadata

import pytest

from evals.reproduced import Project, keep_compiled, only_wheels_of, unpacked, wheel
from evals.test_reproduce import again, factors, rerecorded
from slipway.data import EvalRun
from slipway.evals.reproduce_packages import APART

SHOUT = """
import slipway
import greeter

@slipway.task
def shout(example):
    return greeter.greet(example.input)
"""
ROWS = "".join(f'{{"id": "w{n}", "input": "word {n}", "expected": "1.0 word {n}"}}\n' for n in range(8))


def thin_wheels(folder):
    """A wheel for each distribution here, at its version. They hold nothing: one of them leads to what is installed here, so
    that an environment of the same Python can be made of them without a registry and without 300 MiB."""
    folder.mkdir(exist_ok=True)
    made = set()
    for one in metadata.distributions():
        name = (one.metadata["Name"] or "").replace("-", "_").replace(".", "_")
        if not name or name.lower() in made or name.lower() in APART:
            continue
        made.add(name.lower())
        info = f"{name}-{one.version}.dist-info"
        files = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {one.version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if name.lower() == "numpy":
            files["here.pth"] = sysconfig.get_path("purelib") + "\n"
        record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(folder / f"{name}-{one.version}-py3-none-any.whl", "w") as file:
            for path, content in {**files, f"{info}/RECORD": record}.items():
                file.writestr(path, content)


def program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A project that ran with greeter 1.0 on "Python 3.8.99"; greeter is 2.0 now, and python3.8 is on the PATH: this Python
    under another name, behind a shim that does not run. (project, run id, recorded environment)."""
    home = tmp_path_factory.mktemp("other")
    wheels, site = home / "wheels", home / "lib/site-packages"
    with pytest.MonkeyPatch.context() as patch:
        keep_compiled(patch, tmp_path_factory.getbasetemp() / "pyc")
        unpacked(wheel(wheels, "1.0"), site)
        thin_wheels(wheels)
        patch.syspath_prepend(str(site))
        only_wheels_of(patch, wheels, home)
        project = Project(home)
        project.write({"shout.py": SHOUT, "words.jsonl": ROWS})
        project.commit()
        run_id = project.run(path=(str(site),))
        unpacked(wheel(home / "newer", "2.0"), site)
        program(home / "shims/python3.8", "exit 127")
        program(home / "bin/python3.8", f'exec "{sys.executable}" "$@"')
        patch.setenv("PATH", os.pathsep.join([str(home / "shims"), str(home / "bin"), os.environ["PATH"]]))
        known = rerecorded(project, run_id, python="CPython 3.8.99")
        yield project, run_id, known


def test_a_run_of_another_python_gets_an_environment_of_its_own(other):
    project, run_id, known = other
    found = again(project, run_id)
    assert (found.verdict, found.outputs_differ, found.because) == ("identical", 0, ()), str(found)
    count = len(set(known.packages) - APART)
    assert found.packages == f"a Python {platform.python_version()} of its own with {count} packages as recorded"
    # Said although nothing came of it: the interpreter under that name is another patch release.
    assert any(f"python 3.8.99 -> {platform.python_version()}" in note for note in found.notes), found.notes
    # As things stand now it is something else: greeter went to 2.0.
    assert again(project, run_id, here=True).outputs_differ == 8


@contextmanager
def recorded_with(project, run_id, **changes):
    """The run, as if its environment had been recorded so; afterwards as it was."""
    store = project.store()
    run = store.get(EvalRun, run_id)
    rerecorded(project, run_id, **changes)
    yield
    store.write([run])
    store.close()


def test_a_package_that_the_other_python_cannot_have_is_named(other):
    project, run_id, known = other
    packages = {**known.packages, "greeter": "0.9"}
    with recorded_with(project, run_id, python="CPython 3.8.99", packages=packages, id="e" * 64):
        found = again(project, run_id)
    assert found.verdict == "different"
    assert "packages" in factors(found)
    assert "not installed as recorded: greeter" in str(found)


def test_a_python_that_is_nowhere_is_the_reason(other):
    project, run_id, _ = other
    with recorded_with(project, run_id, python="CPython 3.98.1", id="d" * 64):
        found = again(project, run_id)
    assert (found.verdict, factors(found)) == ("different", {"packages"})
    assert "the run used Python 3.98.1, and there is no python3.98 here" in str(found)
