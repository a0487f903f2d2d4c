"""Packages, prompts and models that are not as they were: installed again, or named as the reason."""

from __future__ import annotations

import hashlib

import pytest

from evals.reproduced import Project, keep_compiled, only_wheels_of, unpacked, wheel
from evals.test_reproduce import again, factors
from slipway.evals.reproduce_packages import differing, locked_hashes, normalised

SHOUT = """
import slipway
import greeter

@slipway.task
async def shout(example, ctx):
    reply = await ctx.model.chat(greeter.greet(example.input))
    return reply.text
"""
ROWS = "".join(f'{{"id": "w{n}", "input": "word {n}", "expected": "A 1.0 word {n}"}}\n' for n in range(8))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A project that ran with greeter 1.0 and a model that says A; (project, run id, site folder, wheels folder)."""
    home = tmp_path_factory.mktemp("world")
    wheels, site = home / "wheels", home / "lib/site-packages"
    with pytest.MonkeyPatch.context() as patch:
        keep_compiled(patch, tmp_path_factory.getbasetemp() / "pyc")
        old = wheel(wheels, "1.0")
        unpacked(old, site)
        patch.syspath_prepend(str(site))
        only_wheels_of(patch, wheels, home)
        patch.setenv("ORACLE", "A")
        project = Project(home)
        project.write(
            {
                "shout.py": SHOUT,
                "words.jsonl": ROWS,
                "slipway.toml": 'model = "oracle/delphi"\n' + (project.folder / "slipway.toml").read_text(),
                "requirements.txt": f"greeter==1.0 \\\n    --hash=sha256:{hashlib.sha256(old.read_bytes()).hexdigest()}\n",
            }
        )
        project.commit()
        yield project, project.run(path=(str(site),)), site, wheels


@pytest.fixture
def upgraded(world):
    """The same after greeter went to 2.0."""
    project, run_id, site, wheels = world
    unpacked(wheel(wheels, "2.0"), site)
    yield project, run_id, wheels
    unpacked(wheels / "greeter-1.0-py3-none-any.whl", site)


def test_a_package_of_another_version_is_installed_as_recorded(upgraded):
    project, run_id, _ = upgraded
    found = again(project, run_id)
    assert (found.verdict, found.because) == ("identical", ()), str(found)
    assert found.packages == "this environment with 1 package as recorded over it"


def test_a_package_that_cannot_be_installed_is_the_reason(upgraded, tmp_path, monkeypatch):
    project, run_id, wheels = upgraded
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    old = wheels / "greeter-1.0-py3-none-any.whl"
    content = old.read_bytes()
    # What the index has under that version is not what the lock file pinned.
    old.write_bytes(wheel(wheels / "other", "1.0").read_bytes() + b" ")
    try:
        found = again(project, run_id)
    finally:
        old.write_bytes(content)
    assert found.verdict == "different"
    assert "packages" in factors(found)
    assert "greeter 1.0 -> 2.0" in str(found)
    assert "not installed as recorded: greeter" in str(found)


def test_with_here_the_package_of_another_version_is_the_reason(upgraded):
    project, run_id, _ = upgraded
    found = again(project, run_id, here=True)
    # Its greeting reached the model, which was never asked that.
    assert (found.verdict, factors(found)) == ("different", {"packages", "model"}), str(found)
    assert "greeter 1.0 -> 2.0" in str(found)


def test_live_asks_the_model_and_names_it_when_it_answers_otherwise(world, monkeypatch):
    project, run_id, *_ = world
    same = again(project, run_id, live=True)
    assert (same.verdict, same.model) == ("identical", "asked anew")
    monkeypatch.setenv("ORACLE", "B")
    found = again(project, run_id, live=True)
    assert (found.verdict, factors(found)) == ("different", {"model"})
    assert "it now answers as oracle-B, then as oracle-A" in str(found)
    assert again(project, run_id).verdict == "identical"  # the recorded replies are still those of A


def test_recorded_packages_against_those_here():
    here = {"numpy": "2.0", "rich": "14.0", "pip": "25"}
    recorded = {"NumPy": "2.0", "rich": "13.9", "pip": "24", "slipway": "0.0.1", "Gone.Package": "1"}
    assert differing(recorded, here) == {"gone-package": ("1", None), "rich": ("13.9", "14.0")}
    assert normalised("Ruamel_Yaml..clib") == "ruamel-yaml-clib"


REQUIREMENTS = """
rich==14.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via slipway
Typing_Extensions[x]==4.1 ; python_version < "3.13" --hash=sha256:cc
-e .
loose>=1
"""
UV = """
version = 1
[[package]]
name = "rich"
version = "14.0"
sdist = { url = "https://example.org/rich.tar.gz", hash = "sha256:aa" }
wheels = [{ url = "https://example.org/rich.whl", hash = "sha256:bb" }]
[[package]]
name = "mine"
source = { editable = "." }
"""
POETRY = """
[[package]]
name = "Rich"
version = "14.0"
files = [{ file = "rich.whl", hash = "sha256:aa" }, { file = "rich.tar.gz", hash = "sha256:bb" }]
"""
PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "rich"
version = "14.0"
wheels = [{ name = "rich.whl", hashes = { sha256 = "aa" } }, { name = "rich2.whl", hashes = { sha256 = "bb" } }]
"""
PIPFILE = '{"default": {"rich": {"version": "==14.0", "hashes": ["sha256:aa", "sha256:bb"]}, "mine": {"path": "."}}}'


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("requirements/*.txt", REQUIREMENTS),
        ("uv.lock", UV),
        ("poetry.lock", POETRY),
        ("pylock.toml", PYLOCK),
        ("Pipfile.lock", PIPFILE),
    ],
)
def test_hashes_of_a_lock_file(file, text):
    assert sorted(locked_hashes(file, text)["rich", "14.0"]) == ["sha256:aa", "sha256:bb"]


def test_other_lock_files_have_no_hashes():
    assert locked_hashes("conda-lock.yml", "package: []") == {}
    assert locked_hashes("requirements.txt", REQUIREMENTS)["typing-extensions", "4.1"] == ["sha256:cc"]
