"""The recorded packages again: those that differ here are installed, as recorded, into a folder laid over this environment.

With another Python than the recorded one, a virtual environment of that Python gets them all. Versions that the recorded lock
file pins are held to its hashes. uv installs, or pip where there is no uv; both as they are configured here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from slipway.data import Environment
from slipway.errors import StoreError
from slipway.store.protocol import Store

# What installs packages is not what a task runs on; slipway itself is the one that re-executes.
APART = frozenset({"pip", "setuptools", "wheel", "uv", "slipway"})
SECONDS = 900


@dataclass(frozen=True)
class Packages:
    """The interpreter that runs, the ``paths`` laid over its packages, and what still differs: name -> (recorded, here; None
    when it is not installed). ``apart``: the interpreter has an environment of its own and takes nothing from this one."""

    python: str
    paths: tuple[str, ...]
    differ: Mapping[str, tuple[str, str | None]]
    says: str
    problem: str = ""
    apart: bool = False


def installed() -> dict[str, str]:
    """Distribution -> version, of this interpreter, by normalised name."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(normalised(name), distribution.version)
    return found


def normalised(name: str) -> str:
    """The name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differing(recorded: Mapping[str, str], here: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    """Recorded packages that are here in another version, or not at all."""
    made = {}
    for name, version in sorted(recorded.items()):
        own = normalised(name)
        if own not in APART and here.get(own) != version and not _local(own):
            made[own] = (version, here.get(own))
    return made


def as_they_are(environment: Environment | None) -> Packages:
    """This interpreter and its packages, and how they differ from the recorded ones."""
    differ = differing(environment.packages, installed()) if environment else {}
    recorded = _version(environment)
    if recorded and recorded != platform.python_version():
        differ = {"python": (recorded, platform.python_version()), **differ}
    return Packages(sys.executable, (), differ, "this environment as it is")


def rebuilt(store: Store, environment: Environment | None, home: Path, tree: Path) -> Packages:
    """The recorded packages, installed under ``home`` as far as they differ from what is here. The project of ``tree`` itself
    is not one of them: its code comes from the tree."""
    here = as_they_are(environment)
    own = _project_of(tree)
    differ = {name: pair for name, pair in here.differ.items() if name != own}
    if environment is None or not differ:
        return Packages(here.python, (), differ, "this environment, which has the recorded packages")
    pins, problem = _pins(store, environment)
    pins.pop(own, None)
    if _minor(_version(environment)) not in ("", _minor(platform.python_version())):
        return _with_other_python(environment, here, pins, home)
    wanted = {name: pins[name] for name in differ if name != "python"}
    if not wanted:
        return Packages(here.python, (), differ, here.says)
    target = home / "packages"
    failed = _install_all(wanted, home, ["--target", str(target)], sys.executable)
    problem = _not_installed(failed) or problem
    left = {name: pair for name, pair in differ.items() if name == "python" or name in failed}
    done = len(wanted) - len(failed)
    says = f"this environment with {done} package{'s' * (done != 1)} as recorded over it"
    return Packages(sys.executable, (str(target),) if done else (), left, says if done else here.says, problem)


def _install_all(wanted: Mapping[str, str], home: Path, where: list[str], python: str) -> dict[str, str]:
    """Install together; when that fails, one by one. What failed, and why."""
    said = _install(list(wanted.values()), home, where, python)
    if not said or len(wanted) == 1:
        return dict.fromkeys(wanted, said) if said else {}
    alone = {name: _install([pin], home, where, python) for name, pin in wanted.items()}
    return {name: said for name, said in alone.items() if said}


def _not_installed(failed: Mapping[str, str]) -> str:
    names = ", ".join(list(failed)[:5]) + (" ..." if len(failed) > 5 else "")
    return f"not installed as recorded: {names} ({next(iter(failed.values()))})" if failed else ""


def _project_of(tree: Path) -> str:
    try:
        raw = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return normalised(str(raw.get("project", {}).get("name", "")))


def _with_other_python(environment: Environment, here: Packages, pins: Mapping[str, str], home: Path) -> Packages:
    recorded = _version(environment)
    python = _python(recorded)
    problem = f"the run used Python {recorded}, and there is no python{_minor(recorded)} here"
    if python is None:
        return replace(here, problem=problem)
    folder = home / "venv"
    done = subprocess.run(
        [python, "-m", "venv", "--without-pip", str(folder)], capture_output=True, text=True, check=False
    )
    own = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if done.returncode:
        return replace(here, problem=f"{problem} that can make an environment")
    wanted = {name: pin for name, pin in pins.items() if name not in APART and not _local(name)}
    failed = _install_all(wanted, home, [], str(own))
    version = _answer(str(own), "import platform; print(platform.python_version())", os.environ)
    left: dict[str, tuple[str, str | None]] = {} if version == recorded else {"python": (recorded, version)}
    left |= {name: (environment.packages.get(name, "?"), None) for name in failed}
    says = f"a Python {version} of its own with {len(wanted) - len(failed)} packages as recorded"
    return Packages(str(own), (str(_this_slipway(home)),), left, says, _not_installed(failed), apart=True)


def _python(recorded: str) -> str | None:
    """The interpreter of the recorded minor version, if need be where uv or pyenv keep theirs. Nothing is downloaded."""
    minor = _minor(recorded)
    found = [shutil.which(f"python{minor}", path=place) for place in os.get_exec_path()]
    # A pyenv shim that is not switched on is found, and does not run: it is told which one is meant.
    for python in dict.fromkeys(one for one in found if one):
        for chosen in ({}, {"PYENV_VERSION": recorded}, {"PYENV_VERSION": minor}):
            answer = _answer(python, "import sys, venv; print(sys.executable)", {**os.environ, **chosen})
            if answer:
                return answer
    uv = _uv()
    if uv is None:
        return None
    command = [uv, "python", "find", "--no-python-downloads", "--no-project", "--system", minor]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def _answer(python: str, program: str, variables: Mapping[str, str]) -> str:
    """What a program of one line prints; "" when the interpreter does not run it."""
    done = subprocess.run([python, "-c", program], env=dict(variables), capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _this_slipway(home: Path) -> Path:
    """A folder with the slipway that runs here and nothing else: what lies beside it is built for another Python."""
    packages = Path(__file__).resolve().parents[2]
    folder = home / "slipway"
    for name in ("slipway", "slipway_assistant"):
        if (packages / name).is_dir():
            shutil.copytree(packages / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    return folder


def _version(environment: Environment | None) -> str:
    """``3.11.7`` of the recorded ``CPython 3.11.7``."""
    return environment.python.rpartition(" ")[2] if environment else ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2]) if version else ""


def _install(pins: list[str], home: Path, where: list[str], python: str) -> str:
    """Install; what went wrong, "" when nothing did."""
    file = home / "requirements.txt"
    file.write_text("\n".join(pins) + "\n", encoding="utf-8")
    hashed = ["--require-hashes"] if all("--hash=" in pin for pin in pins) else []
    rest = ["--no-deps", *hashed, *where, "-r", str(file)]
    uv = _uv()
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", python, *rest]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", *rest]
    else:
        return "there is neither uv nor pip"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it took more than {SECONDS} s"
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return (" ".join(lines)[:400] or f"exit code {done.returncode}") if done.returncode else ""


def _uv() -> str | None:
    found = shutil.which("uv")
    if found is None and importlib.util.find_spec("uv"):
        beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
        found = str(beside) if beside.exists() else None
    return found


def _pins(store: Store, environment: Environment) -> tuple[dict[str, str], str]:
    """A requirement line for each recorded package, with the lock's hashes where the lock pins that version."""
    hashes: dict[tuple[str, str], list[str]] = {}
    problem = ""
    if environment.lock_blob is not None:
        try:
            text = store.get_blob(environment.lock_blob).decode("utf-8", "replace")
            hashes = locked_hashes(environment.lock_file or "", text)
        except (StoreError, tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
            problem = f"the recorded lock file cannot be read, so hashes were not checked: {error}"
    made = {}
    for name, version in environment.packages.items():
        own = normalised(name)
        marks = "".join(f" --hash={one}" for one in hashes.get((own, version), ()))
        made[own] = f"{own}=={version}{marks}"
    return made, problem


def locked_hashes(file: str, text: str) -> dict[tuple[str, str], list[str]]:
    """(name, version) -> hashes such as ``sha256:..`` of a lock file: requirements.txt, uv.lock, poetry.lock, pylock.toml,
    Pipfile.lock. Another kind of file has none."""
    if file.endswith(".txt"):
        return _requirement_hashes(text)
    if Path(file).name == "Pipfile.lock":
        groups = json.loads(text)
        return {
            (normalised(name), str(item["version"]).removeprefix("==")): list(item.get("hashes", ()))
            for group in ("default", "develop")
            for name, item in groups.get(group, {}).items()
            if "version" in item
        }
    if not file.endswith((".lock", ".toml")):
        return {}
    raw = tomllib.loads(text)
    made = {}
    for package in [*raw.get("package", ()), *raw.get("packages", ())]:
        files = [*package.get("wheels", ()), *package.get("files", ()), package.get("sdist") or {}]
        found = [_hash_of(item) for item in files if isinstance(item, Mapping)]
        if "version" in package:
            made[normalised(package["name"]), str(package["version"])] = [one for one in found if one]
    return made


def _hash_of(item: Mapping[str, object]) -> str:
    if isinstance(item.get("hash"), str):
        return str(item["hash"])
    hashes = item.get("hashes")  # pylock.toml
    return f"sha256:{hashes['sha256']}" if isinstance(hashes, Mapping) and "sha256" in hashes else ""


def _requirement_hashes(text: str) -> dict[tuple[str, str], list[str]]:
    made = {}
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        pinned = re.match(r"\s*([A-Za-z0-9][\w.\-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)", line)
        if pinned:
            made[normalised(pinned[1]), pinned[2]] = re.findall(r"--hash=(\S+)", line)
    return made


def _local(name: str) -> bool:
    """Whether the distribution here is a folder of somebody's (installed with ``-e`` or from a path): no registry has it."""
    try:
        raw = metadata.distribution(name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return False
    return raw is not None and str(json.loads(raw).get("url", "")).startswith("file:")
