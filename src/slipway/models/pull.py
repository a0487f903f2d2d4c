"""Pull: weights from an address or a hub into the library, checked against their SHA-256. Start in `pull`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from slipway.errors import DataError, ModelError, UsageError
from slipway.models.fetch import SHA256, Broken, Fetch, Progress, check_url, opened
from slipway.models.fuse import is_loopback
from slipway.models.ggufile import read_gguf
from slipway.models.weights import Library, Origin, read_record, sha256_of, write_record

HUB = "https://huggingface.co"
"""Where ``owner/repo/file`` is looked for, unless SLIPWAY_HUB says otherwise."""
NEEDED = ("config.json", "model.bin")
OPTIONAL = ("tokenizer.json", "vocabulary.json", "vocabulary.txt", "preprocessor_config.json")
"""The files of a Whisper model of CTranslate2. No other file is fetched of a folder."""
LONGEST_SUM = 65_536
PACKED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files begin that hold a Python pickle, in a zip archive or bare."""


def nothing(*_: Any) -> None:
    """No progress is shown."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought. ``fresh``: it was not here before. ``verified``: somebody else's SHA-256 was the same."""

    name: str
    path: Path
    sha256: dict[str, str]
    verified: bool
    fresh: bool


@dataclass(slots=True)
class Puller:
    """Pulls weights into ``library``."""

    library: Library = field(default_factory=Library)
    hub: str = ""
    token: str = ""
    revision: str = "main"
    progress: Callable[[str], Progress] = lambda _: nothing
    waiting: Callable[[str], None] = nothing
    sleep: Callable[[float], Any] = time.sleep
    clock: Callable[[], int] = time.time_ns
    retries: int = 5

    def pull(self, source: str, *, sha256: str = "", name: str = "", force: bool = False) -> Pulled:
        """Bring ``source`` here: ``https://host/model.gguf``, ``owner/repo/file.gguf`` of the hub; for Whisper (CTranslate2)
        a folder: ``owner/repo`` or ``https://host/folder/``.

        What is here already is not fetched again, unless ``force``. Raises `UsageError` for a source that names nothing,
        `ModelError` when it cannot be had whole or its SHA-256 is another, `DataError` when it is no model.
        """
        wanted = sha256.lower().removeprefix("sha256:")
        if wanted and not SHA256.fullmatch(wanted):
            raise UsageError(f"{sha256!r} is no SHA-256", mend="64 hex digits")
        url, own = self._resolve(source)
        folder = url.endswith("/")
        if not folder and not url.partition("?")[0].endswith(".gguf"):
            raise UsageError(
                f"{source!r} is no GGUF file",
                mend="other formats can run code when they are read; for Whisper name the folder",
            )
        if folder and wanted:
            raise UsageError("a folder of files has no single SHA-256", mend="leave it out")
        place = self.library.place(name or own)
        if not folder and place.suffix != ".gguf":
            place = place.with_name(f"{place.name}.gguf")
        with _alone(place, self.waiting):
            return self._whisper(url, place, source, force) if folder else self._gguf(url, place, source, wanted, force)

    def _gguf(self, url: str, place: Path, source: str, wanted: str, force: bool) -> Pulled:
        name = place.relative_to(self.library.folder).as_posix()
        if place.exists() and not force:
            origin = read_record(place)
            found = origin.sha256.get(place.name) or sha256_of(place)
            if wanted and found != wanted:
                raise ModelError(
                    f"{name} is here with the SHA-256 {found}", mend="--force fetches it again", status=409
                )
            return Pulled(name, place, {place.name: found}, origin.verified or bool(wanted), fresh=False)
        found, verified = self._file(url, place, wanted, read_gguf)
        write_record(place, Origin(source, {place.name: found}, verified, self.clock()))
        return Pulled(name, place, {place.name: found}, verified, fresh=True)

    def _whisper(self, url: str, place: Path, source: str, force: bool) -> Pulled:
        name = place.relative_to(self.library.folder).as_posix()
        origin = read_record(place) if place.is_dir() else Origin()
        if origin.sha256 and not force:
            return Pulled(name, place, dict(origin.sha256), origin.verified, fresh=False)
        place.mkdir(mode=0o700, exist_ok=True)
        sums: dict[str, str] = {}
        checked = []
        for file in (*OPTIONAL, *NEEDED):  # model.bin last: with it, the folder counts as a model
            try:
                sums[file], verified = self._file(_beside(url, file), place / file, "", _no_pickle)
            except ModelError as error:
                if file in NEEDED or error.status != 404:
                    raise
                continue
            checked.append(verified)
        write_record(place, Origin(source, sums, all(checked), self.clock()))
        return Pulled(name, place, sums, all(checked), fresh=True)

    def _file(self, url: str, place: Path, wanted: str, check: Callable[[Path], Any]) -> tuple[str, bool]:
        """(its SHA-256, whether somebody else had said it). The file is at ``place``, whole, or it is not there."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token and url.startswith(self.hub_url + "/") else {}
        wanted = wanted or self._sum_beside(url, place.name)
        parts = urlsplit(url)
        if not wanted and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            raise UsageError(
                "over plain http anybody may change it on the way", mend="give --sha256, or an https address"
            )
        part = place.with_name(f".{place.name}.part")
        fetch = Fetch(url, part, headers, self.progress(place.name), self.sleep, self.retries)
        fetch.run()
        found = sha256_of(part)
        wanted = wanted or fetch.linked_sha256
        if wanted and found != wanted:
            fetch.drop()
            raise ModelError(
                f"{url} has the SHA-256 {found}, not {wanted}",
                mend="it was thrown away; ask who publishes it",
                status=409,
            )
        try:
            check(part)
        except DataError as error:
            fetch.drop()
            raise DataError(f"what {url} sent is no model: {error}") from None
        part.replace(place)
        fetch.drop()
        _sync(place.parent)
        return found, bool(wanted)

    def _sum_beside(self, url: str, name: str) -> str:
        """The SHA-256 that a ``.sha256`` beside the file says; "" when there is none. A hub's is in its headers."""
        if url.startswith(self.hub_url + "/"):
            return ""
        parts = urlsplit(url)
        try:
            answer = opened(urlunsplit(parts._replace(path=f"{parts.path}.sha256")), {}, timeout_s=30.0)
            with answer.response:
                text = answer.response.read(LONGEST_SUM).decode("utf-8", "replace") if answer.status == 200 else ""
        except (Broken, OSError) as error:
            raise ModelError(
                f"the .sha256 beside {url} cannot be read: {error}", mend="try again, or give --sha256"
            ) from None
        rows = [row.replace("*", " ").split() for row in text.lower().splitlines()]
        sums = [row for row in rows if row and SHA256.fullmatch(row[0])]
        named = [row[0] for row in sums if len(row) > 1 and Path(row[1]).name == name.lower()]
        alone = [row[0] for row in sums if len(row) == 1 or len(sums) == 1]
        return (named or alone or [""])[0]

    @property
    def hub_url(self) -> str:
        """The hub's address, without a slash at its end."""
        return (self.hub or os.environ.get("SLIPWAY_HUB") or HUB).rstrip("/")

    def _resolve(self, source: str) -> tuple[str, str]:
        """(address, name in the library). An address that ends in a slash is a folder."""
        if source.startswith(("http://", "https://")):
            check_url(source)
            path = unquote(urlsplit(source).path)
            name = path.rstrip("/").rpartition("/")[2]
            return source, name or "model"
        parts = source.strip("/").split("/")
        if (
            "://" in source
            or len(parts) < 2
            or not all(re.fullmatch(r"[A-Za-z0-9][\w.+-]*", part, re.ASCII) for part in parts)
        ):
            raise UsageError(
                f"{source!r} is no source of weights",
                mend="https://host/m.gguf, owner/repo/m.gguf, or owner/repo for Whisper",
            )
        check_url(self.hub_url)
        owner, repo, *file = parts
        inside = "/".join(quote(part) for part in file)
        return f"{self.hub_url}/{owner}/{repo}/resolve/{quote(self.revision, safe='')}/{inside}", "/".join(parts)


def _beside(url: str, file: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}{file}"))


def _no_pickle(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    if not start or start.startswith(PACKED):
        raise DataError(f"{path.name} is no file of CTranslate2", mend="convert it: ct2-transformers-converter")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _alone(place: Path, waiting: Callable[[str], None]) -> Iterator[None]:
    """No other process pulls the same at the same time. A lock ends with its process, however that ends."""
    with place.with_name(f".{place.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(f"another pull of {place.name} is under way; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
