"""Where a run came from: commit and uncommitted diff, lock file or packages, Python, platform, command, chosen variables.

The diff is kept verbatim, so that ``slipway reproduce`` can rebuild the code, unless it shows a secret of a known format or
is assigned to a telling name: then the secret is taken out and ``variables["slipway.diff.redacted"]`` says so (the patch still
applies: a redacted line differs in text only). ``variables["slipway.diff.omitted"]`` names files that were left out.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from slipway.config import Capture, Config
from slipway.data import Environment, content_hash, digest
from slipway.store.files import kept
from slipway.track.git import Code, code_of
from slipway.track.redact import Redactor, sensitive

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml")
REQUIREMENTS = ("requirements.lock", "requirements.txt", "requirements/*.txt")
MOST_LOCK_BYTES = 8 * 1_048_576
MOST_ARGUMENTS = 256


@dataclass(frozen=True)
class Captured:
    """The record, and the blobs that its hashes name."""

    environment: Environment
    blobs: tuple[bytes, ...]

    def save(self, store: Any) -> str:
        """Put blobs and record into ``store``; returns the environment's id."""
        for blob in self.blobs:
            store.put_blob(blob)
        store.write([self.environment])
        return self.environment.id


def capture_environment(
    config: Config | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Captured:
    """A picture of this process's surroundings. Takes a tenth of a second or so; never raises for what is missing."""
    config = config or Config()
    folder = folder or Path.cwd()
    environ = os.environ if environ is None else environ
    redactor = Redactor(personal=False) if config.capture.redact else None
    # What is recorded there, this moment too, is no change of the code.
    code = code_of(folder, apart=(config.data_folder, *kept(config.store_url)))
    blobs: list[bytes] = []
    notes: dict[str, str] = {}
    patch = _patch(code, redactor, notes)
    lock_name, lock = _lock_file([folder, *([code.root] if code else [])])
    blobs += [blob for blob in (patch, lock) if blob is not None]
    given = tuple(sys.orig_argv if command is None else command)
    record = Environment(
        id="",
        captured_ns=clock(),
        commit=code.commit if code else None,
        branch=code.branch if code else None,
        dirty=code.dirty if code else False,
        diff_blob=digest(patch) if patch is not None else None,
        repository=without_password(code.repository) if code and code.repository else None,
        packages=_packages(),
        lock_file=lock_name,
        lock_blob=digest(lock) if lock is not None else None,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=platform.platform(),
        command=redacted_command(given, redactor),
        working_directory=str(folder),
        variables={**_variables(config.capture, environ, redactor), **notes},
        project=config.project,
    )
    values = {
        item.name: getattr(record, item.name) for item in fields(record) if item.name not in ("id", "captured_ns")
    }
    return Captured(replace(record, id=content_hash(values)), tuple(blobs))


def redacted_command(command: Sequence[str], redactor: Redactor | None) -> tuple[str, ...]:
    """The command line without secrets: known formats, ``--password x`` and ``--api-key=x``."""
    if redactor is None:
        return tuple(command[:MOST_ARGUMENTS])
    shown: list[str] = []
    hide_next = False
    for argument in command[:MOST_ARGUMENTS]:
        name, equals, _ = argument.partition("=")
        telling = sensitive(name.lstrip("-")) and (name.startswith("-") or bool(equals))
        if hide_next:
            shown.append("[redacted by name]")
        elif telling and equals:
            shown.append(f"{name}=[redacted by name]")
        else:
            shown.append(redactor.text(argument))
        hide_next = telling and not equals and not hide_next
    return tuple(shown)


def without_password(url: str) -> str:
    """A remote's address without user and password."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _patch(code: Code | None, redactor: Redactor | None, notes: dict[str, str]) -> bytes | None:
    if code is None:
        return None
    if code.omitted:
        notes["slipway.diff.omitted"] = ", ".join(code.omitted)[:4_096]
    if code.patch is None or redactor is None:
        return code.patch
    # latin-1 maps each byte to one character and back, whatever encodings the files use.
    lines = code.patch.decode("latin-1").split("\n")
    clean, changed = _clean_lines(lines, redactor)
    if changed:
        notes["slipway.diff.redacted"] = f"{changed} lines"
    return "\n".join(clean).encode("latin-1", "replace") if changed else code.patch


def _clean_lines(lines: list[str], redactor: Redactor) -> tuple[list[str], int]:
    """The lines that add text, without secrets, as many as before: what is removed or around must match the commit."""
    found, changed, start = [], 0, 0
    while start < len(lines):
        end = start
        while end < len(lines) and lines[end].startswith("+") and not lines[end].startswith("+++ "):
            end += 1
        if end == start:
            found.append(lines[start])
            start += 1
            continue
        block = [line[1:] for line in lines[start:end]]
        text = redactor.text("\n".join(block))
        after = text.split("\n")
        after += ["[redacted]"] * (len(block) - len(after))  # a key over many lines became one
        changed += sum(a != b for a, b in zip(block, after, strict=True))
        found += ["+" + line for line in after]
        start = end
    return found, changed


def _lock_file(folders: Sequence[Path]) -> tuple[str | None, bytes | None]:
    for folder in folders:
        for name in LOCK_FILES:
            found = _content(folder / name)
            if found is not None:
                return name, found
        for pattern in REQUIREMENTS:
            paths = sorted(folder.glob(pattern))
            parts = [(path, _content(path)) for path in paths]
            whole = [(path, data) for path, data in parts if data is not None]
            if whole:
                joined = b"".join(b"# file: %s\n%s\n" % (_relative(path, folder), data) for path, data in whole)
                return pattern, joined
    return None, None


def _relative(path: Path, folder: Path) -> bytes:
    return path.relative_to(folder).as_posix().encode("utf-8", "replace")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= MOST_LOCK_BYTES else None
    except OSError:
        return None


def _packages() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name:
            found.setdefault(name.lower().replace("_", "-"), distribution.version or "")
    return dict(sorted(found.items()))


def _variables(capture: Capture, environ: Mapping[str, str], redactor: Redactor | None) -> dict[str, str]:
    kept = {name: environ[name] for name in capture.environment if name in environ}
    if redactor is None:
        return kept
    return {name: "[redacted by name]" if sensitive(name) else redactor.text(value) for name, value in kept.items()}
