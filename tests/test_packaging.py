"""What is shipped and what it needs: light, pinned, without surprises (T59)."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def pinned(lock: str) -> dict[str, set[str]]:
    """Distribution -> versions in a requirements file."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ \\;]+)", (ROOT / "requirements" / lock).read_text(), re.M):
        found.setdefault(name, set()).add(version)
    return found


def test_the_base_install_is_light():
    assert len(pinned("base.txt")) <= 25, sorted(pinned("base.txt"))


@pytest.mark.parametrize("lock", ["base.txt", "demo.txt", "dev.txt", "uv.txt"])
def test_t59_every_pin_has_a_hash(lock):
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=\S)", text, flags=re.M)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("path", LOCKS, ids=lambda p: p.name)
def test_no_index_address_is_committed(path):
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", path.read_text())


def test_heavy_things_are_extras():
    assert {"assistant", "train", "local", "postgres", "ray"} <= set(PROJECT["optional-dependencies"])
    assert PROJECT["optional-dependencies"]["train"] == ["torch==2.13.0"]
    assert not {"torch", "scikit-learn", "psycopg", "ray"} & set(pinned("base.txt"))


def test_every_base_requirement_is_locked():
    wanted = {re.split(r"[<>=\[ ]", line)[0].lower() for line in PROJECT["dependencies"]}
    assert wanted <= set(pinned("base.txt"))
    assert wanted <= set(pinned("dev.txt"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, built from this tree with the locked hatchling."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def test_t59_the_wheel_holds_the_packages_and_nothing_else(built):
    wheel, _ = built
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith(".pth")]
    assert {name.split("/")[0] for name in names} == {
        "slipway",
        "slipway_assistant",
        f"slipway-{PROJECT['version']}.dist-info",
    }
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    shipped = {f"src/{name}" for name in names if ".dist-info/" not in name}
    assert {name for name in tracked if (ROOT / name).is_file()} <= shipped
    assert wheel.stat().st_size < 40_000_000  # 32 MB of them are the assistant's weights


def test_the_sdist_can_be_built_from(built):
    _, sdist = built
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/slipway/__init__.py"} <= names
