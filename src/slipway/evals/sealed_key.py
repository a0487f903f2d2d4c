"""The seal key: where it lies, who may read it, and the box that it opens.

The key is 32 random bytes, written as base64 into ``seal.key`` in the user's configuration folder (mode 0600), away from the data
folder, so that copying, sharing or backing up the data does not hand out the held-out rows. ``SLIPWAY_SEAL_KEY`` (the base64
text itself) beats the file. Boxes are AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, under keys derived for
each purpose by HKDF-SHA256 (RFC 5869).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from slipway.data import new_id
from slipway.errors import SealedError

VARIABLE = "SLIPWAY_SEAL_KEY"
MARK = b"slipway-sealed-1\n"
_NONCE = 12


def key_path(environ: Mapping[str, str] = os.environ) -> Path:
    """The key file: ``slipway/seal.key`` in ``$XDG_CONFIG_HOME``, else in ``~/.config`` (``%APPDATA%`` on Windows)."""
    base = environ.get("APPDATA") if sys.platform == "win32" else environ.get("XDG_CONFIG_HOME")
    return Path(base or Path.home() / ".config") / "slipway" / "seal.key"


def load_key(key: bytes | str | None = None, *, create: bool = False, environ: Mapping[str, str] = os.environ) -> bytes:
    """The 32 bytes: ``key`` itself, else ``SLIPWAY_SEAL_KEY``, else the key file, which ``create`` makes when it is missing.

    Raises `SealedError` when there is none, when it is no key, or when others may read the file.
    """
    if isinstance(key, bytes):
        if len(key) != 32:
            raise SealedError(f"a seal key has 32 bytes, not {len(key)}", mend="make one with os.urandom(32)")
        return key
    if key is not None:
        return _decoded(key, "the seal key")
    if environ.get(VARIABLE):
        return _decoded(environ[VARIABLE], VARIABLE)
    path = key_path(environ)
    if create and not path.exists():
        _make(path)
    try:
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SealedError(
            f"there is no seal key at {path}",
            mend=f"bring it from the machine that sealed the suite, or set {VARIABLE}",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SealedError(f"the seal key at {path} cannot be read: {error}", mend="check whose file it is") from None
    if os.name == "posix" and mode & 0o077:
        raise SealedError(f"others may read the seal key at {path}", mend=f"run: chmod 600 {path}")
    return _decoded(text, str(path))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{new_id()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never replaces the key that another process just made.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip().encode().translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if len(key) != 32:
        raise SealedError(
            f"{where} holds no seal key", mend="it is 32 bytes in base64, as written when the suite was sealed"
        )
    return key


def key_name(key: bytes) -> str:
    """Eight hex digits that tell keys apart and tell nothing about the key."""
    return keyed_hash(key, "name", b"")[:8]


def keyed_hash(key: bytes, purpose: str, data: bytes) -> str:
    """64 hex digits that nobody without the key can compute: unlike a plain hash, no guess can be confirmed with it."""
    return hmac.new(_derived(key, f"hash {purpose}"), data, hashlib.sha256).hexdigest()


def close_box(key: bytes, purpose: str, data: bytes, bound: bytes) -> bytes:
    """``data`` encrypted and authenticated together with ``bound``, which is not in the box and must be the same to open it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return MARK + nonce + AESGCM(_derived(key, f"box {purpose}")).encrypt(nonce, data, bound)


def open_box(key: bytes, purpose: str, box: bytes, bound: bytes, *, what: str) -> bytes:
    """What `close_box` closed. Raises `SealedError` for another key, another ``bound``, or a changed box."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start = len(MARK)
    if not box.startswith(MARK) or len(box) < start + _NONCE + 16:
        raise SealedError(f"{what}: these are no sealed bytes", mend="run: slipway doctor --deep")
    try:
        return AESGCM(_derived(key, f"box {purpose}")).decrypt(
            box[start : start + _NONCE], box[start + _NONCE :], bound
        )
    except InvalidTag:
        raise SealedError(
            f"{what} does not open with seal key {key_name(key)}: another key sealed it, or its record was changed",
            mend=f"set {VARIABLE} to the key that sealed it",
        ) from None


def _derived(key: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"slipway {purpose}".encode()).derive(key)
