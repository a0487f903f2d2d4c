"""The code a run ran: commit, branch, and everything not committed as one patch that ``git apply`` takes.

The patch holds untracked files too (`.gitignore` is respected). It is made with an index and an object folder of our own in
a temporary place, so the repository is only read. Files beyond `MOST_FILE_BYTES`, and files whose very name says that they
hold secrets, are left out and named. What Slipway itself keeps there is no code, and counts as nothing.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILE_BYTES = 1_048_576
MOST_PATCH_BYTES = 16 * 1_048_576
TIMEOUT_S = 20.0
SECRET_FILES = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ed25519*",
    ".netrc",
    ".pypirc",
    ".npmrc",
)


@dataclass(frozen=True)
class Code:
    """What git knows. ``patch`` is None when nothing is uncommitted; ``omitted`` names what the patch leaves out."""

    commit: str | None
    branch: str | None
    repository: str | None
    root: Path
    patch: bytes | None = None
    dirty: bool = False
    omitted: tuple[str, ...] = field(default=())


def code_of(folder: Path, *, apart: Sequence[Path] = ()) -> Code | None:
    """The state of the repository that ``folder`` lies in; None outside of one or without git. Files and folders ``apart`` are
    passed over, as if git ignored them."""
    top = _git(["rev-parse", "--show-toplevel"], folder)
    if top is None:
        return None
    root = Path(top.decode().strip())
    commit = _text(_git(["rev-parse", "--verify", "-q", "HEAD"], root))
    branch = _text(_git(["symbolic-ref", "-q", "--short", "HEAD"], root))
    remote = _text(_git(["config", "--get", "remote.origin.url"], root))
    status = _git(["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"], root) or b""
    passed = _inside(root, apart)
    paths = [entry[3:].decode("utf-8", "surrogateescape") for entry in status.split(b"\0") if len(entry) > 3]
    paths = [path for path in paths if not any(path == one or path.startswith(f"{one}/") for one in passed)]
    if not paths:
        return Code(commit, branch, remote, root)
    omitted = tuple(sorted(path for path in paths if _leave_out(root / path)))
    patch = _patch(root, commit, (*omitted, *passed))
    if patch is not None and len(patch) > MOST_PATCH_BYTES:
        return Code(commit, branch, remote, root, None, True, (f"the whole patch ({len(patch):,} bytes)",))
    return Code(commit, branch, remote, root, patch or None, True, omitted)


def _inside(root: Path, places: Sequence[Path]) -> list[str]:
    """The places below ``root``, as git names them. The root itself is not among them: it has the code."""
    top = root.resolve()
    found = [place.resolve() for place in places]
    return [one.relative_to(top).as_posix() for one in found if one != top and one.is_relative_to(top)]


def _leave_out(path: Path) -> bool:
    if any(fnmatch.fnmatch(path.name, pattern) for pattern in SECRET_FILES):
        return True
    try:
        return path.lstat().st_size > MOST_FILE_BYTES
    except OSError:  # deleted: the patch says so
        return False


def _patch(root: Path, commit: str | None, left_out: tuple[str, ...]) -> bytes | None:
    objects = _text(_git(["rev-parse", "--git-path", "objects"], root))
    index = _text(_git(["rev-parse", "--git-path", "index"], root))
    if objects is None or index is None:
        return None
    with tempfile.TemporaryDirectory(prefix="slipway-git-") as folder:
        own = Path(folder)
        (own / "objects").mkdir()
        if (root / index).exists():
            shutil.copyfile(root / index, own / "index")  # its cached stats make the next step quick
        env = {
            "GIT_INDEX_FILE": str(own / "index"),
            "GIT_OBJECT_DIRECTORY": str(own / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / objects).resolve()),
        }
        without = [f":(exclude,literal,top){path}" for path in left_out]
        if _git(["add", "-A", "--", ":/", *without], root, env) is None:
            return None
        base = commit or _text(_git(["hash-object", "-t", "tree", "-w", os.devnull], root, env))
        if base is None:
            return None
        return _git(["diff", "--cached", "--binary", "--full-index", "--no-ext-diff", "--no-color", base], root, env)


def _git(arguments: list[str], folder: Path, env: Mapping[str, str] | None = None) -> bytes | None:
    """What git printed; None when it is missing, slow or refuses."""
    settings = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(env or {})}
    # core.fsmonitor and textconv filters of a repository name programs: nothing of the kind runs for a picture.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotepath=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _text(output: bytes | None) -> str | None:
    return (output.decode("utf-8", "replace").strip() or None) if output is not None else None
