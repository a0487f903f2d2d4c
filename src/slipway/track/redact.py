"""Take secrets and personal data out of a value before anything is written. Runs on the writer's thread.

A value whose text shows nothing suspicious (one pass of one RE2 expression) is left as it is. Otherwise every text in it
is searched, row by row of `patterns`; so are texts that lie next to each other in a streamed answer, as if they were
one, and what base64 hides. Redaction comes before cutting to ``max-bytes``, so a secret that straddles the cut is seen whole.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import msgspec

from slipway.track import patterns
from slipway.track.patterns import Pattern

Hook = Callable[[str], str]
"""One more redactor: text in, text out. One that raises has its text replaced whole: an unchecked text is not written."""

_encode = msgspec.json.Encoder().encode
_MOST_DECODED = 262_144
_READABLE = bytes(range(32, 127)) + b"\r\n\t"


@lru_cache(maxsize=4_096)
def sensitive(name: str) -> bool:
    """Is a value of this name a secret whatever it looks like? ``api_key``, ``Authorization``, ``db_password`` ..."""
    flat = name[:256].lower().replace("_", "").replace("-", "").replace(" ", "").rpartition(".")[2]
    if flat in patterns.SENSITIVE_NAMES or flat.endswith(patterns.SENSITIVE_ENDS):
        return True
    return flat.endswith("token") and not flat.removesuffix("token").endswith(tuple(patterns.HARMLESS_TOKENS))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """``families`` are (gate, rows): no row can match where its gate does not. ``first`` is every gate, and any long word."""

    first: Any
    families: list[tuple[Any, list[tuple[Pattern, Any]]]]
    base64: Any


@cache
def _compiled(secrets: bool, personal: bool) -> _Compiled:
    import re2

    options = re2.Options()
    options.max_mem = 64 << 20
    families = []
    for wanted, rows in (("secrets", patterns.SECRETS * secrets), ("personal", patterns.PERSONAL * personal)):
        if rows:
            only = patterns.gate(secrets=wanted == "secrets", personal=wanted == "personal")
            families.append((re2.compile(only, options), [(row, re2.compile(row.regex, options)) for row in rows]))
    first = patterns.gate(secrets=secrets, personal=personal, base64=True)
    return _Compiled(
        re2.compile(first.encode(), options) if first else None, families, re2.compile(patterns.BASE64, options)
    )


class Redactor:
    """``secrets`` and ``personal`` choose the built-in rows; ``hooks`` run after them on every text."""

    def __init__(
        self, *, secrets: bool = True, personal: bool = True, presidio: bool = False, hooks: Sequence[Hook] = ()
    ) -> None:
        self.secrets = secrets
        self._compiled = _compiled(secrets, personal)
        self.hooks: list[Hook] = list(hooks)
        if presidio:
            from slipway.track.presidio import presidio_hook

            self.hooks.append(presidio_hook())

    def value(self, value: Any) -> Any:
        """``value`` (JSON types) without secrets. The same object when there was nothing to take out."""
        if not self.hooks and self.harmless(_encode(value)):
            return value
        return self._walk(value)

    def harmless(self, data: bytes) -> bool:
        """Whether there is surely nothing to take out of this JSON text."""
        first = self._compiled.first
        return not self.hooks and (first is None or not first.search(data))

    def text(self, text: str) -> str:
        """``text`` without secrets."""
        for gate, rows in self._compiled.families:
            if gate.search(text):
                for row, regex in rows:
                    text = _replace(text, row, regex)
        if self.secrets:
            text = self._hidden(text)
        for hook in self.hooks:
            text = _hooked(hook, text)
        return text

    def chunks(self, values: Sequence[Any]) -> list[Any]:
        """The parts of a streamed answer: texts at the same place in successive parts are also searched as one text."""
        parts = [self._walk(value) for value in values]
        places: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
        for index, part in enumerate(parts):
            _texts(part, parts, index, (), places)
        for pieces in places.values():
            self._together(pieces)
        return parts

    def _together(self, pieces: list[tuple[Any, Any]]) -> None:
        whole = "".join(box[key] for box, key in pieces)
        clean = self.text(whole)
        if clean == whole:
            return
        # Everything of the joined text goes into the first piece: which chunk it arrived in tells nobody anything.
        for index, (box, key) in enumerate(pieces):
            box[key] = clean if index == 0 else ""

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        return value

    def _hidden(self, text: str) -> str:
        """Replace base64 that decodes to a secret."""

        def judge(match: Any) -> str:
            found: str = match.group(0)
            return "[redacted base64]" if self._wraps(found) else found

        return str(self._compiled.base64.sub(judge, text))

    def _wraps(self, run: str) -> bool:
        # Hexadecimal digits, as in a UUID or a digest, decode to no readable text: a digit where four characters begin gives a
        # byte above 127.
        if not run.strip("0123456789abcdef-"):
            return False
        plain = run.rstrip("=").replace("-", "+").replace("_", "/")[:_MOST_DECODED]
        for start in range(4):  # the run may begin inside a longer word
            if not _readable(plain[start : start + 88]):
                continue
            piece = plain[start : start + (len(plain) - start) // 4 * 4]
            decoded = a2b_base64(piece + _padded(plain[start + len(piece) :])).decode("latin-1")
            gate, rows = self._compiled.families[0]
            if gate.search(decoded) and any(_replace(decoded, row, regex) != decoded for row, regex in rows):
                return True
        return False


def _readable(text: str) -> bool:
    """Is what the whole fours of ``text`` stand for nine tenths text?"""
    data = a2b_base64(text[: len(text) // 4 * 4])[:64]
    return len(data.translate(None, _READABLE)) <= 0.1 * len(data)


def _padded(rest: str) -> str:
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""


def _replace(text: str, row: Pattern, regex: Any) -> str:
    parts: list[str] = []
    done = 0
    for match in regex.finditer(text):
        start, end = match.span(row.group)
        if start < done or (row.check is not None and not row.check(match.group(row.group))):
            continue
        if text.startswith("[redacted", start):
            continue
        parts += [text[done:start], f"[redacted {row.name}]"]
        done = end
    return text if not parts else "".join([*parts, text[done:]])


def _texts(
    value: Any, box: Any, key: Any, place: tuple[Any, ...], places: dict[tuple[Any, ...], list[tuple[Any, Any]]]
) -> None:
    if isinstance(value, str):
        places.setdefault(place, []).append((box, key))
    elif isinstance(value, dict):
        for name, item in value.items():
            _texts(item, value, name, (*place, name), places)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _texts(item, value, index, (*place, index), places)


def _hooked(hook: Hook, text: str) -> str:
    try:
        return str(hook(text))
    except Exception:  # somebody else's code: its text is withheld rather than written unchecked
        return "[redacted: a redactor failed]"
